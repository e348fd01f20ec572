import { MQAdmin, silentLogger } from '@rocknest/client-core';
import {
  createOffsetMsgId,
  decodeMessages,
  decodeOffsetMsgId,
  decodeQueryMessageResponse,
  encodeHost,
  RequestCode,
  ResponseCode,
  type HeaderFields,
} from '@rocknest/protocol';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { Clients, uniqueName } from './support/clients.js';

let cluster: RunningCluster;
let clients: Clients;
let admin: MQAdmin;
let broker: BrokerClient;

beforeAll(async () => {
  cluster = await startCluster({ brokers: 2, broker: { maxHashSlotNum: 1_000, maxIndexNum: 5_000 } });
  admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
  await admin.start();
  clients = new Clients(cluster.namesrvAddr);
  broker = new BrokerClient(cluster.brokers[0].address);
});

afterEach(() => clients.shutdown());

afterAll(async () => {
  await broker.close();
  await admin.shutdown();
  await cluster.stop();
});

describe('messages by key', () => {
  it('are found on all brokers, by each key, oldest first, right after the send', async () => {
    const topic = uniqueName('topic');
    await admin.createTopic(topic, { writeQueueNums: 2 });
    const producer = await clients.producer();
    const startedMs = Date.now();
    for (let i = 0; i < 12; i++) {
      await producer.send({ topic, keys: [`order-${i % 4}`, 'all'], body: `text-${i}` });
      const { messages } = await producer.queryMessage(topic, 'all');
      expect(messages.map(({ body }) => body.toString())).toContain(`text-${i}`);
    }
    const { messages, indexLastUpdateTimestamp } = await admin.queryMessage(topic, 'order-2');
    expect(messages.map(({ body }) => body.toString())).toEqual(['text-2', 'text-6', 'text-10']);
    expect(new Set((await admin.queryMessage(topic, 'all')).messages.map(({ storeHost }) => storeHost)).size).toBe(2);
    expect(indexLastUpdateTimestamp).toBeGreaterThanOrEqual(startedMs);
    expect((await admin.queryMessage(topic, 'all', { maxNum: 2 })).messages).toHaveLength(4);
    expect((await admin.queryMessage(topic, 'all', { endMs: startedMs - 1 })).messages).toEqual([]);
    expect((await admin.queryMessage(topic, 'order')).messages).toEqual([]);
    await expect(admin.queryMessage(uniqueName('none'), 'k')).rejects.toMatchObject({ code: 'NO_ROUTE' });
    await expect(admin.queryMessage(topic, 'k', { maxNum: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('are found by either id, and not by one that no message has', async () => {
    const topic = uniqueName('topic');
    await admin.createTopic(topic, { writeQueueNums: 2 });
    const producer = await clients.producer();
    const { msgId, offsetMsgId, messageQueue, queueOffset } = await producer.send({ topic, keys: 'k', body: 'seen' });
    for (const message of [
      await producer.viewMessage(topic, msgId),
      await producer.viewMessage(topic, offsetMsgId),
      await admin.viewMessage(topic, msgId),
      await admin.viewMessage(offsetMsgId),
    ]) {
      expect(message).toMatchObject({ topic, msgId, offsetMsgId, queueOffset });
      expect(message.body.toString()).toBe('seen');
    }
    expect(await producer.maxOffset(messageQueue)).toBe(queueOffset + 1);
    expect(await producer.minOffset(messageQueue)).toBe(0);
    expect(await producer.searchOffset(messageQueue, Date.now() + 60_000)).toBe(queueOffset + 1);
    expect(await producer.earliestMsgStoreTime(messageQueue)).toBeGreaterThan(Date.now() - 3_600_000);
    const other = `${msgId.slice(0, -4)}${msgId.endsWith('FFFF') ? '0000' : 'FFFF'}`;
    await expect(producer.viewMessage(topic, other)).rejects.toMatchObject({ code: 'NO_MESSAGE' });
    await expect(producer.viewMessage(topic, 'own-id')).rejects.toMatchObject({ code: 'NO_MESSAGE' });
    const { address, physicalOffset } = decodeOffsetMsgId(offsetMsgId);
    for (const wrong of [physicalOffset + 1, physicalOffset + 1_000_000_000]) {
      const id = createOffsetMsgId(encodeHost(address), wrong);
      for (const view of [() => producer.viewMessage(topic, id), () => admin.viewMessage(id)]) {
        await expect(view()).rejects.toMatchObject({
          code: 'NO_MESSAGE',
          message: expect.stringContaining(`at offset ${wrong} of its log`),
        });
      }
    }
  });

  it('answers as RocketMQ does, also to an end of Long.MAX_VALUE and to the fields of 5.x', async () => {
    const topic = uniqueName('topic');
    await broker.send(topic, 'a', { propertyMap: { KEYS: 'k1 k2', UNIQ_KEY: 'U1' } });
    await broker.send(topic, 'b', { propertyMap: { KEYS: 'TagA', TAGS: 'TagB', UNIQ_KEY: 'U2' } });
    await broker.send(topic, 'c', { propertyMap: { TAGS: 'TagA', UNIQ_KEY: 'U3' } });
    for (let i = 0; i < 40; i++)
      await broker.send(topic, `more-${i}`, { propertyMap: { KEYS: 'many', UNIQ_KEY: 'MANY' } });
    const ask = (key: string, more: HeaderFields = {}) =>
      broker.request(RequestCode.QUERY_MESSAGE, {
        topic,
        key,
        maxNum: 64,
        beginTimestamp: 0,
        endTimestamp: '9223372036854775807',
        _UNIQUE_KEY_QUERY: 'false',
        ...more,
      });
    const found = await ask('k2', { indexType: 'K', lastKey: '' });
    expect(found.code).toBe(ResponseCode.SUCCESS);
    expect(decodeMessages(found.bodyBuffer).map(({ body }) => body.toString())).toEqual(['a']);
    expect(decodeQueryMessageResponse(found).indexLastUpdatePhyoffset).toBeGreaterThan(0);
    expect(decodeMessages((await ask('many')).bodyBuffer)).toHaveLength(40);
    expect(decodeMessages((await ask('many', { maxNum: 3 })).bodyBuffer).map(({ body }) => body.toString())).toEqual([
      'more-37',
      'more-38',
      'more-39',
    ]);
    // A query by unique id has a limit of its own, 32.
    expect(decodeMessages((await ask('MANY', { maxNum: 3, _UNIQUE_KEY_QUERY: 'true' })).bodyBuffer)).toHaveLength(32);
    const textsOf = async (key: string, indexType: string): Promise<string[]> =>
      decodeMessages((await ask(key, { indexType })).bodyBuffer).map(({ body }) => body.toString());
    expect(await textsOf('TagA', 'T')).toEqual(['c']);
    expect(await textsOf('TagB', 'T')).toEqual(['b']);
    expect(await textsOf('TagA', 'K')).toEqual(['b']);
    for (const missing of [
      await ask('nothing'),
      await ask('T#TagA', { indexType: 'K' }),
      await ask('k2', { indexType: 'T' }),
      await ask('k2', { maxNum: -1 }),
    ]) {
      expect(missing.code).toBe(ResponseCode.QUERY_NOT_FOUND);
      expect(missing.remark).toBe('can not find message, maybe time range not correct');
      expect(missing.field('indexLastUpdateTimestamp')).toMatch(/^\d+$/);
    }
    expect((await ask('k2', { endTimestamp: 'soon' })).code).not.toBe(ResponseCode.SUCCESS);
  });
});
