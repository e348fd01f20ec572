import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  MQAdmin,
  Producer,
  PullConsumer,
  PushConsumer,
  silentLogger,
  type MessageExt,
  type MessageQueue,
} from '@rocknest/client-core';
import { waitFor } from '../support/wait-for.js';
import type { ClientEvent } from './history.js';

/**
 * The clients of a run, as a process of its own on a host of its own: a lane for each queue, in which one message follows another, and groups that consume
 * them in order and concurrently. Each event is a line of the history file. Reads commands: `stop` ends the sending, `end` everything.
 */
export interface ClientSetup {
  readonly namesrvAddr: string;
  readonly topic: string;
  readonly queues: readonly MessageQueue[];
  readonly queuesPerGroup: number;
  readonly orderedGroup: string;
  readonly concurrentGroup: string;
  readonly historyFile: string;
  /** Between two messages of a lane. */
  readonly pauseMs: number;
}

const START_TIMEOUT_MS = 60_000;
const SEND_TIMEOUT_MS = 3_000;
const AFTER_FAILURE_MS = 20;
const READ_TIMEOUT_MS = 500;
const READ_EVERY_MS = 50;
/** Bodies are of any length up to this, so that records lie anywhere. */
const MAX_PADDING = 2_000;

const setup = JSON.parse(process.argv[2]) as ClientSetup;
const { namesrvAddr, topic } = setup;
const history = createWriteStream(setup.historyFile);
const note = (event: ClientEvent): void => void history.write(`${JSON.stringify(event)}\n`);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const queueName = ({ brokerName, queueId }: MessageQueue): string => `${brokerName}:${queueId}`;
let sending = true;

async function runLane(producer: Producer, queue: MessageQueue): Promise<void> {
  const lane = queueName(queue);
  for (let n = 0; sending; n++) {
    note({ e: 'invoke', lane, n, t: Date.now() });
    try {
      const body = `${lane}#${n} ${'x'.repeat((n * 7919) % MAX_PADDING)}`;
      const result = await producer.send({ topic, body }, { queue, timeoutMs: SEND_TIMEOUT_MS });
      const at = { lane, n, t: Date.now() };
      if (result.status === 'SEND_OK')
        note({ e: 'ack', ...at, queue: queueName(result.messageQueue), offset: result.queueOffset });
      else note({ e: 'fail', ...at, why: result.status });
      await pause(setup.pauseMs);
    } catch (error) {
      note({ e: 'fail', lane, n, t: Date.now(), why: (error as Error).message.slice(0, 200) });
      await pause(AFTER_FAILURE_MS);
    }
  }
}

/** Reads the first message of a queue over and over: shows how long a group can't be read. */
async function readAgain(reader: PullConsumer, queue: MessageQueue): Promise<void> {
  while (sending) {
    const since = Date.now();
    try {
      const { messages } = await reader.pull(queue, '*', 0, 1, { timeoutMs: READ_TIMEOUT_MS });
      if (messages.length > 0) note({ e: 'read', lane: queueName(queue), since, t: Date.now() });
    } catch {
      // The next one shows when it works again.
    }
    await pause(READ_EVERY_MS);
  }
}

function consumer(group: string, instanceName: string, orderly: boolean): PushConsumer {
  const options = { namesrvAddr, group, instanceName, logger: silentLogger } as const;
  const made = new PushConsumer({ ...options, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
  made.subscribe(topic);
  const handle = (messages: readonly MessageExt[]): void => {
    for (const { body, queueId, queueOffset, brokerName = '' } of messages) {
      const [lane, n] = body.toString('latin1').split(' ', 1)[0].split('#');
      note({
        e: 'got',
        group,
        lane,
        n: Number(n),
        t: Date.now(),
        queue: queueName({ topic, brokerName, queueId }),
        offset: queueOffset,
      });
    }
  };
  if (orderly)
    made.registerMessageListenerOrderly((messages) => {
      handle(messages);
      return 'SUCCESS';
    });
  else
    made.registerMessageListener((messages) => {
      handle(messages);
      return 'CONSUME_SUCCESS';
    });
  return made;
}

async function run(): Promise<void> {
  const producer = new Producer({ namesrvAddr, group: 'PID_chaos', logger: silentLogger });
  const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
  const consumers = [
    consumer(setup.orderedGroup, 'ordered-1', true),
    consumer(setup.orderedGroup, 'ordered-2', true),
    consumer(setup.concurrentGroup, 'concurrent-1', false),
    consumer(setup.concurrentGroup, 'concurrent-2', false),
  ];
  await admin.start();
  const { queuesPerGroup } = setup;
  const groups = [...new Set(setup.queues.map(({ brokerName }) => brokerName))];
  await waitFor(
    async () => {
      // A group without a master at that moment is passed over.
      await admin.createTopic(topic, { readQueueNums: queuesPerGroup, writeQueueNums: queuesPerGroup });
      const { queueDatas } = await admin.examineTopicRoute(topic);
      return groups.every((group) => queueDatas.some(({ brokerName }) => brokerName === group));
    },
    `the topic in ${groups.join(', ')}`,
    START_TIMEOUT_MS,
  );
  const reader = new PullConsumer({ namesrvAddr, group: 'GID_reader', logger: silentLogger });
  await Promise.all([producer.start(), reader.start()]);
  for (const one of consumers) await one.start();
  const commands = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const nextCommand = async (): Promise<string> => (await commands.next()).value ?? 'end';
  const lanes = [
    ...setup.queues.map((queue) => runLane(producer, queue)),
    ...setup.queues.filter(({ queueId }) => queueId === 0).map((queue) => readAgain(reader, queue)),
  ];
  say('running');
  let command = await nextCommand();
  if (command === 'stop') {
    sending = false;
    await Promise.all(lanes);
    await new Promise((resolve) => history.write('', resolve));
    say('stopped');
    command = await nextCommand();
  }
  sending = false;
  await Promise.all(lanes);
  const parts = [...consumers, reader, producer, admin];
  await Promise.allSettled(parts.map((one) => one.shutdown()));
  await new Promise<void>((resolve) => history.end(resolve));
}

await run();
process.exit(0);
