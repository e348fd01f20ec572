import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ConsumeOrderlyResult,
  MQAdmin,
  PushConsumer,
  silentLogger,
  type MessageListenerOrderly,
  type PushConsumerOptions,
} from '@rocknest/client-core';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { RawConnection } from '../support/raw-remoting.js';
import { lockQueues } from '../support/raw-requests.js';
import { waitFor } from '../support/wait-for.js';
import { Clients, texts, uniqueName } from './support/clients.js';

/** Locks that run out in 2 s at the broker, so that a member that vanished is waited for in a test's time. */
const BROKER_LOCK_MS = 2_000;
const SHORT_LOCKS: Partial<PushConsumerOptions> = { rebalanceLockIntervalMs: 500, rebalanceLockMaxLiveMs: 1_000 };

describe('orderly push consumer', () => {
  let cluster: RunningCluster;
  let clients: Clients;
  let admin: MQAdmin;

  beforeAll(async () => {
    cluster = await startCluster({ broker: { rebalanceLockMaxLiveTimeMs: BROKER_LOCK_MS } });
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await admin.start();
    clients = new Clients(cluster.namesrvAddr);
  });
  afterEach(() => clients.shutdown());
  afterAll(async () => {
    await admin?.shutdown();
    await cluster?.stop();
  });

  const newTopic = async (writeQueueNums: number): Promise<string> => {
    const topic = uniqueName('topic');
    await admin.createTopic(topic, { writeQueueNums });
    return topic;
  };
  /** `count` texts to each queue, in order within each. */
  const send = async (topic: string, queues: number, count: number, prefix = 'text'): Promise<void> => {
    const producer = await clients.producer();
    for (let queueId = 0; queueId < queues; queueId++) {
      const queue = { topic, brokerName: 'broker-a', queueId };
      for (const body of texts(count, prefix)) await producer.send({ topic, body: `${queueId}/${body}` }, { queue });
    }
    await producer.shutdown();
  };
  const join = async (
    topic: string,
    group: string,
    listener: MessageListenerOrderly,
    options: Partial<PushConsumerOptions> = {},
  ): Promise<PushConsumer> => {
    const consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      logger: silentLogger,
      ...SHORT_LOCKS,
      ...options,
    });
    consumer.subscribe(topic);
    consumer.registerMessageListenerOrderly(listener);
    clients.add(() => consumer.shutdown({ timeoutMs: 1_000 }));
    await consumer.start();
    return consumer;
  };
  const own = (consumer: PushConsumer, topic: string): number =>
    consumer.assignedQueues.filter((queue) => queue.topic === topic).length;
  const committed = async (group: string, topic: string): Promise<number> =>
    (await admin.examineConsumeStats(group, topic))
      .filter(({ queue }) => queue.topic === topic)
      .reduce((sum, one) => sum + Math.max(0, one.consumerOffset), 0);

  it('handles one message of a queue at a time, in order', async () => {
    const topic = await newTopic(3);
    await send(topic, 3, 40);
    const seen: string[][] = [[], [], []];
    const running = [0, 0, 0];
    let most = 0;
    await join(topic, uniqueName('group'), async ([message]) => {
      const { queueId } = message;
      most = Math.max(most, ++running[queueId]);
      await new Promise((resolve) => setImmediate(resolve));
      running[queueId]--;
      seen[queueId].push(message.body.toString());
      return ConsumeOrderlyResult.SUCCESS;
    });
    await waitFor(() => seen.every((queue) => queue.length >= 40), 'all messages');
    expect(most).toBe(1);
    expect(seen).toEqual([0, 1, 2].map((queueId) => texts(40).map((text) => `${queueId}/${text}`)));
  });

  it('a failed message comes again, and nothing of its queue before it', async () => {
    const topic = await newTopic(1);
    await send(topic, 1, 5);
    const seen: string[] = [];
    await join(
      topic,
      uniqueName('group'),
      ([message]) => {
        seen.push(`${message.body.toString()} ${message.reconsumeTimes}`);
        if (message.body.toString() === '0/text-2' && message.reconsumeTimes < 2) throw new Error('not yet');
        return 'SUCCESS';
      },
      { suspendCurrentQueueTimeMillis: 20 },
    );
    await waitFor(() => seen.length >= 7, 'all deliveries');
    const expected = ['text-0 0', 'text-1 0', 'text-2 0', 'text-2 1', 'text-2 2', 'text-3 0', 'text-4 0'];
    expect(seen).toEqual(expected.map((text) => `0/${text}`));
  });

  it('after maxReconsumeTimes a message rests in the dead letter queue, and its queue goes on', async () => {
    const topic = await newTopic(1);
    const group = uniqueName('group');
    await send(topic, 1, 3);
    const seen: string[] = [];
    const consumer = await join(
      topic,
      group,
      ([message]) => {
        seen.push(message.body.toString());
        return message.body.toString() === '0/text-1' ? 'SUSPEND_CURRENT_QUEUE_A_MOMENT' : 'SUCCESS';
      },
      { suspendCurrentQueueTimeMillis: 10, maxReconsumeTimes: 2 },
    );
    await waitFor(() => seen.includes('0/text-2'), 'the message after it');
    expect(seen).toEqual(['text-0', 'text-1', 'text-1', 'text-1', 'text-2'].map((text) => `0/${text}`));
    const { received } = await clients.consumer(`%DLQ%${group}`, { group: uniqueName('dlq') });
    await waitFor(() => received.length === 1, 'the dead letter');
    expect(received[0].text).toBe('0/text-1');
    expect(received[0].message).toMatchObject({ reconsumeTimes: 3, properties: { RETRY_TOPIC: topic } });
    await consumer.shutdown();
    expect(await committed(group, topic)).toBe(3);
  });

  it('goes on after a restart where it was, and commits by hand', async () => {
    const topic = await newTopic(1);
    const group = uniqueName('group');
    await send(topic, 1, 6);
    const seen: string[] = [];
    const byHand: MessageListenerOrderly = ([message], context) => {
      context.autoCommit = false;
      seen.push(message.body.toString());
      return message.body.toString() === '0/text-3' ? 'COMMIT' : 'SUCCESS';
    };
    const first = await join(topic, group, byHand);
    await waitFor(() => seen.length >= 6, 'six messages');
    await first.shutdown();
    expect(await committed(group, topic)).toBe(4);
    seen.length = 0;
    await join(topic, group, byHand);
    await waitFor(() => seen.length >= 2, 'what was not committed');
    expect(seen).toEqual(['0/text-4', '0/text-5']);
  });

  it('hands a queue over when its handler has ended, and not before', async () => {
    const topic = await newTopic(2);
    const group = uniqueName('group');
    await send(topic, 2, 2);
    let open: (() => void) | undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const log: string[] = [];
    const member =
      (name: string): MessageListenerOrderly =>
      async ([message]) => {
        log.push(`${name} begins ${message.body.toString()}`);
        if (name === 'first') await opened;
        log.push(`${name} ends ${message.body.toString()}`);
        return ConsumeOrderlyResult.SUCCESS;
      };
    const first = await join(topic, group, member('first'));
    await waitFor(() => log.length === 2, 'a handler on each queue');
    const second = await join(topic, group, member('second'));
    await waitFor(() => own(first, topic) === 1, 'a queue dropped');
    const moved = first.assignedQueues.some((queue) => queue.topic === topic && queue.queueId === 0) ? 1 : 0;
    // Several tries of the second member fail while the lock is held.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(own(second, topic)).toBe(0);
    open?.();
    await waitFor(() => log.length === 8, 'all handled');
    const ofMoved = log.filter((line) => line.includes(` ${moved}/`));
    expect(ofMoved).toEqual([
      `first begins ${moved}/text-0`,
      `first ends ${moved}/text-0`,
      `second begins ${moved}/text-1`,
      `second ends ${moved}/text-1`,
    ]);
  });

  it('waits for the lock of a member that vanished to run out', async () => {
    const topic = await newTopic(1);
    const group = uniqueName('group');
    await send(topic, 1, 2);
    const queue = { topic, brokerName: 'broker-a', queueId: 0 };
    const connection = await RawConnection.open(cluster.brokers[0].address);
    expect(await lockQueues(connection, group, 'ghost', [queue])).toEqual([queue]);
    connection.close();
    const lockedAtMs = Date.now();
    const seen: number[] = [];
    await join(topic, group, () => {
      seen.push(Date.now());
      return 'SUCCESS';
    });
    await waitFor(() => seen.length === 2, 'both messages');
    expect(seen[0] - lockedAtMs).toBeGreaterThanOrEqual(BROKER_LOCK_MS);
  });
});
