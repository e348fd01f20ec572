import { MQAdmin, Producer, PushConsumer } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { sendMixed } from './support/core-load.js';
import { expectedMessage } from './support/expected-message.js';
import { Ledger } from './support/ledger.js';
import { startNestConsumer, startNestProducer } from './support/nest-app.js';
import { startOfficialCluster, type OfficialCluster } from './support/official-cluster.js';

const QUEUES = 8;
const SEND_TIMEOUT_MS = 30_000;
const ARRIVAL_TIMEOUT_MS = 300_000;

let cluster: OfficialCluster;
let admin: MQAdmin;

beforeAll(async () => {
  cluster = await startOfficialCluster();
  admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr });
  await admin.start();
});

afterAll(async () => {
  await admin?.shutdown();
  await cluster?.stop();
});

async function createTopic(topic: string, queues = QUEUES): Promise<void> {
  await admin.createTopic(topic, { readQueueNums: queues, writeQueueNums: queues });
}

describe.each([
  { serializeType: 'ROCKETMQ' as const, messages: 100_000 },
  { serializeType: 'JSON' as const, messages: 20_000 },
])('our client with $serializeType headers on the official namesrv and broker', ({ serializeType, messages }) => {
  it(`sends ${messages} messages in every way, and a group of three members shares the queues (item 4: rebalance) and receives each one unchanged`, async () => {
    const topic = `core-${serializeType}`;
    await createTopic(topic);
    const ledger = new Ledger(topic);
    const perMember = [0, 0, 0];
    const members = perMember.map((_, member) => {
      const consumer = new PushConsumer({
        namesrvAddr: cluster.namesrvAddr,
        group: `GID_${topic}`,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        serializeType,
      });
      consumer.subscribe(topic);
      consumer.registerMessageListener((received) => {
        for (const message of received) ledger.add(message);
        perMember[member] += received.length;
        return 'CONSUME_SUCCESS';
      });
      return consumer;
    });
    const producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: 'PID_core',
      sendMsgTimeoutMs: SEND_TIMEOUT_MS,
      serializeType,
    });
    try {
      for (const member of members) await member.start();
      await producer.start();
      const startedAt = performance.now();
      await sendMixed(producer, topic, topic, messages);
      const sentIn = performance.now() - startedAt;
      await waitFor(() => ledger.distinct >= messages, `${messages} messages`, ARRIVAL_TIMEOUT_MS);
      console.log(
        `our client (${serializeType}) on the official cluster: sent in ${sentIn.toFixed(0)} ms, ` +
          `members got ${perMember.join(' + ')}, ${ledger.duplicates} twice`,
      );
    } finally {
      await Promise.all(members.map((member) => member.shutdown()));
      await producer.shutdown();
    }
    ledger.expectComplete(messages);
    expect(perMember.every((count) => count > 0)).toBe(true);
  });
});

