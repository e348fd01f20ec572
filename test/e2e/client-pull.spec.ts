import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  MessageSelector,
  MQAdmin,
  PullConsumer,
  silentLogger,
  type MessageExt,
  type MessageQueue,
  type PullConsumerOptions,
} from '@rocknest/client-core';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { waitFor } from '../support/wait-for.js';
import { Clients, texts, uniqueName } from './support/clients.js';

const textsOf = (messages: readonly MessageExt[]): string[] => messages.map(({ body }) => body.toString());

describe('plain pull consumers', () => {
  let cluster: RunningCluster;
  let clients: Clients;
  let admin: MQAdmin;
  let consumer: PullConsumer;
  let queue: MessageQueue;
  let group: string;

  const make = (options: Partial<PullConsumerOptions> = {}): PullConsumer => {
    const made = new PullConsumer({ namesrvAddr: cluster.namesrvAddr, group, logger: silentLogger, ...options });
    clients.add(() => made.shutdown());
    return made;
  };
  const send = async (bodies: string[], tags?: string): Promise<void> => {
    const producer = await clients.producer();
    for (const body of bodies) await producer.send({ topic: queue.topic, body, ...(tags && { tags }) }, { queue });
  };

  beforeAll(async () => {
    cluster = await startCluster({
      broker: { messageDelayLevel: Array.from({ length: 18 }, () => '1s').join(' ') },
    });
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await admin.start();
    clients = new Clients(cluster.namesrvAddr);
  });
  beforeEach(async () => {
    const topic = uniqueName('topic');
    group = uniqueName('group');
    await admin.createTopic(topic, { writeQueueNums: 1, readQueueNums: 1 });
    consumer = make();
    await consumer.start();
    [queue] = await consumer.fetchSubscribeMessageQueues(topic);
  });
  afterEach(() => clients.shutdown());
  afterAll(async () => {
    await admin.shutdown();
    await cluster.stop();
  });

  it('pulls from where it is told, as many as it is told', async () => {
    await send(texts(10));
    const first = await consumer.pull(queue, '*', 0, 4);
    expect(first).toMatchObject({ status: 'FOUND', nextBeginOffset: 4, minOffset: 0, maxOffset: 10 });
    expect(textsOf(first.messages)).toEqual(texts(4));
    const rest = await consumer.pull(queue, '*', first.nextBeginOffset, 32);
    expect(textsOf(rest.messages)).toEqual(texts(10).slice(4));
    expect(await consumer.pull(queue, '*', 10, 1)).toMatchObject({ status: 'NO_NEW_MSG', messages: [] });
    expect(await consumer.pull(queue, '*', 99, 1)).toMatchObject({ status: 'OFFSET_ILLEGAL', nextBeginOffset: 10 });
    expect([await consumer.minOffset(queue), await consumer.maxOffset(queue)]).toEqual([0, 10]);
    expect(await consumer.searchOffset(queue, Date.now() + 60_000)).toBe(10);
  });

  it('filters by tags and by SQL92, without a heartbeat that says so', async () => {
    await send(texts(3, 'a'), 'A');
    await send(texts(3, 'b'), 'B');
    expect(textsOf((await consumer.pull(queue, 'B', 0, 32)).messages)).toEqual(texts(3, 'b'));
    expect(await consumer.pull(queue, 'C', 0, 32)).toMatchObject({ status: 'NO_MATCHED_MSG', nextBeginOffset: 6 });
    const bySql = await consumer.pull(queue, MessageSelector.bySql("TAGS = 'A'"), 0, 32);
    expect(textsOf(bySql.messages)).toEqual(texts(3, 'a'));
  });

  it('is held when there is nothing, until there is', async () => {
    const held = consumer.pullBlockIfNotFound(queue, '*', 0, 32);
    await send(['came']);
    expect(textsOf((await held).messages)).toEqual(['came']);
  });

  it('keeps the offsets that it is told', async () => {
    await send(texts(5));
    consumer.updateConsumeOffset(queue, 3);
    expect(await consumer.fetchConsumeOffset(queue)).toBe(3);
    await consumer.persist();
    expect(await admin.consumerOffset(group, queue)).toBe(3);
    consumer.updateConsumeOffset(queue, 2);
    expect(await consumer.fetchConsumeOffset(queue, true)).toBe(3);
    await consumer.shutdown();
    expect(await admin.consumerOffset(group, queue)).toBe(2);
    const again = make();
    await again.start();
    expect(await again.fetchConsumeOffset(queue)).toBe(2);
  });

  it('gives messages back, to come again or to rest as dead letters', async () => {
    await send(['again', 'dead']);
    const { messages } = await consumer.pull(queue, '*', 0, 32);
    await consumer.sendMessageBack(messages[0]);
    await consumer.sendMessageBack(messages[1], -1);
    const arrived = async (topic: string): Promise<string[]> => {
      const queues = await consumer.fetchSubscribeMessageQueues(topic).catch(() => []);
      const results = await Promise.all(queues.map((one) => consumer.pull(one, '*', 0, 32)));
      return results.flatMap((result) => textsOf(result.messages));
    };
    await waitFor(async () => (await arrived(`%RETRY%${group}`)).includes('again'), 'the message in the retry topic');
    await waitFor(async () => (await arrived(`%DLQ%${group}`)).includes('dead'), 'the dead letter');
  });

  it('refuses what can not be', async () => {
    await expect(consumer.pull(queue, '*', -1, 1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(consumer.pull(queue, '*', 0, 0)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(consumer.pull({ ...queue, brokerName: 'none' }, '*', 0, 1)).rejects.toMatchObject({
      code: 'BROKER_NOT_FOUND',
    });
    await expect(consumer.fetchSubscribeMessageQueues('no-such-topic')).rejects.toMatchObject({ code: 'NO_ROUTE' });
    await expect(make().pull(queue, '*', 0, 1)).rejects.toMatchObject({ code: 'NOT_STARTED' });
    await consumer.shutdown();
    await expect(consumer.pull(queue, '*', 0, 1)).rejects.toMatchObject({ code: 'SHUT_DOWN' });
  });
});
