import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker } from '@rocknest/broker';
import { MQAdmin, silentLogger, type Producer, type SendResult } from '@rocknest/client-core';
import { createNamesrv } from '@rocknest/namesrv';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { BrokerCluster, GROUPS } from './support/broker-cluster.js';
import { Clients, texts, uniqueName } from './support/clients.js';

/** Clients look for a group that comes back every 30 s: too long for a test. */
const SOON = { pollNameServerIntervalMs: 300 };

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
});

async function startCluster(): Promise<{ cluster: BrokerCluster; clients: Clients; topic: string }> {
  const cluster = await BrokerCluster.start();
  closers.push(() => cluster.close());
  const clients = new Clients(cluster.namesrvAddr);
  closers.push(() => clients.shutdown());
  const admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
  closers.push(() => admin.shutdown());
  await admin.start();
  const topic = uniqueName('spread');
  await admin.createTopic(topic, { readQueueNums: 2, writeQueueNums: 2 });
  const { brokerAddrTable } = await admin.examineBrokerClusterInfo();
  const brokers = Object.values(brokerAddrTable).flatMap(({ brokerAddrs }) => [...brokerAddrs.values()]);
  expect(brokers).toHaveLength(2 * GROUPS.length);
  for (const address of brokers)
    await waitFor(
      () =>
        admin.examineTopicConfig(address, topic).then(
          () => true,
          () => false,
        ),
      `${address} to know the topic`,
    );
  return { cluster, clients, topic };
}

/** Sends without end, and keeps what became of each send. */
class Load {
  readonly acknowledged: string[] = [];
  readonly results: SendResult[] = [];
  readonly errors: unknown[] = [];
  private stopped = false;
  private readonly running: Promise<void>[];

  constructor(
    private readonly producer: Producer,
    private readonly topic: string,
  ) {
    this.running = Array.from({ length: 4 }, (_, lane) => this.run(lane));
  }

