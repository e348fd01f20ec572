import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MQAdmin, silentLogger } from '@rocknest/client-core';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { waitFor } from '../support/wait-for.js';
import { Clients, texts, uniqueName } from './support/clients.js';

describe('MQAdmin on two brokers', () => {
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

  it('knows the cluster', async () => {
    const { brokerAddrTable, clusterAddrTable } = await admin.examineBrokerClusterInfo();
    expect(clusterAddrTable['DefaultCluster']?.slice().sort()).toEqual(['broker-a', 'broker-b']);
    expect(brokerAddrTable['broker-a'].brokerAddrs.get(0)).toBe(cluster.brokers[0].address);
    const stats = await admin.fetchBrokerRuntimeStats(cluster.brokers[0].address);
    expect(stats['brokerVersionDesc']).toBeTruthy();
  });

  it('creates, changes, shows and deletes topics', async () => {
    const topic = uniqueName('topic');
    await admin.createTopic(topic, { writeQueueNums: 3 });
    expect((await admin.examineTopicRoute(topic)).queueDatas).toHaveLength(2);
    expect(await admin.fetchAllTopicList()).toContain(topic);
    await admin.updateTopic(topic, { writeQueueNums: 5, readQueueNums: 6, perm: 4 }, { brokerName: 'broker-b' });
    const configs = await Promise.all(cluster.brokers.map(({ address }) => admin.examineTopicConfig(address, topic)));
    expect(configs.map(({ writeQueueNums, readQueueNums, perm }) => [writeQueueNums, readQueueNums, perm])).toEqual([
      [3, 3, 6],
      [5, 6, 4],
    ]);
    await admin.deleteTopic(topic);
    await expect(admin.examineTopicRoute(topic)).rejects.toMatchObject({ code: 'NO_ROUTE' });
    await expect(admin.examineTopicConfig(cluster.brokers[0].address, topic)).rejects.toMatchObject({
      responseCode: 17,
    });
  });

  it('creates a topic on the brokers it is told', async () => {
    const [onOne, onCluster] = [uniqueName('topic'), uniqueName('topic')];
    await admin.createTopic(onOne, {}, { address: cluster.brokers[1].address });
    expect((await admin.examineTopicRoute(onOne)).queueDatas.map((data) => data.brokerName)).toEqual(['broker-b']);
    await admin.createTopic(onCluster, {}, { cluster: 'DefaultCluster' });
    expect((await admin.examineTopicRoute(onCluster)).queueDatas).toHaveLength(2);
    for (const target of [{ cluster: 'nowhere' }, { brokerName: 'nobody' }]) {
      await expect(admin.createTopic(uniqueName('topic'), {}, target)).rejects.toMatchObject({
        code: 'BROKER_NOT_FOUND',
      });
    }
  });

  it('refuses what brokers would refuse', async () => {
    await expect(admin.createTopic('a b')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(admin.createTopic('TBW102')).rejects.toThrow(/belongs to RocketMQ/);
    await expect(admin.createTopic('fine', { perm: 9 })).rejects.toThrow(/perm 9/);
    await expect(admin.createTopic('fine', { writeQueueNums: 0 })).rejects.toThrow(/writeQueueNums is 0/);
    await expect(admin.createSubscriptionGroup('CID_RMQ_SYS_X')).rejects.toThrow(/belongs to RocketMQ/);
    await expect(admin.viewMessage('not an id')).rejects.toThrow(/not an offset message id/);
  });

  it('tells where a queue begins and ends, and where a time is', async () => {
    const topic = uniqueName('topic');
    await admin.createTopic(topic, { writeQueueNums: 1 }, { brokerName: 'broker-a' });
    const producer = await clients.producer();
    const queue = { topic, brokerName: 'broker-a', queueId: 0 };
    const beforeMs = Date.now();
    const results = [];
    for (const body of texts(5)) results.push(await producer.send({ topic, body }));
    expect(await admin.minOffset(queue)).toBe(0);
    expect(await waitFor(async () => ((await admin.maxOffset(queue)) === 5 ? 5 : undefined))).toBe(5);
    expect(await admin.searchOffset(queue, beforeMs - 1)).toBe(0);
    expect(await admin.searchOffset(queue, Date.now() + 60_000)).toBe(5);
    expect(await admin.earliestMsgStoreTime(queue)).toBeGreaterThanOrEqual(beforeMs);
    const message = await admin.viewMessage(topic, results[3].offsetMsgId);
    expect(message.body.toString()).toBe('text-3');
    await expect(admin.viewMessage(`${results[3].offsetMsgId.slice(0, 16)}000000000FFFFFFF`)).rejects.toMatchObject({
      code: 'NO_MESSAGE',
    });
    await expect(admin.maxOffset({ topic, brokerName: 'nobody', queueId: 0 })).rejects.toMatchObject({
      code: 'BROKER_NOT_FOUND',
    });
  });

  it('creates, shows and deletes groups, and their offsets', async () => {
    const [topic, group] = [uniqueName('topic'), uniqueName('group')];
    const { address } = cluster.brokers[0];
    await admin.createTopic(topic, { writeQueueNums: 1 });
    await admin.createSubscriptionGroup(group, { retryMaxTimes: 3 });
    expect(await admin.examineSubscriptionGroupConfig(address, group)).toMatchObject({
      groupName: group,
      retryMaxTimes: 3,
    });
    const queue = { topic, brokerName: 'broker-a', queueId: 0 };
    await admin.updateConsumerOffset(group, queue, 7);
    expect(await admin.consumerOffset(group, queue)).toBe(7);
    await admin.deleteSubscriptionGroup(group, true);
    // Asking for a group creates it again where groups create themselves, with the defaults.
    expect((await admin.examineSubscriptionGroupConfig(address, group)).retryMaxTimes).toBe(16);
    expect(await admin.consumerOffset(group, queue).catch(() => 'none')).not.toBe(7);
  });

  it('may be started again after a shutdown, and says when it is not started', async () => {
    const other = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await expect(other.fetchAllTopicList()).rejects.toMatchObject({ code: 'NOT_STARTED' });
    await other.start();
    await other.shutdown();
    await other.start();
    expect((await other.fetchAllTopicList()).length).toBeGreaterThan(0);
    await other.shutdown();
  });
});
