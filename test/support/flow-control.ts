import { MQAdmin, Producer, PushConsumer, type MessageExt, type PushConsumerOptions } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from './wait-for.js';

const QUEUES = 4;
const PER_QUEUE = 100;
/** Bodies of the cells that count bytes: sixteen of them are 1 MiB. */
const LARGE_BODY_BYTES = 64 * 1024;
const PULL_BATCH = 4;
/** Divides `PER_QUEUE`. */
const SEND_BATCH = 20;
const TIMEOUT_MS = 60_000;

export interface FlowBus {
  namesrvAddr: string;
  stop(): Promise<void>;
}

/** What each cell limits, and the messages of a queue that may be held then: the limit and a pull that is under way at most. */
const LIMITS: readonly [what: string, limits: Partial<PushConsumerOptions>, held: number][] = [
  ['count', { pullThresholdForQueue: 8 }, 8],
  ['count for the topic', { pullThresholdForTopic: 8 * QUEUES }, 8],
  ['bytes', { pullThresholdSizeForQueueMiB: 1 }, 16],
  ['bytes for the topic', { pullThresholdSizeForTopicMiB: QUEUES }, 16],
  ['span', { consumeConcurrentlyMaxSpan: 8 }, 8],
];

const heldOf = (member: PushConsumer, queueId: number): number =>
  member.runningInfo()?.mqTable.find(({ queue }) => queue.queueId === queueId && !queue.topic.startsWith('%'))?.value
    .cachedMsgCount ?? 0;

/** How a consumer of ours keeps what it holds within limits, and rests when it is told to, on any bus. */
export function describeFlowControl(name: string, start: () => Promise<FlowBus>): void {
  describe.concurrent(name, () => {
    let bus: FlowBus;
    let admin: MQAdmin;
    let producer: Producer;

    beforeAll(async () => {
      bus = await start();
      const { namesrvAddr } = bus;
      admin = new MQAdmin({ namesrvAddr });
      producer = new Producer({ namesrvAddr, group: 'PID_flow', sendMsgTimeoutMs: 30_000 });
      await Promise.all([admin.start(), producer.start()]);
    });

    afterAll(async () => {
      await producer?.shutdown();
      await admin?.shutdown();
      await bus?.stop();
    });

    async function fill(topic: string, padBytes = 0): Promise<string> {
      await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
      const queues = await waitFor(async () => {
        const found = await producer.fetchPublishMessageQueues(topic).catch(() => []);
        return found.length === QUEUES ? found : undefined;
      }, `the route of ${topic}`);
      const pad = ' '.repeat(padBytes);
      for (const queue of queues) {
        for (let first = 0; first < PER_QUEUE; first += SEND_BATCH) {
          const batch = Array.from({ length: SEND_BATCH }, (_, n) => ({ topic, body: `${first + n}${pad}` }));
          await producer.send(batch, { queue });
        }
      }
      return queues[0].brokerName;
    }

    function consumer(topic: string, limits: Partial<PushConsumerOptions>): PushConsumer {
      const made = new PushConsumer({
        namesrvAddr: bus.namesrvAddr,
        group: `g-${topic}`,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        pullBatchSize: PULL_BATCH,
        concurrency: 40,
        ...limits,
      });
      made.subscribe(topic);
      return made;
    }

    it.each(LIMITS)(
      'by %s: a queue whose handlers hang is pulled no further, and no other waits for it',
      { timeout: 2 * TIMEOUT_MS },
      async (what, limits, mayHold) => {
        const topic = `flow-${what.replaceAll(' ', '-')}`;
        await fill(topic, what.startsWith('bytes') ? LARGE_BODY_BYTES : 0);
        const done = new Map<number, number>();
        let open: (() => void) | undefined;
        const opened = new Promise<void>((resolve) => (open = resolve));
        const member = consumer(topic, limits);
        member.registerMessageListener(async ([message]) => {
          if (message.queueId === 0) await opened;
          done.set(message.queueId, (done.get(message.queueId) ?? 0) + 1);
          return 'CONSUME_SUCCESS' as const;
        });
        await member.start();
        const others = (): number[] => [1, 2, 3].map((queueId) => done.get(queueId) ?? 0);
        await waitFor(() => others().every((count) => count === PER_QUEUE), 'the other queues', TIMEOUT_MS);
        await waitFor(() => heldOf(member, 0) >= mayHold, 'the full queue', TIMEOUT_MS);
        expect([done.get(0), heldOf(member, 0) <= mayHold + 2 * PULL_BATCH]).toEqual([undefined, true]);
        open?.();
        await waitFor(() => done.get(0) === PER_QUEUE, 'the queue that hung', TIMEOUT_MS);
        await member.shutdown();
      },
    );

    it('a queue and a topic rest, and go on where they were (item 3)', { timeout: 2 * TIMEOUT_MS }, async () => {
      const topic = 'flow-rest';
      const brokerName = await fill(topic);
      const done: MessageExt[] = [];
      const member = consumer(topic, {});
      member.registerMessageListener((messages) => {
        done.push(...messages);
        return 'CONSUME_SUCCESS';
      });
      member.pauseQueues({ topic, brokerName, queueId: 2 });
      await member.start();
      await waitFor(() => done.length === 3 * PER_QUEUE, 'three queues', TIMEOUT_MS);
      expect(done.some(({ queueId }) => queueId === 2)).toBe(false);
      member.resumeQueues();
      await waitFor(() => done.length === QUEUES * PER_QUEUE, 'the fourth', TIMEOUT_MS);
      member.pauseQueues({ topic });
      await producer.send({ topic, body: 'later' });
      expect(member.pausedQueues).toEqual([{ topic, brokerName: undefined, queueId: undefined }]);
      member.resumeQueues({ topic });
      await waitFor(() => done.length === QUEUES * PER_QUEUE + 1, 'what came in the meantime', TIMEOUT_MS);
      await member.shutdown();
      expect(new Set(done.map(({ queueId, queueOffset }) => `${queueId}:${queueOffset}`)).size).toBe(done.length);
    });
  });
}
