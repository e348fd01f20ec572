import { MQAdmin, silentLogger, type AdminTarget, type ConsumerRunningInfo } from '@rocknest/client-core';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { Clients, texts, uniqueName, type Received } from './support/clients.js';

let clients: Clients;
let admin: MQAdmin;
let cluster: RunningCluster;

async function startOn(serverSide: boolean): Promise<void> {
  cluster = await startCluster({ brokers: 2, broker: { useServerSideResetOffset: serverSide } });
  admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
  await admin.start();
  clients = new Clients(cluster.namesrvAddr);
}

async function stopAll(): Promise<void> {
  await admin.shutdown();
  await cluster.stop();
}

/** A topic with 2 queues on each broker, and `count` messages spread over them. */
async function topicWith(count: number, target: AdminTarget = 'all'): Promise<string> {
  const topic = uniqueName('reset');
  await admin.createTopic(topic, { readQueueNums: 2, writeQueueNums: 2 }, target);
  const producer = await clients.producer();
  for (const text of texts(count)) await producer.send({ topic, body: Buffer.from(text) });
  return topic;
}

const distinct = (received: readonly Received[]): number => new Set(received.map(({ text }) => text)).size;

describe.each([
  ['done by the brokers', true],
  ['done by the members', false],
])('a reset of offsets, %s', (_name, serverSide) => {
  beforeAll(() => startOn(serverSide));
  afterEach(() => clients.shutdown());
  afterAll(stopAll);

  it('brings everything again to a group of two members that is online, and commits from there', async () => {
    const topic = await topicWith(40);
    const group = uniqueName('group');
    const a = await clients.consumer(topic, { group, persistConsumerOffsetIntervalMs: 50 });
    const b = await clients.consumer(topic, { group, persistConsumerOffsetIntervalMs: 50 });
    const all = (): Received[] => [...a.received, ...b.received];
    const lag = async (): Promise<number> =>
      (await admin.examineConsumeStats(group, topic)).reduce(
        (sum, { brokerOffset, consumerOffset }) => sum + brokerOffset - consumerOffset,
        0,
      );
    await waitFor(() => distinct(all()) === 40, '40 messages');
    await waitFor(async () => (await lag()) === 0, 'everything to be committed');
    a.received.length = 0;
    b.received.length = 0;
    const offsets = await admin.resetOffsetByTimestamp(group, topic, 0);
    expect(offsets.map(([, offset]) => offset)).toEqual([0, 0, 0, 0]);
    await waitFor(() => distinct(all()) === 40, '40 messages once more', 20_000);
    await waitFor(async () => (await lag()) === 0, 'everything to be committed again');
  }, 60_000);

  it('skips what waits behind a handler that hangs, when the group is moved to the end', async () => {
    const topic = await topicWith(8, { brokerName: 'broker-a' });
    const group = uniqueName('group');
    let release: () => void = () => {};
    const hangs = new Promise<void>((resolve) => (release = resolve));
    const { consumer, received } = await clients.consumer(topic, { group, concurrency: 1 }, () =>
      hangs.then(() => 'CONSUME_SUCCESS' as const),
    );
    await waitFor(() => received.length === 1, 'the first message');
    if (!serverSide) {
      // Members are told only where the group has an offset.
      for (const { queue } of await admin.examineConsumeStats(group, topic)) {
        await admin.updateConsumerOffset(group, queue, 0);
      }
    }
    await admin.resetOffsetByTimestamp(group, topic, -1);
    const held = (): boolean =>
      consumer
        .runningInfo()!
        .mqTable.some(({ queue, value }) => queue.topic === topic && !value.droped && value.cachedMsgCount > 0);
    await waitFor(() => !held(), 'what is held to be dropped');
    release();
    await waitFor(async () => {
      const stats = await admin.examineConsumeStats(group, topic);
      return stats.every(({ brokerOffset, consumerOffset }) => brokerOffset === consumerOffset);
    }, 'the group to be at the end');
    const producer = await clients.producer();
    await producer.send({ topic, body: Buffer.from('after') });
    await waitFor(() => received.some(({ text }) => text === 'after'), 'the message after the reset', 20_000);
    expect(distinct(received)).toBe(2);
  }, 60_000);
});

