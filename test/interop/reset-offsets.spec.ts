import { MQAdmin, Producer, PushConsumer, silentLogger } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRocknestCluster, type RocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { JavaClient } from './support/java-client.js';
import { startOfficialCluster, type OfficialCluster } from './support/official-cluster.js';
import { OffsetTool, type Deliveries } from './support/offset-tool.js';
import { requireToolchain } from './support/toolchain.js';

const QUEUES = 4;
const MESSAGES = 20;
const WAIT_MS = 60_000;

/** Sends to each queue in turn; returns the id of one message. */
async function sendAll(namesrvAddr: string, topic: string): Promise<string> {
  const producer = new Producer({ namesrvAddr, group: 'PID_reset', logger: silentLogger, sendMsgTimeoutMs: 30_000 });
  await producer.start();
  let msgId = '';
  for (let n = 0; n < MESSAGES; n++) ({ msgId } = await producer.send({ topic, body: Buffer.from(`message ${n}`) }));
  await producer.shutdown();
  return msgId;
}

async function ourConsumer(namesrvAddr: string, topic: string, group: string) {
  const received: string[] = [];
  const consumer = new PushConsumer({
    namesrvAddr,
    group,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    persistConsumerOffsetIntervalMs: 200,
    logger: silentLogger,
  });
  consumer.subscribe(topic);
  consumer.registerMessageListener((messages) => {
    for (const { body } of messages) received.push(body.toString());
    return 'CONSUME_SUCCESS';
  });
  await consumer.start();
  return { consumer, received };
}

describe.each(['4.9.8', '5.4.0'])('reset of offsets (item 5): the official admin tool %s on our broker', (version) => {
  let cluster: RocknestCluster;
  let client: JavaClient;
  let tool: OffsetTool;
  let admin: MQAdmin;

  beforeAll(async () => {
    requireToolchain();
    cluster = await startRocknestCluster();
    client = new JavaClient(version, cluster.namesrvAddr);
    tool = new OffsetTool(client);
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await Promise.all([tool.ready(), admin.start()]);
  });

  afterAll(async () => {
    await admin?.shutdown();
    await client?.stop();
    await cluster?.stop();
  });

  it.each([true, false])('moves and asks the official consumer (useServerSideResetOffset=%s)', async (serverSide) => {
    const topic = `java-reset-${serverSide}`;
    const group = `GID_${topic}`;
    const broker = cluster.broker.brokerAddr;
    await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
    const msgId = await sendAll(cluster.namesrvAddr, topic);
    await tool.ask('setConfig', { broker, key: 'useServerSideResetOffset', value: serverSide });
    expect(await tool.ask('getConfig', { broker, key: 'useServerSideResetOffset' })).toBe(String(serverSide));
    const clientId = await tool.ask<string>('consume', { topic, group, from: 'first' });
    const count = async (): Promise<number> => (await tool.ask<Deliveries>('deliveries')).count;
    await waitFor(async () => (await count()) >= MESSAGES, 'all messages', WAIT_MS);
    await waitFor(async () => (await tool.ask('lag', { topic, group })) === 0, 'the commits', WAIT_MS);

    expect(await tool.ask('status', { topic, group })).toEqual({ [clientId]: MESSAGES });
    expect(await tool.ask('runningInfo', { topic, group, clientId })).toBe(`${QUEUES} true CONSUME_PASSIVELY`);
    if (version.startsWith('5')) expect(await tool.ask('subscription', { topic, group })).toBe('*');
    expect(await tool.ask('timeSpans', { topic, group })).toBe(QUEUES);
    expect(await tool.ask('brokerStats', { broker })).toBe(true);
    await tool.ask('forget');
    expect(await tool.ask('consumeDirectly', { topic, group, clientId, msgId })).toBe('CR_SUCCESS');
    expect(await count()).toBe(1);

    await tool.ask('forget');
    expect(await tool.ask('reset', { topic, group, timestamp: 0 })).toBe(0);
    await waitFor(async () => (await count()) >= MESSAGES, 'all messages once more', WAIT_MS);
    expect((await tool.ask<Deliveries>('deliveries')).lowest).toEqual({ 0: 0, 1: 0, 2: 0, 3: 0 });
    await waitFor(async () => (await tool.ask('lag', { topic, group })) === 0, 'the commits again', WAIT_MS);

    await tool.ask('stop');
    await tool.ask('clone', { topic, group, to: `${group}_copy` });
    // By our admin: the tool of 4.9 finds a group by its retry topic, which a copy without members does not have.
    const copied = (await admin.examineTopicStats(topic)).map(({ queue }) =>
      admin.consumerOffset(`${group}_copy`, queue),
    );
    expect((await Promise.all(copied)).reduce((sum, offset) => sum + offset, 0)).toBe(MESSAGES);
    await waitFor(
      async () => {
        await tool.ask('resetNew', { topic, group, timestamp: 0 });
        return (await tool.ask('lag', { topic, group })) === MESSAGES;
      },
      'the group that is offline to be at its beginning',
      WAIT_MS,
    );
    expect(await tool.ask('resetOld', { topic, group, timestamp: -1 })).toBe(QUEUES);
    expect(await tool.ask('lag', { topic, group })).toBe(0);
    if (serverSide && version.startsWith('5')) {
      await tool.ask('resetQueue', { broker, topic, group, queue: 1, offset: 2 });
      expect(await tool.ask('lag', { topic, group })).toBe(MESSAGES / QUEUES - 2);
    }
  });

  it('moves and asks our consumer', async () => {
    const topic = 'our-reset';
    const group = `GID_${topic}`;
    const broker = cluster.broker.brokerAddr;
    await tool.ask('setConfig', { broker, key: 'useServerSideResetOffset', value: true });
    await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
    const msgId = await sendAll(cluster.namesrvAddr, topic);
    const { consumer, received } = await ourConsumer(cluster.namesrvAddr, topic, group);
    try {
      const clientId = consumer.clientId!;
      await waitFor(() => received.length >= MESSAGES, 'all messages', WAIT_MS);
      expect(await tool.ask('status', { topic, group, clientId })).toEqual({ [clientId]: MESSAGES });
      expect(await tool.ask('runningInfo', { topic, group, clientId })).toBe(`${QUEUES} true CONSUME_PASSIVELY`);
      received.length = 0;
      expect(await tool.ask('consumeDirectly', { topic, group, clientId, msgId })).toBe('CR_SUCCESS');
      expect(received).toEqual([`message ${MESSAGES - 1}`]);
      received.length = 0;
      await tool.ask('reset', { topic, group, timestamp: 0 });
      await waitFor(() => new Set(received).size === MESSAGES, 'all messages once more', WAIT_MS);
    } finally {
      await consumer.shutdown();
    }
  });
});

