import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MQAdmin, silentLogger, type SendResult } from '@rocknest/client-core';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { waitFor } from '../support/wait-for.js';
import { Clients, texts, uniqueName } from './support/clients.js';

describe.each(['ROCKETMQ', 'JSON'] as const)('producer on two brokers, %s headers', (serializeType) => {
  let cluster: RunningCluster;
  let clients: Clients;
  let admin: MQAdmin;

  beforeAll(async () => {
    cluster = await startCluster({ brokers: 2 });
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await admin.start();
    clients = new Clients(cluster.namesrvAddr);
  });
  afterEach(() => clients.shutdown());
  afterAll(async () => {
    await admin.shutdown();
    await cluster.stop();
  });

  const newTopic = async (writeQueueNums = 2): Promise<string> => {
    const topic = uniqueName('topic');
    await admin.createTopic(topic, { writeQueueNums });
    return topic;
  };

  it('goes round over the queues of both brokers', async () => {
    const topic = await newTopic();
    const producer = await clients.producer({ serializeType });
    const results: SendResult[] = [];
    for (const body of texts(8)) results.push(await producer.send({ topic, body }));
    const queues = results.map(({ messageQueue }) => `${messageQueue.brokerName} ${messageQueue.queueId}`);
    expect(new Set(queues)).toEqual(new Set(['broker-a 0', 'broker-a 1', 'broker-b 0', 'broker-b 1']));
    expect(queues.slice(0, 4)).toEqual(queues.slice(4));
    expect(results.every((result) => result.status === 'SEND_OK')).toBe(true);
    expect(results.map((result) => result.queueOffset)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  });

  it('stores what was given, to be viewed by the offset id', async () => {
    const topic = await newTopic();
    const producer = await clients.producer({ serializeType });
    const body = 'Grüße 😀 '.repeat(1_000);
    const result = await producer.send({
      topic,
      body,
      tags: 'created',
      keys: ['k1', 'k2'],
      flag: -9,
      properties: { colour: 'grün' },
    });
    const message = await admin.viewMessage(topic, result.offsetMsgId);
    expect(message.body.toString()).toBe(body);
    expect(message.storeSize).toBeLessThan(body.length);
    expect(message).toMatchObject({ topic, flag: -9, msgId: result.msgId, queueOffset: result.queueOffset });
    expect(message.properties).toMatchObject({
      TAGS: 'created',
      KEYS: 'k1 k2',
      colour: 'grün',
      UNIQ_KEY: result.msgId,
    });
  });

  it('sends to the queue that is asked for', async () => {
    const topic = await newTopic();
    const producer = await clients.producer({ serializeType });
    const queues = await producer.fetchPublishMessageQueues(topic);
    expect(queues).toHaveLength(4);
    for (const queue of queues) {
      expect((await producer.send({ topic, body: 'x' }, { queue })).messageQueue).toEqual(queue);
    }
    await expect(producer.send({ topic: 'other', body: 'x' }, { queue: queues[0] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('sends a batch as one', async () => {
    const topic = await newTopic();
    const producer = await clients.producer({ serializeType });
    const result = await producer.send(texts(5).map((body) => ({ topic, body, tags: 'A' })));
    expect(result.msgId.split(',')).toHaveLength(5);
    const ids = result.offsetMsgId.split(',');
    const messages = await Promise.all(ids.map((id) => admin.viewMessage(topic, id)));
    expect(messages.map((message) => message.body.toString())).toEqual(texts(5));
    expect(messages.map((message) => message.msgId)).toEqual(result.msgId.split(','));
    expect(messages.map((message) => message.queueOffset)).toEqual([0, 1, 2, 3, 4].map((i) => result.queueOffset + i));
  });

  it('creates a topic by sending to it', async () => {
    const topic = uniqueName('created');
    const producer = await clients.producer({ serializeType, defaultTopicQueueNums: 3 });
    const result = await producer.send({ topic, body: 'first' });
    expect(result.status).toBe('SEND_OK');
    const route = await waitFor(() => admin.examineTopicRoute(topic).catch(() => undefined), 'the route');
    expect(route.queueDatas[0]).toMatchObject({ brokerName: result.messageQueue.brokerName, writeQueueNums: 3 });
  });

  it('calls back once for each asynchronous send, with a thousand under way', async () => {
    const topic = await newTopic();
    const producer = await clients.producer({ serializeType, maxInFlightSends: 100 });
    const results: SendResult[] = [];
    const errors: Error[] = [];
    let within = true;
    for (const body of texts(1_000)) {
      producer.sendAsync(
        { topic, body },
        {
          onSuccess: (result) => results.push(result),
          onException: (error) => errors.push(error),
        },
      );
    }
    producer.sendAsync(
      { topic, body: '' },
      {
        onSuccess: () => {},
        onException: (error) => {
          expect(within).toBe(false);
          errors.push(error);
        },
      },
    );
    within = false;
    expect(producer.pendingSends).toBe(1_000);
    await waitFor(() => results.length + errors.length === 1_001, 'all callbacks');
    expect(errors).toMatchObject([{ code: 'MESSAGE_ILLEGAL' }]);
    expect(new Set(results.map((result) => result.offsetMsgId)).size).toBe(1_000);
    expect(producer.pendingSends).toBe(0);
  });

  it('refuses at once what goes beyond its limits', async () => {
    const topic = await newTopic();
    const producer = await clients.producer({ serializeType, maxInFlightSends: 2, maxPendingSends: 10 });
    const sends = texts(30).map((body) => producer.send({ topic, body }));
    const outcomes = await Promise.allSettled(sends);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(10);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'TOO_MANY_PENDING_SENDS', retriable: true });
  });

  it('sends without an answer', async () => {
    const topic = await newTopic(1);
    const producer = await clients.producer({ serializeType });
    for (const body of texts(4)) await producer.sendOneway({ topic, body });
    await waitFor(async () => {
      const stats = await admin.examineTopicStats(topic);
      return stats.reduce((sum, queue) => sum + queue.maxOffset, 0) === 4;
    }, 'four stored messages');
  });

  it('is not usable before the start and after the shutdown, and finishes what is under way', async () => {
    const topic = await newTopic();
    const producer = await clients.producer({ serializeType });
    const sends = texts(50).map((body) => producer.send({ topic, body }));
    await producer.shutdown();
    expect((await Promise.all(sends)).every((result) => result.status === 'SEND_OK')).toBe(true);
    await expect(producer.send({ topic, body: 'late' })).rejects.toMatchObject({ code: 'SHUT_DOWN' });
    await expect(producer.start()).rejects.toMatchObject({ code: 'SHUT_DOWN' });
  });

  it('waits for no route longer than its time-out, and says what is missing', async () => {
    const producer = await clients.producer({ serializeType, createTopicKey: 'NO_SUCH_PATTERN' });
    await expect(producer.send({ topic: uniqueName('missing'), body: 'x' })).rejects.toMatchObject({
      code: 'NO_ROUTE',
      message: expect.stringContaining('MQAdmin.createTopic'),
    });
  });
});

describe('producer when a broker goes', () => {
  it('sends everything to the one that is left', async () => {
    const cluster = await startCluster({ brokers: 2 });
    const clients = new Clients(cluster.namesrvAddr);
    const admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    try {
      await admin.start();
      const topic = uniqueName('topic');
      await admin.createTopic(topic, { writeQueueNums: 2 });
      const producer = await clients.producer();
      const results: SendResult[] = [];
      for (const body of texts(4)) results.push(await producer.send({ topic, body }));
      await cluster.brokers[0].close();
      for (const body of texts(20)) results.push(await producer.send({ topic, body }));
      expect(results.slice(4).every(({ messageQueue }) => messageQueue.brokerName === 'broker-b')).toBe(true);
      // As long as the routes have it; they are looked at soon after its connection closed.
      const code = expect.stringMatching(/^(CONNECTION_FAILED|BROKER_NOT_FOUND)$/) as unknown;
      await expect(
        producer.send({ topic, body: 'x' }, { queue: { topic, brokerName: 'broker-a', queueId: 0 } }),
      ).rejects.toMatchObject({ code });
    } finally {
      await clients.shutdown();
      await admin.shutdown();
      await cluster.stop();
    }
  });
});
