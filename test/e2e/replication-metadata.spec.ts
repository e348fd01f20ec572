import {
  decodeConsumerOffsetWrapper,
  decodeTopicConfigSerializeWrapper,
  encodeUpdateConsumerOffsetRequest,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { MQAdmin, silentLogger } from '@rocknest/client-core';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { BrokerGroup } from './support/broker-group.js';
import { uniqueName } from './support/clients.js';
import { MemberGroup } from './support/member-group.js';

/** No run within a test, but for the one at the start. */
const slaveSynchronizeInterval = 3_600_000;
const PATIENCE_MS = 30_000;

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
});

function clientOf(address: string): BrokerClient {
  const client = new BrokerClient(address);
  closers.push(() => client.close());
  return client;
}

function startGroup(): BrokerGroup {
  const group = new BrokerGroup({ slaveSynchronizeInterval });
  closers.push(() => group.close());
  return group;
}

async function topicsOf(client: BrokerClient): Promise<string[]> {
  const { bodyBuffer } = await client.request(RequestCode.GET_ALL_TOPIC_CONFIG);
  return Object.keys(decodeTopicConfigSerializeWrapper(bodyBuffer).topicConfigTable);
}

async function offsetOf(client: BrokerClient, topic: string, consumers: string): Promise<number | undefined> {
  const { bodyBuffer } = await client.request(RequestCode.GET_ALL_CONSUMER_OFFSET);
  return decodeConsumerOffsetWrapper(bodyBuffer).offsetTable.get(`${topic}@${consumers}`)?.get(0);
}

async function commit(client: BrokerClient, topic: string, consumerGroup: string, commitOffset: number): Promise<void> {
  const fields = encodeUpdateConsumerOffsetRequest({ consumerGroup, topic, queueId: 0, commitOffset });
  const { code } = await client.request(RequestCode.UPDATE_CONSUMER_OFFSET, fields);
  expect(code).toBe(ResponseCode.SUCCESS);
}

async function send(client: BrokerClient, topic: string): Promise<void> {
  expect((await client.send(topic, 'x')).code).toBe(ResponseCode.SUCCESS);
}

async function knows(client: BrokerClient, topic: string): Promise<void> {
  await waitFor(async () => (await topicsOf(client)).includes(topic), `topic ${topic} to be known`, PATIENCE_MS);
}

describe('a slave, long before its next interval', () => {
  it('knows a topic once a message of it has come', async () => {
    const group = startGroup();
    const master = clientOf((await group.start(0)).address);
    const slave = clientOf((await group.start(1)).address);
    for (const topic of [uniqueName('first'), uniqueName('second'), uniqueName('third')]) {
      await send(master, topic);
      await knows(slave, topic);
    }
  });

  it('has all that its master knew when it was told to stop', async () => {
    const group = startGroup();
    const master = clientOf((await group.start(0)).address);
    const slaves = [clientOf((await group.start(1)).address), clientOf((await group.start(2)).address)];
    const [topic, empty, consumers] = [uniqueName('topic'), uniqueName('empty'), uniqueName('group')];
    await send(master, topic);
    for (const slave of slaves) await knows(slave, topic);
    const admin = new MQAdmin({ namesrvAddr: group.namesrvAddr, logger: silentLogger });
    closers.push(() => admin.shutdown());
    await admin.start();
    await admin.createTopic(empty, { readQueueNums: 3, writeQueueNums: 3 });
    await master.heartbeat(consumers, { [topic]: '*' });
    await commit(master, topic, consumers, 1);
    for (const slave of slaves) expect(await topicsOf(slave)).not.toContain(empty);
    await group.stop(0);
    for (const slave of slaves) {
      expect(await topicsOf(slave)).toContain(empty);
      expect(await offsetOf(slave, topic, consumers)).toBe(1);
    }
  });

  it('takes over what its master had when the line to it is open again', async () => {
    const group = startGroup();
    const master = await group.start(0);
    const proxy = await FaultyProxy.start(master.haAddress!, () => ({}));
    closers.push(() => proxy.close());
    const slave = clientOf((await group.start(1, { haMasterAddress: proxy.address })).address);
    const [topic, empty] = [uniqueName('topic'), uniqueName('empty')];
    await send(clientOf(master.address), topic);
    await knows(slave, topic);
    const admin = new MQAdmin({ namesrvAddr: group.namesrvAddr, logger: silentLogger });
    closers.push(() => admin.shutdown());
    await admin.start();
    await admin.createTopic(empty, { readQueueNums: 3, writeQueueNums: 3 });
    proxy.freeze();
    proxy.thaw();
    await knows(slave, empty);
  });
});

describe('a master that stops', () => {
  it('does not wait for ever for a slave that takes nothing over', async () => {
    const group = startGroup();
    const master = clientOf((await group.start(0, { shutdownGraceMs: 200 })).address);
    const asked = await master.request(RequestCode.GET_ALL_CONSUMER_OFFSET, { followsUntilStop: 'true' });
    expect(asked.code).toBe(ResponseCode.SUCCESS);
    await group.stop(0);
    expect(group.log.join('\n')).toContain('1 slaves did not take the metadata over within 200 ms');
  });

  it('tells nobody who only asked what there is', async () => {
    const group = startGroup();
    const master = clientOf((await group.start(0, { shutdownGraceMs: 200 })).address);
    await topicsOf(master);
    await offsetOf(master, 'topic', 'group');
    await group.stop(0);
    expect(group.log.filter((line) => line.includes('did not take the metadata over'))).toEqual([]);
  });

  it('of a group with a lease leaves the next one what it knew', async () => {
    const group = new MemberGroup({ slaveSynchronizeInterval });
    closers.push(() => group.close());
    await group.start(1);
    await group.leads(1);
    await group.start(2);
    await group.logged(1, /in sync: 1, 2/);
    const master = group.client(1);
    const [topic, consumers] = [uniqueName('topic'), uniqueName('group')];
    await send(master, topic);
    await knows(group.client(2), topic);
    await master.heartbeat(consumers, { [topic]: '*' });
    await commit(master, topic, consumers, 1);
    await group.stop(1);
    await group.leads(2);
    const next = clientOf(group.address(2));
    expect(await offsetOf(next, topic, consumers)).toBe(1);
  });
});