describe('reset of offsets (item 5): our MQAdmin and consumer on the official broker', () => {
  let cluster: OfficialCluster;
  let admin: MQAdmin;

  beforeAll(async () => {
    cluster = await startOfficialCluster();
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await admin.start();
  });

  afterAll(async () => {
    await admin?.shutdown();
    await cluster?.stop();
  });

  it.each([true, false])('moves and asks (useServerSideResetOffset=%s)', async (serverSide) => {
    const topic = `official-reset-${serverSide}`;
    const group = `GID_${topic}`;
    await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
    const msgId = await sendAll(cluster.namesrvAddr, topic);
    await admin.updateBrokerConfig(cluster.brokerAddr, { useServerSideResetOffset: serverSide });
    expect(await admin.getBrokerConfig(cluster.brokerAddr)).toMatchObject({
      useServerSideResetOffset: String(serverSide),
    });
    const lag = async (): Promise<number> =>
      (await admin.examineConsumeStats(group, topic)).reduce(
        (sum, { brokerOffset, consumerOffset }) => sum + brokerOffset - consumerOffset,
        0,
      );
    const { consumer, received } = await ourConsumer(cluster.namesrvAddr, topic, group);
    try {
      const clientId = consumer.clientId!;
      await waitFor(() => received.length >= MESSAGES, 'all messages', WAIT_MS);
      await waitFor(async () => (await lag()) === 0, 'the commits', WAIT_MS);
      const status = await admin.getConsumeStatus(topic, group);
      expect(status.get(clientId)!.reduce((sum, [, offset]) => sum + offset, 0)).toBe(MESSAGES);
      const info = await admin.getConsumerRunningInfo(group, clientId);
      expect(info.mqTable.filter(({ queue }) => queue.topic === topic)).toHaveLength(QUEUES);
      expect(await admin.queryConsumeTimeSpan(topic, group)).toHaveLength(QUEUES);
      received.length = 0;
      expect(await admin.consumeMessageDirectly(group, clientId, topic, msgId)).toMatchObject({
        consumeResult: 'CR_SUCCESS',
      });
      expect(received).toEqual([`message ${MESSAGES - 1}`]);
      received.length = 0;
      const offsets = await admin.resetOffsetByTimestamp(group, topic, 0);
      expect(offsets.map(([, offset]) => offset)).toEqual([0, 0, 0, 0]);
      await waitFor(() => new Set(received).size === MESSAGES, 'all messages once more', WAIT_MS);
      await waitFor(async () => (await lag()) === 0, 'the commits again', WAIT_MS);
    } finally {
      await consumer.shutdown();
    }
    await admin.cloneGroupOffset(group, `${group}_copy`, topic);
    await waitFor(
      async () => {
        await admin.resetOffsetNew(group, topic, 0);
        return (await lag()) === MESSAGES;
      },
      'the group that is offline to be at its beginning',
      WAIT_MS,
    );
    if (!serverSide) {
      const stats = await admin.resetOffsetByTimestampOld(group, topic, -1);
      expect(stats.map(({ rollbackOffset }) => rollbackOffset)).toEqual([5, 5, 5, 5]);
      expect(await lag()).toBe(0);
    } else {
      await admin.resetOffsetByQueueId(group, { topic, brokerName: 'broker-a', queueId: 1 }, 2);
      expect(await lag()).toBe(MESSAGES - 2);
    }
  });
});