describe('what MQAdmin does with groups', () => {
  beforeAll(() => startOn(true));
  afterEach(() => clients.shutdown());
  afterAll(stopAll);

  it('moves a group that is offline: to a time, by the way that every broker knows, and one queue to an offset', async () => {
    const topic = await topicWith(8);
    const group = uniqueName('group');
    const first = await clients.consumer(topic, { group });
    await waitFor(() => first.received.length === 8, '8 messages');
    await first.consumer.shutdown();
    const offsets = async (): Promise<number[]> =>
      (await admin.examineConsumeStats(group, topic)).map(({ consumerOffset }) => consumerOffset);
    await waitFor(async () => (await offsets()).every((offset) => offset === 2), 'the end to be committed');

    await admin.resetOffsetNew(group, topic, 0);
    expect(await offsets()).toEqual([0, 0, 0, 0]);
    const forwards = await admin.resetOffsetByTimestampOld(group, topic, -1, false);
    expect(forwards.map(({ rollbackOffset }) => rollbackOffset)).toEqual([0, 0, 0, 0]);
    const stats = await admin.resetOffsetByTimestampOld(group, topic, -1);
    expect(
      stats.map(({ consumerOffset, timestampOffset, rollbackOffset }) => [
        consumerOffset,
        timestampOffset,
        rollbackOffset,
      ]),
    ).toEqual(Array.from({ length: 4 }, () => [0, 2, 2]));
    await admin.resetOffsetByQueueId(group, { topic, brokerName: 'broker-b', queueId: 1 }, 1);
    const second = await clients.consumer(topic, { group });
    await waitFor(() => second.received.length === 1, 'the one message from the offset on');
    expect(second.received[0].message).toMatchObject({ brokerName: 'broker-b', queueId: 1, queueOffset: 1 });

    const copy = uniqueName('group');
    await admin.cloneGroupOffset(group, copy, topic);
    expect((await admin.examineConsumeStats(copy, topic)).map(({ consumerOffset }) => consumerOffset)).toEqual(
      await offsets(),
    );
    const spans = await admin.queryConsumeTimeSpan(topic, group);
    expect(spans).toHaveLength(4);
    expect(spans.every(({ minTimeStamp, maxTimeStamp }) => minTimeStamp > 0 && maxTimeStamp >= minTimeStamp)).toBe(
      true,
    );
  });

  it('refuses times and offsets that are none', async () => {
    const queue = { topic: 't', brokerName: 'broker-a', queueId: 0 };
    await expect(admin.resetOffsetByTimestamp('g', 't', -2)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(admin.resetOffsetByTimestampOld('g', 't', Number.NaN)).rejects.toThrow(/ms since 1970/);
    await expect(admin.resetOffsetByQueueId('g', queue, -1)).rejects.toThrow(/offset is -1/);
  });

  it('asks members what they hold, where they are, and to handle one message', async () => {
    const topic = await topicWith(4);
    const group = uniqueName('group');
    let outcome: 'CONSUME_SUCCESS' | 'RECONSUME_LATER' | 'throw' = 'CONSUME_SUCCESS';
    const { consumer, received } = await clients.consumer(topic, { group }, () => {
      if (outcome === 'throw') throw new Error('not today');
      return outcome;
    });
    await waitFor(() => received.length === 4, '4 messages');
    const clientId = consumer.clientId!;

    const info: ConsumerRunningInfo = await admin.getConsumerRunningInfo(group, clientId, true);
    expect(info.mqTable.filter(({ queue }) => queue.topic === topic)).toHaveLength(4);
    expect(info.jstack).toContain('Node.js');
    await expect(admin.getConsumerRunningInfo(group, 'nobody')).rejects.toThrow(/not online/);

    const status = await admin.getConsumeStatus(topic, group);
    expect([...status.keys()]).toEqual([clientId]);
    expect(status.get(clientId)!.map(([, offset]) => offset)).toEqual([1, 1, 1, 1]);
    expect((await admin.getConsumeStatus(topic, group, 'nobody')).size).toBe(0);

    const producer = await clients.producer();
    // Long enough to be compressed.
    const sent = await producer.send({ topic, body: Buffer.from('x'.repeat(10_000)) });
    await waitFor(() => received.length === 5, 'the long message');
    const before = await admin.examineConsumeStats(group, topic);
    expect(await admin.consumeMessageDirectly(group, clientId, topic, sent.msgId)).toMatchObject({
      consumeResult: 'CR_SUCCESS',
    });
    expect(received[5].text).toHaveLength(10_000);
    outcome = 'RECONSUME_LATER';
    expect(await admin.consumeMessageDirectly(group, clientId, topic, sent.offsetMsgId)).toMatchObject({
      consumeResult: 'CR_LATER',
    });
    outcome = 'throw';
    expect(await admin.consumeMessageDirectly(group, clientId, topic, sent.msgId)).toMatchObject({
      consumeResult: 'CR_THROW_EXCEPTION',
      remark: 'Error: not today',
    });
    expect((await admin.examineConsumeStats(group, topic)).map(({ brokerOffset }) => brokerOffset)).toEqual(
      before.map(({ brokerOffset }) => brokerOffset),
    );
  });

  it('shows and changes settings of a broker', async () => {
    const { address } = cluster.brokers[0];
    expect(await admin.getBrokerConfig(address)).toMatchObject({ brokerName: 'broker-a', brokerPermission: '6' });
    await admin.updateBrokerConfig(address, { brokerPermission: 4 });
    expect(await admin.getBrokerConfig(address)).toMatchObject({ brokerPermission: '4' });
    await admin.updateBrokerConfig(address, { brokerPermission: 6 });
    await expect(admin.updateBrokerConfig(address, { listenPort: 1 })).rejects.toThrow(/at the start only/);
  });
});
