import { MQAdmin, Producer, PushConsumer, type MessageExt } from '@rocknest/client-core';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';

const QUEUES = 4;
const PER_QUEUE = 100;

let cluster: RunningCluster;
let admin: MQAdmin;
let producer: Producer;

beforeAll(async () => {
  cluster = await startCluster();
  admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr });
  producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: 'PID_flow' });
  await Promise.all([admin.start(), producer.start()]);
});

afterAll(async () => {
  await producer?.shutdown();
  await admin?.shutdown();
  await cluster?.stop();
});

async function fill(topic: string): Promise<void> {
  await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  for (const queue of await producer.fetchPublishMessageQueues(topic)) {
    const bodies = Array.from({ length: PER_QUEUE }, (_, n) => String(n));
    await Promise.all(bodies.map((body) => producer.send({ topic, body }, { queue })));
  }
}

function consumer(topic: string, limits: Partial<ConstructorParameters<typeof PushConsumer>[0]>): PushConsumer {
  const made = new PushConsumer({
    namesrvAddr: cluster.namesrvAddr,
    group: `g-${topic}`,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    pullBatchSize: 4,
    concurrency: 40,
    ...limits,
  });
  made.subscribe(topic);
  return made;
}

const heldOf = (member: PushConsumer, queueId: number): number =>
  member.runningInfo()?.mqTable.find(({ queue }) => queue.queueId === queueId && !queue.topic.startsWith('%'))?.value
    .cachedMsgCount ?? 0;

describe('flow control (item 8)', () => {
  it.each([
    ['count', { pullThresholdForQueue: 8 }],
    ['count for the topic', { pullThresholdForTopic: 8 * QUEUES }],
    ['span', { consumeConcurrentlyMaxSpan: 8 }],
  ])('by %s: a queue whose handlers hang is pulled no further, and no other waits for it', async (what, limits) => {
    const topic = `flow-${what.replaceAll(' ', '-')}`;
    await fill(topic);
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
    await waitFor(() => others().every((count) => count === PER_QUEUE), 'the other queues');
    await waitFor(() => heldOf(member, 0) > 8, 'the full queue');
    expect([done.get(0), heldOf(member, 0) <= 8 + 2 * 4]).toEqual([undefined, true]);
    open?.();
    await waitFor(() => done.get(0) === PER_QUEUE, 'the queue that hung');
    await member.shutdown();
  });

  it('a queue and a topic rest, and go on where they were', async () => {
    const topic = 'flow-rest';
    await fill(topic);
    const done: MessageExt[] = [];
    const member = consumer(topic, {});
    member.registerMessageListener((messages) => {
      done.push(...messages);
      return 'CONSUME_SUCCESS';
    });
    const [{ brokerName }] = await producer.fetchPublishMessageQueues(topic);
    member.pauseQueues({ topic, brokerName, queueId: 2 });
    await member.start();
    await waitFor(() => done.length === 3 * PER_QUEUE, 'three queues');
    expect(done.some(({ queueId }) => queueId === 2)).toBe(false);
    member.resumeQueues();
    await waitFor(() => done.length === QUEUES * PER_QUEUE, 'the fourth');
    member.pauseQueues({ topic });
    await producer.send({ topic, body: 'later' });
    expect(member.pausedQueues).toEqual([{ topic, brokerName: undefined, queueId: undefined }]);
    member.resumeQueues({ topic });
    await waitFor(() => done.length === QUEUES * PER_QUEUE + 1, 'what came in the meantime');
    await member.shutdown();
  });
});
