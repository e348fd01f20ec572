import { encodeUpdateAndCreateTopicRequest, RequestCode } from '@rocknest/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { PopClient } from '../support/pop-client.js';
import { BrokerProcess } from '../support/rocknest-process.js';

const ROUNDS = 4;
const QUEUES = 4;
const MESSAGES = 3_000;
const CONSUMERS = 4;
const TOPIC = 'pop-crash';
const GROUP = 'GID_pop_crash';
/** A message in seven is not acknowledged the first time. */
const FORGOTTEN = 7;
/** Short, so that a crash meets every state: check points in memory, written, due, and messages on their way to the retry topic. */
const INVISIBLE_MS = 1_500;
const STAY_BUFFER_MS = 500;
const POPS_BEFORE_KILL = 25;

describe('a broker that is killed with SIGKILL while it is popped', () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.create({ config: { popCkStayBufferTime: STAY_BUFFER_MS } });
  });

  afterAll(async () => {
    await broker?.remove();
  });

  it(`delivers each of ${MESSAGES} messages that was not acknowledged, over ${ROUNDS} kills`, async () => {
    const acknowledged = new Set<number>();
    const forgotten = new Set<number>();
    const retried = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      await broker.start();
      const client = new BrokerClient(broker.brokerAddr);
      if (round === 0) await fill(client);
      let pops = 0;
      let killed: Promise<void> | undefined;
      await consume(client, acknowledged, forgotten, retried, () => {
        if (++pops >= POPS_BEFORE_KILL) killed ??= broker.kill9();
        return killed === undefined;
      });
      expect(killed, `round ${round} ended before its kill`).toBeDefined();
      await killed;
      await client.close();
    }

    await broker.start();
    const client = new BrokerClient(broker.brokerAddr);
    const deadline = Date.now() + 60_000;
    const isUnderWay = (): boolean => acknowledged.size < MESSAGES && Date.now() < deadline;
    await consume(client, acknowledged, forgotten, retried, isUnderWay);
    const missing = Array.from({ length: MESSAGES }, (_, i) => i).filter((i) => !acknowledged.has(i));
    expect(missing).toEqual([]);
    expect(forgotten.size).toBeGreaterThan(0);
    expect(retried.size, 'some came again by the retry topic').toBeGreaterThan(0);
    await client.close();
  });

  async function fill(client: BrokerClient): Promise<void> {
    const fields = encodeUpdateAndCreateTopicRequest({
      topic: TOPIC,
      defaultTopic: 'TBW102',
      readQueueNums: QUEUES,
      writeQueueNums: QUEUES,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      attributes: undefined,
      force: false,
    });
    await client.request(RequestCode.UPDATE_AND_CREATE_TOPIC, fields);
    const numbers = Array.from({ length: MESSAGES }, (_, i) => i);
    for (let from = 0; from < MESSAGES; from += 500) {
      await Promise.all(
        numbers.slice(from, from + 500).map((i) => client.send(TOPIC, String(i), { queueId: i % QUEUES })),
      );
    }
  }

  /** Pops and acknowledges until `goesOn` says no, or the connection breaks. Counts an acknowledgement when it was answered. */
  async function consume(
    client: BrokerClient,
    acknowledged: Set<number>,
    forgotten: Set<number>,
    retried: Set<number>,
    goesOn: () => boolean,
  ): Promise<void> {
    const one = async (): Promise<void> => {
      const pops = new PopClient(client, GROUP, 'broker-a');
      while (goesOn()) {
        const { messages } = await pops.pop(TOPIC, { invisibleTime: INVISIBLE_MS, pollTime: 500, maxMsgNums: 8 });
        for (const message of messages) {
          const index = Number(message.body.toString());
          if (message.reconsumeTimes > 0) retried.add(index);
          if (index % FORGOTTEN === 0 && !forgotten.has(index)) {
            forgotten.add(index);
            continue;
          }
          if ((await pops.ack(message)).code === 0) acknowledged.add(index);
        }
      }
    };
    await Promise.all(Array.from({ length: CONSUMERS }, () => one().catch(() => undefined)));
  }
});