describe('our client on the official namesrv and broker', () => {
  it('goes on where its group was', async () => {
    const topic = 'core-resumed';
    await createTopic(topic, 4);
    const producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: 'PID_core',
      sendMsgTimeoutMs: SEND_TIMEOUT_MS,
    });
    await producer.start();
    const ledger = new Ledger(topic);
    for (const half of [0, 1]) {
      for (let index = half * 500; index < (half + 1) * 500; index++) {
        const { tags, keys, flag, body, properties } = expectedMessage(topic, index);
        await producer.send({ topic, tags, keys, flag, body, properties });
      }
      const consumer = new PushConsumer({
        namesrvAddr: cluster.namesrvAddr,
        group: `GID_${topic}`,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      });
      consumer.subscribe(topic);
      consumer.registerMessageListener((received) => {
        for (const message of received) ledger.add(message);
        return 'CONSUME_SUCCESS';
      });
      await consumer.start();
      await waitFor(() => ledger.distinct === (half + 1) * 500, 'the messages sent so far', 60_000);
      await consumer.shutdown();
    }
    await producer.shutdown();
    ledger.expectComplete(1_000);
    expect(ledger.duplicates).toBe(0);
  });

  it('filters by tags (item 7) and gets a failed message again (item 2)', async () => {
    const topic = 'core-retried';
    await createTopic(topic, 4);
    const producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: 'PID_core',
      sendMsgTimeoutMs: SEND_TIMEOUT_MS,
    });
    await producer.start();
    const deliveries: number[] = [];
    const consumer = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group: `GID_${topic}`,
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    });
    consumer.subscribe(topic, 'kept || other');
    consumer.registerMessageListener((received, context) => {
      deliveries.push(received[0].reconsumeTimes);
      expect(received[0]).toMatchObject({ topic, properties: { TAGS: 'kept' } });
      context.delayLevelWhenNextConsume = 1;
      return received[0].reconsumeTimes < 2 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
    });
    await consumer.start();
    await producer.send({ topic, tags: 'dropped', body: 'not for this group' });
    await producer.send({ topic, tags: 'kept', body: 'comes three times' });
    await waitFor(() => deliveries.length === 3, 'three deliveries', 120_000);
    await consumer.shutdown();
    await producer.shutdown();
    expect(deliveries).toEqual([0, 1, 2]);
  });

  it('answers the questions of an administrator', async () => {
    const topic = 'core-admin';
    await createTopic(topic, 3);
    const producer = new Producer({
      namesrvAddr: cluster.namesrvAddr,
      group: 'PID_core',
      sendMsgTimeoutMs: SEND_TIMEOUT_MS,
    });
    await producer.start();
    const result = await producer.send({ topic, tags: 'a', keys: ['k', 'another'], body: 'looked at' });
    expect(await admin.minOffset(result.messageQueue)).toBe(0);
    await waitFor(async () => (await admin.maxOffset(result.messageQueue)) === 1, 'the dispatch of the message');
    const isIndexed = async (): Promise<boolean> => (await admin.queryMessage(topic, 'k')).messages.length > 0;
    await waitFor(isIndexed, 'the index of the message');
    const { messages, indexLastUpdateTimestamp } = await producer.queryMessage(topic, 'another', { maxNum: 5 });
    for (const message of [
      ...messages,
      await admin.viewMessage(result.offsetMsgId),
      await producer.viewMessage(topic, result.offsetMsgId),
      await producer.viewMessage(topic, result.msgId),
    ]) {
      expect(message).toMatchObject({ topic, msgId: result.msgId, properties: { TAGS: 'a', KEYS: 'k another' } });
      expect(message.body.toString()).toBe('looked at');
    }
    expect(messages).toHaveLength(1);
    const { storeTimestamp } = messages[0];
    expect(indexLastUpdateTimestamp).toBe(storeTimestamp);
    expect((await admin.queryMessage(topic, 'k', { endMs: storeTimestamp - 60_000 })).messages).toEqual([]);
    expect((await admin.queryMessage(topic, 'nothing')).messages).toEqual([]);
    expect(await producer.searchOffset(result.messageQueue, storeTimestamp)).toBe(result.queueOffset);
    expect(await producer.earliestMsgStoreTime(result.messageQueue)).toBe(storeTimestamp);
    await expect(producer.viewMessage(topic, `${result.msgId.slice(0, 28)}FFFF`)).rejects.toMatchObject({
      code: 'NO_MESSAGE',
    });
    await producer.shutdown();
    const route = await admin.examineTopicRoute(topic);
    expect(route.queueDatas).toMatchObject([{ writeQueueNums: 3, readQueueNums: 3, perm: 6 }]);
  });
});

describe('the Nest client on the official namesrv and broker', () => {
  it('handles what it sent, and again what its handler threw at', async () => {
    const topic = 'nest-official';
    const messages = 5_000;
    await createTopic(topic);
    const ledger = new Ledger(topic);
    let thrown = 0;
    const reasons: unknown[] = [];
    const consumer = await startNestConsumer({
      namesrvAddr: cluster.namesrvAddr,
      topic,
      group: `GID_${topic}`,
      ledger,
      beforeHandling: (context) => {
        if (context.getReconsumeTimes() === 0 && context.getProperty('index') === '77') {
          thrown++;
          throw new Error('the handler fails at its first try');
        }
        if (context.getReconsumeTimes() > 0) reasons.push(context.getFailure()?.message);
      },
    });
    const { producer, close } = await startNestProducer(cluster.namesrvAddr);
    for (let start = 0; start < messages; start += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, at) => {
          const { tags, keys, flag, body, properties } = expectedMessage(topic, start + at);
          return producer.send({ topic, tags, keys, flag, body, properties });
        }),
      );
    }
    await waitFor(() => ledger.distinct >= messages, `${messages} messages`, ARRIVAL_TIMEOUT_MS);
    await consumer.close();
    await close();
    ledger.expectComplete(messages);
    expect(thrown).toBe(1);
    expect(reasons).toEqual(['the handler fails at its first try']);
  });
});
