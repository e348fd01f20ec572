import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConsumeResult, MQAdmin, PushConsumer, silentLogger, type MessageExt } from '@rocknest/client-core';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { waitFor } from '../support/wait-for.js';
import { Clients, texts, uniqueName, type Received } from './support/clients.js';

/** Every delay level lasts one second, so that a retry comes soon. */
const QUICK_RETRIES = { messageDelayLevel: Array.from({ length: 18 }, () => '1s').join(' ') };

describe('push consumer on two brokers', () => {
  let cluster: RunningCluster;
  let clients: Clients;
  let admin: MQAdmin;

  beforeAll(async () => {
    cluster = await startCluster({ brokers: 2, broker: QUICK_RETRIES });
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await admin.start();
    clients = new Clients(cluster.namesrvAddr);
  });
  afterEach(() => clients.shutdown());
  afterAll(async () => {
    await admin.shutdown();
    await cluster.stop();
  });

  const newTopic = async (writeQueueNums = 4): Promise<string> => {
    const topic = uniqueName('topic');
    await admin.createTopic(topic, { writeQueueNums });
    return topic;
  };
  const send = async (topic: string, bodies: string[], tags?: string): Promise<void> => {
    const producer = await clients.producer();
    await Promise.all(bodies.map((body) => producer.send({ topic, body, tags })));
    await producer.shutdown();
  };
  const sorted = (received: readonly Received[]): string[] => received.map(({ text }) => text).sort();
  /** Where the group stands: sum of its offsets over the queues of the topic. */
  const committed = async (group: string, topic: string): Promise<number> => {
    const progress = await admin.examineConsumeStats(group, topic).catch(() => []);
    return progress
      .filter(({ queue }) => queue.topic === topic)
      .reduce((sum, one) => sum + Math.max(0, one.consumerOffset), 0);
  };

  it('gets every message once, with all that it carries', async () => {
    const topic = await newTopic();
    const { received } = await clients.consumer(topic);
    const producer = await clients.producer();
    const result = await producer.send({
      topic,
      body: 'hello',
      tags: 'created',
      keys: 'k',
      flag: 4,
      properties: { colour: 'grün' },
    });
    await send(topic, texts(500));
    await waitFor(() => received.length >= 501, '501 messages');
    expect(sorted(received)).toEqual(['hello', ...texts(500)].sort());
    const { message } = received.find(({ text }) => text === 'hello')!;
    expect(message).toMatchObject({
      topic,
      flag: 4,
      msgId: result.msgId,
      offsetMsgId: result.offsetMsgId,
      queueId: result.messageQueue.queueId,
      queueOffset: result.queueOffset,
      brokerName: result.messageQueue.brokerName,
      reconsumeTimes: 0,
    });
    expect(message.properties).toMatchObject({ TAGS: 'created', KEYS: 'k', colour: 'grün' });
  });

  it('reads compressed bodies and batches', async () => {
    const topic = await newTopic();
    const producer = await clients.producer();
    const long = 'long text '.repeat(2_000);
    await producer.send({ topic, body: long });
    await producer.send(texts(3).map((body) => ({ topic, body })));
    const { received } = await clients.consumer(topic);
    await waitFor(() => received.length >= 4, 'four messages');
    expect(sorted(received)).toEqual([long, ...texts(3)].sort());
  });

  it('takes the tags it asks for, and commits past the others', async () => {
    const topic = await newTopic(1);
    await send(topic, texts(10, 'a'), 'A');
    await send(topic, texts(10, 'b'), 'B');
    await send(topic, texts(10, 'c'), 'C');
    const group = uniqueName('group');
    const { received, consumer } = await clients.consumer(topic, { expression: 'A || B', group });
    await waitFor(() => received.length >= 20, 'twenty messages');
    expect(sorted(received)).toEqual([...texts(10, 'a'), ...texts(10, 'b')].sort());
    await consumer.shutdown();
    expect(await committed(group, topic)).toBeGreaterThanOrEqual(20);
  });

  it('changes its tags and its topics while it runs', async () => {
    const [first, second] = [await newTopic(1), await newTopic(1)];
    const { received, consumer } = await clients.consumer(first, { expression: 'A' });
    consumer.subscribe(second);
    consumer.subscribe(first, 'B');
    await waitFor(() => consumer.assignedQueues.some((queue) => queue.topic === second), 'the second topic');
    await send(second, ['from second']);
    await send(first, ['wanted'], 'B');
    await waitFor(() => received.length === 2, 'two messages');
    expect(sorted(received)).toEqual(['from second', 'wanted']);
    consumer.unsubscribe(second);
    await waitFor(() => consumer.assignedQueues.every((queue) => queue.topic !== second), 'the queues given up');
  });

  it('shares the queues with members that come and go, and loses nothing', async () => {
    const topic = await newTopic();
    const group = uniqueName('group');
    const members = [await clients.consumer(topic, { group })];
    const sharesOf = (): number[] =>
      members.map(({ consumer }) => consumer.assignedQueues.filter((queue) => queue.topic === topic).length);
    expect(sharesOf()).toEqual([8]);
    members.push(await clients.consumer(topic, { group }));
    members.push(await clients.consumer(topic, { group }));
    // Which of them has two queues follows from the order of their client ids as strings.
    await waitFor(() => sharesOf().sort().join() === '2,3,3', 'shares of three members');
    await send(topic, texts(300, 'three'));
    const all = (): Received[] => members.flatMap(({ received }) => received);
    await waitFor(() => new Set(sorted(all())).size === 300, 'the messages of three');
    expect(members.every(({ received }) => received.length > 0)).toBe(true);
    await members[1].consumer.shutdown();
    await waitFor(() => sharesOf().join() === '4,0,4' || sharesOf().join() === '4,3,4', 'shares of two members');
    await send(topic, texts(300, 'two'));
    await waitFor(() => new Set(sorted(all())).size === 600, 'the messages of two');
    expect(new Set(members.map(({ consumer }) => consumer.clientId)).size).toBe(3);
  });

  it('goes on where the group was', async () => {
    const topic = await newTopic();
    const group = uniqueName('group');
    await send(topic, texts(50, 'early'));
    const first = await clients.consumer(topic, { group });
    await waitFor(() => first.received.length === 50, 'fifty messages');
    await first.consumer.shutdown();
    expect(await committed(group, topic)).toBe(50);
    await send(topic, texts(50, 'late'));
    const second = await clients.consumer(topic, { group, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    await waitFor(() => second.received.length >= 50, 'fifty more');
    expect(sorted(second.received)).toEqual(texts(50, 'late').sort());
  });

  it('commits while it runs', async () => {
    const topic = await newTopic();
    const group = uniqueName('group');
    await clients.consumer(topic, { group, persistConsumerOffsetIntervalMs: 50 });
    await send(topic, texts(20));
    await waitFor(async () => (await committed(group, topic)) === 20, 'the committed offsets');
  });

  it('gives a message again that its handler refused, under its own topic', async () => {
    const topic = await newTopic(1);
    const { received } = await clients.consumer(topic, {}, ([message]) => {
      if (message.reconsumeTimes > 1) return 'CONSUME_SUCCESS';
      if (message.reconsumeTimes === 1) return 'RECONSUME_LATER';
      throw new Error('first delivery');
    });
    await send(topic, ['stubborn']);
    await waitFor(() => received.length === 3, 'three deliveries');
    expect(received.map(({ message }) => [message.topic, message.reconsumeTimes])).toEqual([
      [topic, 0],
      [topic, 1],
      [topic, 2],
    ]);
    expect(new Set(received.map(({ message }) => message.msgId)).size).toBe(1);
  });

  it('leaves a message to the dead letters after the last try, and at once when told so', async () => {
    const topic = await newTopic(1);
    const group = uniqueName('group');
    const { received } = await clients.consumer(topic, { group, maxReconsumeTimes: 1 }, ([message], context) => {
      if (message.body.toString() === 'hopeless') context.delayLevelWhenNextConsume = -1;
      return 'RECONSUME_LATER';
    });
    await send(topic, ['hopeless', 'tried twice']);
    const deadLetters = await waitFor(
      async () => {
        const stats = await admin.examineTopicStats(`%DLQ%${group}`).catch(() => []);
        return stats.reduce((sum, queue) => sum + queue.maxOffset, 0) === 2;
      },
      'two dead letters',
      20_000,
    );
    expect(deadLetters).toBe(true);
    expect(sorted(received)).toEqual(['hopeless', 'tried twice', 'tried twice']);
  });

  it('hands batches out and takes their partial success', async () => {
    const topic = await newTopic(1);
    const sizes: number[] = [];
    let first = true;
    const { received } = await clients.consumer(
      topic,
      { consumeMessageBatchMaxSize: 10, concurrency: 1 },
      (messages, context) => {
        sizes.push(messages.length);
        if (first && messages.length > 1) {
          first = false;
          context.ackIndex = 0;
        }
        return 'CONSUME_SUCCESS';
      },
    );
    const producer = await clients.producer();
    await producer.send(texts(10).map((body) => ({ topic, body })));
    await waitFor(() => received.length === 19, 'ten messages, nine of them twice');
    expect(Math.max(...sizes)).toBe(10);
    expect(received.filter(({ message }) => message.reconsumeTimes === 1)).toHaveLength(9);
  });

  it('runs no more handlers at once than it may', async () => {
    const topic = await newTopic();
    let atOnce = 0;
    let most = 0;
    await send(topic, texts(60));
    const { received } = await clients.consumer(topic, { concurrency: 3 }, async () => {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      return ConsumeResult.CONSUME_SUCCESS;
    });
    await waitFor(() => received.length === 60, 'sixty messages');
    expect(most).toBe(3);
  });

  it('holds no more messages of a queue than it may, and one that is stuck keeps no other queue from going on', async () => {
    const topic = await newTopic(1);
    await send(topic, texts(400));
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let stuck: MessageExt | undefined;
    const { received, consumer } = await clients.consumer(
      topic,
      { pullThresholdForQueue: 40, pullBatchSize: 10, consumeConcurrentlyMaxSpan: 60 },
      async ([message]) => {
        if (!stuck) {
          stuck = message;
          await held;
        }
        return ConsumeResult.CONSUME_SUCCESS;
      },
    );
    const ofBroker = (name: string | undefined, same: boolean): number =>
      received.filter(({ message }) => (message.brokerName === name) === same).length;
    await waitFor(() => stuck !== undefined && ofBroker(stuck.brokerName, false) === 200, 'the other queue');
    await waitFor(() => ofBroker(stuck?.brokerName, true) >= 60, 'the stuck queue up to its span');
    const info = consumer.runningInfo()!;
    const queue = info.mqTable.find(({ queue }) => queue.brokerName === stuck?.brokerName && queue.topic === topic)!;
    expect(queue.value.commitOffset).toBeLessThanOrEqual(stuck!.queueOffset);
    expect(queue.value.cachedMsgMaxOffset - queue.value.cachedMsgMinOffset).toBeLessThanOrEqual(71);
    release?.();
    await waitFor(() => new Set(sorted(received)).size === 400, 'all messages');
    expect(received).toHaveLength(400);
  });

  it('pauses and goes on', async () => {
    const topic = await newTopic(1);
    const { received, consumer } = await clients.consumer(topic);
    await send(topic, ['before']);
    await waitFor(() => received.length === 1, 'the first message');
    consumer.suspend();
    await send(topic, texts(5, 'meanwhile'));
    expect(received).toHaveLength(1);
    consumer.resume();
    await waitFor(() => received.length === 6, 'the others');
  });

  it('begins a topic that is created after it started', async () => {
    const topic = uniqueName('later');
    const { received } = await clients.consumer(topic, { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' });
    await send(topic, ['created by sending']);
    await waitFor(() => received.length === 1, 'the message that created the topic');
  });

  it('begins at the end, at the beginning, or at a time, when the group is new', async () => {
    const topic = await newTopic(1);
    await send(topic, texts(5, 'old'));
    const middleMs = await waitFor(() => {
      const now = Date.now();
      return now > startedMs + 20 ? now : undefined;
    });
    await send(topic, texts(5, 'new'));
    const first = await clients.consumer(topic, { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    await waitFor(() => first.received.length === 10, 'all messages');
    const byTime = await clients.consumer(topic, {
      consumeFromWhere: 'CONSUME_FROM_TIMESTAMP',
      consumeTimestamp: middleMs,
    });
    const last = await clients.consumer(topic, { consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' });
    await send(topic, ['after the start']);
    await waitFor(() => first.received.length === 11, 'the last message');
    for (const { received } of [byTime, last]) {
      await waitFor(() => received.some(({ text }) => text === 'after the start'), 'the last message');
    }
    // A young queue that begins at 0 and is still in memory gives a new group everything (the broker's rule, protocol 02 §4).
    expect([11, 6]).toContain(byTime.received.length);
    expect([11, 1]).toContain(last.received.length);
  });
  const startedMs = Date.now();

  it('finishes what runs at a shutdown, and leaves the rest to the next one', async () => {
    const topic = await newTopic(1);
    const group = uniqueName('group');
    await send(topic, texts(50));
    const finish: (() => void)[] = [];
    const first = await clients.consumer(
      topic,
      { group, concurrency: 5 },
      () => new Promise((resolve) => finish.push(() => resolve('CONSUME_SUCCESS'))),
    );
    await waitFor(() => finish.length === 5, 'five running handlers');
    const shutdown = first.consumer.shutdown();
    expect(first.consumer.shutdown()).toBe(shutdown);
    for (const end of finish) end();
    await shutdown;
    expect(first.received).toHaveLength(5);
    const second = await clients.consumer(topic, { group });
    await waitFor(() => second.received.length >= 45, 'the rest');
    expect(sorted([...first.received, ...second.received])).toEqual(texts(50).sort());
  });

  it('does not wait for a handler longer than it may, and its message comes again', async () => {
    const topic = await newTopic(1);
    const group = uniqueName('group');
    await send(topic, ['slow']);
    let finish: (() => void) | undefined;
    const first = await clients.consumer(
      topic,
      { group },
      () => new Promise((resolve) => (finish = () => resolve('CONSUME_SUCCESS'))),
    );
    await waitFor(() => finish, 'the running handler');
    await first.consumer.shutdown({ timeoutMs: 50 });
    finish?.();
    const second = await clients.consumer(topic, { group });
    await waitFor(() => second.received.length === 1, 'the message again');
  });

  it('leaves the group at a shutdown, at once', async () => {
    const topic = await newTopic();
    const group = uniqueName('group');
    const { consumer } = await clients.consumer(topic, { group });
    expect((await admin.examineConsumerConnection(group))?.connectionSet).toHaveLength(1);
    await consumer.shutdown();
    expect(await admin.examineConsumerConnection(group)).toBeUndefined();
  });

  it('goes on at the broker’s word when its offset is not in the queue', async () => {
    const topic = await newTopic(1);
    const group = uniqueName('group');
    await send(topic, texts(10));
    await admin.createSubscriptionGroup(group);
    for (const brokerName of ['broker-a', 'broker-b']) {
      await admin.updateConsumerOffset(group, { topic, brokerName, queueId: 0 }, 1_000_000);
    }
    const { received } = await clients.consumer(topic, { group });
    await send(topic, ['after']);
    await waitFor(() => received.some(({ text }) => text === 'after'), 'a message after the correction');
    const offsets = await Promise.all(
      ['broker-a', 'broker-b'].map((brokerName) => admin.consumerOffset(group, { topic, brokerName, queueId: 0 })),
    );
    expect(Math.max(...offsets)).toBeLessThan(1_000_000);
  });

  it('refuses what makes no sense', async () => {
    const options = { namesrvAddr: cluster.namesrvAddr, group: 'g', logger: silentLogger };
    expect(() => new PushConsumer({ ...options, group: 'a b' })).toThrow(/illegal characters/);
    expect(() => new PushConsumer({ ...options, group: 'DEFAULT_CONSUMER' })).toThrow(/belongs to RocketMQ/);
    expect(() => new PushConsumer({ ...options, concurrency: 0 })).toThrow(/option concurrency is 0/);
    expect(() => new PushConsumer({ ...options, namesrvAddr: 'x' })).toThrow(/"x" is not host:port/);
    const consumer = new PushConsumer(options);
    await expect(consumer.start()).rejects.toThrow(/registerMessageListener/);
    expect(() => consumer.subscribe('a b')).toThrow(/illegal characters/);
    expect(() => consumer.unsubscribe('%RETRY%g')).toThrow(/retry topic/);
    await consumer.shutdown();
    await expect(consumer.start()).rejects.toMatchObject({ code: 'SHUT_DOWN' });
  });
});