  /** Until so many more were acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged.length + count;
    await waitFor(() => this.acknowledged.length >= goal || this.errors.length > 0, `${count} more sends`);
    expect(this.errors).toEqual([]);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
    expect(this.errors).toEqual([]);
  }

  private async run(lane: number): Promise<void> {
    for (let n = 0; !this.stopped; n++) {
      const body = `${lane}-${n}`;
      try {
        this.results.push(await this.producer.send({ topic: this.topic, body }));
        this.acknowledged.push(body);
      } catch (error) {
        this.errors.push(error);
      }
      // As a program that does something else, too: a test needs no flood.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

describe('a cluster of two namesrvs and two groups', () => {
  it('spreads a topic over its groups, and both namesrvs know it', async () => {
    const { cluster, clients, topic } = await startCluster();
    const producer = await clients.producer();
    const { received, consumer } = await clients.consumer(topic);
    const results = await Promise.all(texts(40).map((body) => producer.send({ topic, body })));
    const counts = GROUPS.map(
      (group) => results.filter(({ messageQueue }) => messageQueue.brokerName === group).length,
    );
    expect(counts).toEqual([20, 20]);
    expect(results.map(({ status }) => status)).toEqual(results.map(() => 'SEND_OK'));
    await waitFor(() => received.length === 40, 'all messages');
    expect(new Set(consumer.assignedQueues.filter((queue) => queue.topic === topic).map((q) => q.brokerName))).toEqual(
      new Set(GROUPS),
    );
    for (const namesrvAddr of cluster.namesrvAddr.split(';')) {
      const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
      await admin.start();
      const { brokerDatas } = await admin.examineTopicRoute(topic);
      await admin.shutdown();
      expect(brokerDatas.map((group) => [group.brokerName, group.brokerAddrs.size]).sort()).toEqual(
        GROUPS.map((group) => [group, 2]),
      );
    }
  });

  it('lives through a stop and start of each member in turn: no send fails, nothing is lost', async () => {
    const { cluster, clients, topic } = await startCluster();
    const { received } = await clients.consumer(topic);
    const load = new Load(await clients.producer(), topic);
    await load.more(50);
    for (const index of [0, 1]) {
      await cluster.stopNamesrv(index);
      await load.more(50);
      await cluster.startNamesrv(index);
      await load.more(50);
    }
    for (const group of GROUPS) {
      for (const brokerId of [1, 0]) {
        await cluster.stopBroker(group, brokerId);
        await load.more(50);
        await cluster.startBroker(group, brokerId);
        await load.more(50);
      }
    }
    await load.stop();
    await waitFor(
      () => new Set(received.map(({ text }) => text)).size === load.acknowledged.length,
      'every acknowledged message',
      30_000,
    );
    for (const group of GROUPS) await cluster.replicates(group);
    // What a master acknowledged as replicated was: it had its slave's report, or had no slave to wait for.
    expect(new Set(load.results.map(({ status }) => status))).toEqual(new Set(['SEND_OK']));
  }, 60_000);

  it('lives through the loss of a whole group; its messages come when it is back', async () => {
    const { cluster, clients, topic } = await startCluster();
    const producer = await clients.producer(SOON);
    const held = await clients.consumer(topic, {}, () => 'RECONSUME_LATER');
    await held.consumer.shutdown();
    const load = new Load(producer, topic);
    await load.more(50);
    for (const brokerId of [0, 1]) await cluster.stopBroker(GROUPS[0], brokerId);
    await load.more(50);
    const { received } = await clients.consumer(topic, SOON);
    await load.more(50);
    expect(load.results.slice(-20).map(({ messageQueue }) => messageQueue.brokerName)).toEqual(
      Array.from({ length: 20 }, () => GROUPS[1]),
    );
    const ofOther = (): string[] =>
      load.acknowledged.filter((_, index) => load.results[index].messageQueue.brokerName === GROUPS[1]);
    await waitFor(
      () => ofOther().every((body) => received.some(({ text }) => text === body)),
      "the other group's messages",
    );
    for (const brokerId of [0, 1]) await cluster.startBroker(GROUPS[0], brokerId);
    await load.more(50);
    await load.stop();
    await waitFor(
      () => new Set(received.map(({ text }) => text)).size === load.acknowledged.length,
      'the messages of the group that was gone',
      40_000,
    );
  }, 60_000);

  it('feeds consumers from slaves while both masters are gone', async () => {
    const { cluster, clients, topic } = await startCluster();
    const producer = await clients.producer();
    const sent = texts(40);
    await Promise.all(sent.map((body) => producer.send({ topic, body })));
    for (const group of GROUPS) await cluster.replicates(group);
    const slave = await clients.consumer(topic);
    await waitFor(() => slave.received.length === 40, 'all messages from the masters');
    for (const group of GROUPS) await cluster.stopBroker(group, 0);
    const { received } = await clients.consumer(topic);
    await waitFor(() => received.length >= 40, 'all messages from the slaves');
    expect(received.map(({ text }) => text).sort()).toEqual([...sent].sort());
  });
});

describe('a namesrv that takes requests and answers none', () => {
  it('is asked by a client once in a while, and by a broker without anybody waiting for it', async () => {
    const root = mkdtempSync(join(tmpdir(), 'rocknest-half-dead-'));
    closers.push(() => rmSync(root, { recursive: true, force: true }));
    const namesrvs = await Promise.all(
      [0, 1].map((index) => createNamesrv({ listenPort: 0, storePath: join(root, `namesrv-${index}`) })),
    );
    for (const namesrv of namesrvs) closers.push(() => namesrv.close());
    const proxy = await FaultyProxy.start(namesrvs[0].address);
    closers.push(() => proxy.close());
    const forClients = await FaultyProxy.start(namesrvs[0].address);
    closers.push(() => forClients.close());
    const broker = await createBroker({
      listenPort: 0,
      namesrvAddr: `${proxy.address};${namesrvs[1].address}`,
      storePathRootDir: join(root, 'broker'),
      mappedFileSizeCommitLog: 1024 * 1024,
      diskSpaceCleanForciblyRatio: 100,
      diskSpaceWarningLevelRatio: 100,
    });
    closers.push(() => broker.close());
    const clients = new Clients(`${forClients.address};${namesrvs[1].address}`);
    closers.push(() => clients.shutdown());
    // Clients begin with any of their namesrvs: until one of them is with the one that will be half dead.
    const producers: Producer[] = [];
    while (forClients.connections === 0 && producers.length < 50)
      producers.push(await clients.producer({ instanceName: uniqueName('instance') }));
    proxy.freeze();
    forClients.freeze();
    const topics = Array.from({ length: 10 }, () => uniqueName('new'));
    for (const producer of producers)
      for (const topic of topics) expect((await producer.send({ topic, body: 'x' })).status).toBe('SEND_OK');
    // Of the two questions for each new topic, twenty for each client: the one that was not answered, and one that was asked beside it.
    expect(forClients.receivedFrozen).toBeGreaterThan(0);
    expect(forClients.receivedFrozen).toBeLessThanOrEqual(2 * producers.length);
    expect(proxy.receivedFrozen).toBeGreaterThan(0);
    proxy.thaw();
    forClients.thaw();
    const known = new MQAdmin({ namesrvAddr: namesrvs[0].address, logger: silentLogger });
    closers.push(() => known.shutdown());
    await known.start();
    await waitFor(
      () => known.examineTopicRoute(topics[9]).catch(() => undefined),
      'the broker to tell the namesrv that is well again',
    );
  }, 60_000);
});
