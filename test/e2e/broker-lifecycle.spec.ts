import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker, type RunningBroker } from '@rocknest/broker';
import { createNamesrv } from '@rocknest/namesrv';
import {
  decodeTopicRouteData,
  encodeGetRouteInfoByTopicRequest,
  encodeQueryConsumerOffsetRequest,
  encodeUpdateConsumerOffsetRequest,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type TopicRouteData,
} from '@rocknest/protocol';
import { RemotingClient } from '@rocknest/remoting';
import { startCluster } from '@rocknest/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerClient } from '../support/broker-client.js';
import { uniqueName } from '../support/unique-name.js';
import { waitFor } from '../support/wait-for.js';

const cleanups: (() => Promise<unknown>)[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rocknest-lifecycle-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(config: Parameters<typeof createBroker>[0] = {}): Promise<RunningBroker> {
  const broker = await createBroker({
    listenPort: 0,
    storePathRootDir: folder,
    mappedFileSizeCommitLog: 16 * 1024 * 1024,
    ...config,
  });
  cleanups.push(() => broker.close());
  return broker;
}

function clientOf(broker: { address: string }): BrokerClient {
  const client = new BrokerClient(broker.address);
  cleanups.push(() => client.close());
  return client;
}

async function route(namesrvAddr: string, topic: string): Promise<TopicRouteData | undefined> {
  const client = new RemotingClient();
  try {
    const fields = encodeGetRouteInfoByTopicRequest({ topic, acceptStandardJsonOnly: true });
    const request = RemotingCommand.request(RequestCode.GET_ROUTEINFO_BY_TOPIC, fields);
    const response = await client.invoke(namesrvAddr, request, 5_000);
    return response.code === ResponseCode.SUCCESS ? decodeTopicRouteData(response.bodyBuffer) : undefined;
  } finally {
    await client.close();
  }
}

describe('a broker with nothing configured', () => {
  it('brings its own namesrv up, and listens on loopback alone', async () => {
    const broker = await start();
    expect(broker.embeddedNamesrv).toBe(true);
    expect(broker.address).toBe(`127.0.0.1:${broker.port}`);
    expect(broker.listenAddress).toBe(broker.address);
    const topic = uniqueName('topic');
    await clientOf(broker).send(topic, 'x');
    const found = await waitFor(() => route(broker.namesrvAddr, topic), 'the route of the new topic');
    expect(found.queueDatas).toMatchObject([{ brokerName: 'broker-a', readQueueNums: 4, writeQueueNums: 4, perm: 6 }]);
    expect(found.brokerDatas[0].brokerAddrs.get(0)).toBe(broker.address);
    expect(await route(broker.namesrvAddr, 'TBW102')).toBeDefined();
  });

  it('says what to do when the port of its namesrv is taken', async () => {
    const taken = await occupiedPort();
    await expect(start({ namesrvPort: taken })).rejects.toThrow(`-n 127.0.0.1:${taken}`);
    // Everything that was started is stopped again: the store is free.
    await start();
  });
});

describe('a broker that cannot start', () => {
  it('says that its port is taken', async () => {
    const taken = await occupiedPort();
    await expect(start({ listenPort: taken, namesrvPort: 0 })).rejects.toThrow(String(taken));
  });

  it('says that its store belongs to another process', async () => {
    await start();
    await expect(start()).rejects.toThrow(folder);
  });

  it('says which setting is wrong', async () => {
    await expect(start({ messageDelayLevel: '1s soon' })).rejects.toThrow('soon');
    await expect(start({ brokerId: 1 })).rejects.toThrow('brokerId');
    await expect(start({ brokerIP1: 'no.such.host.invalid' })).rejects.toThrow('brokerIP1');
  });

  it('says that the database cannot be reached', async () => {
    const databaseUrl = 'postgres://nobody@127.0.0.1:9/none';
    await expect(start({ databaseUrl })).rejects.toThrow('127.0.0.1:9');
  });
});

describe('a restarted broker', () => {
  it('has every message, topic, group and offset', async () => {
    const before = await start();
    const topic = uniqueName('topic');
    const group = uniqueName('group');
    const client = clientOf(before);
    for (let i = 0; i < 10; i++) await client.send(topic, `m${i}`, { queueId: 3 });
    await client.heartbeat(group, { [topic]: '*' });
    const update = encodeUpdateConsumerOffsetRequest({ consumerGroup: group, topic, queueId: 3, commitOffset: 4 });
    await client.request(RequestCode.UPDATE_CONSUMER_OFFSET, update);
    await before.close();

    const after = await start();
    const again = clientOf(after);
    const query = encodeQueryConsumerOffsetRequest({ consumerGroup: group, topic, queueId: 3 });
    const offset = await again.request(RequestCode.QUERY_CONSUMER_OFFSET, query);
    expect(offset.field('offset')).toBe('4');
    const { messages } = await again.pull(group, topic, 4, { queueId: 3, subscription: '*' });
    expect(messages.map(({ body }) => body.toString())).toEqual(['m4', 'm5', 'm6', 'm7', 'm8', 'm9']);
    const next = await again.send(topic, 'next', { queueId: 3 });
    expect(next.queueOffset).toBe(10);
    expect(await route(after.namesrvAddr, topic)).toBeDefined();
  });
});

describe('a broker that stops', () => {
  it('leaves its namesrvs, and hands parked pulls back', async () => {
    const namesrv = await createNamesrv({ listenPort: 0, storePath: join(folder, 'namesrv') });
    cleanups.push(() => namesrv.close());
    const broker = await start({ namesrvAddr: namesrv.address, storePathRootDir: join(folder, 'broker') });
    const topic = uniqueName('topic');
    const client = clientOf(broker);
    await client.send(topic, 'x');
    await waitFor(() => route(namesrv.address, topic), 'the route');
    const parked = client.pull('viewer', topic, 1, { subscription: '*', suspend: true });
    await waitFor(() => client.remoting.connections().size > 0, 'the connection');
    await client.send(topic, 'behind the parked pull', { queueId: 1 });
    await broker.close();
    expect((await parked).code).toBe(ResponseCode.PULL_NOT_FOUND);
    expect(await route(namesrv.address, topic)).toBeUndefined();
    await broker.close();
  });
});

describe('several namesrvs', () => {
  it('are all told, although one of them is down', async () => {
    const cluster = await startCluster({ namesrvs: 2, brokers: 2, storeRoot: folder });
    cleanups.push(() => cluster.stop());
    const [first, second] = cluster.namesrvAddr.split(';');
    expect(cluster.brokers.map(({ namesrvAddr }) => namesrvAddr)).toEqual([cluster.namesrvAddr, cluster.namesrvAddr]);
    const topic = uniqueName('topic');
    await clientOf(cluster.brokers[1]).send(topic, 'x');
    for (const namesrv of [first, second]) {
      const found = await waitFor(() => route(namesrv, topic), 'the route');
      expect(found.brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['broker-b']);
    }
  });
});

async function occupiedPort(): Promise<number> {
  const server = await new Promise<Server>((resolve) => {
    const created = createServer().listen(0, '127.0.0.1', () => resolve(created));
  });
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as { port: number }).port;
}
