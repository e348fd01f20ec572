import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createBroker, type RunningBroker } from '@rocknest/broker';
import { MQAdmin, Producer, PushConsumer, silentLogger } from '@rocknest/client-core';
import { createNamesrv, type RunningNamesrv } from '@rocknest/namesrv';
import { startCluster } from '@rocknest/testing';
import { waitFor } from '../support/wait-for.js';
import { Clients, texts, uniqueName } from './support/clients.js';

/** Accepts connections and never says a word. */
async function startMute(): Promise<{ address: string; accepted(): number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server: Server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    address: `127.0.0.1:${port}`,
    accepted: () => accepted,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port that nobody listens on. */
async function freeAddress(): Promise<string> {
  const mute = await startMute();
  await mute.close();
  return mute.address;
}

describe('a client and its namesrvs', () => {
  const cleanups: (() => Promise<unknown>)[] = [];
  const cleanup = <T extends (() => Promise<unknown>) | undefined>(close: T): void =>
    void (close && cleanups.push(close));
  afterEach(async () => {
    for (let close = cleanups.pop(); close; close = cleanups.pop()) await close();
  });

  const folder = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'rocknest-'));
    cleanup(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  const newNamesrv = async (): Promise<RunningNamesrv> => {
    const namesrv = await createNamesrv({ listenPort: 0, storePath: await folder() });
    cleanup(() => namesrv.close());
    return namesrv;
  };
  const newBroker = async (namesrvAddr: string, storePathRootDir: string, listenPort = 0): Promise<RunningBroker> => {
    const broker = await createBroker({ listenPort, namesrvAddr, storePathRootDir, brokerName: 'broker-a' });
    cleanup(() => broker.close());
    return broker;
  };

  it('fails to start in bounded time when none answers, and starts once one does', async () => {
    const address = await freeAddress();
    const options = { namesrvAddr: address, startAttempts: 2, startRetryIntervalMs: 1, logger: silentLogger };
    const producer = new Producer({ ...options, group: uniqueName('p') });
    const consumer = new PushConsumer({ ...options, group: uniqueName('g') });
    consumer.registerMessageListener(() => 'CONSUME_SUCCESS');
    const admin = new MQAdmin(options);
    for (const start of [() => producer.start(), () => consumer.start(), () => admin.start()]) {
      await expect(start()).rejects.toMatchObject({
        code: 'NAMESRV_UNREACHABLE',
        retriable: true,
        message: expect.stringContaining(address),
      });
    }
    await expect(producer.send({ topic: 't', body: 'x' })).rejects.toMatchObject({ code: 'NOT_STARTED' });
    const namesrv = await createNamesrv({ listenPort: Number(address.split(':')[1]), storePath: await folder() });
    cleanup(() => namesrv.close());
    await producer.start();
    await consumer.start();
    await admin.start();
    await Promise.all([producer.shutdown(), consumer.shutdown(), admin.shutdown()]);
  });

  it('passes over a namesrv that is down and one that never answers', async () => {
    const [namesrv, mute] = [await newNamesrv(), await startMute()];
    cleanup(() => mute.close());
    const broker = await newBroker(namesrv.address, await folder());
    const addresses = [await freeAddress(), mute.address, namesrv.address];
    // Every order of the list comes up: the client shuffles it.
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        const clients = new Clients(addresses.join(';'));
        cleanup(() => clients.shutdown());
        const producer = await clients.producer({ instanceName: uniqueName('instance') });
        expect((await producer.send({ topic: uniqueName('t'), body: 'x' })).status).toBe('SEND_OK');
      }),
    );
    expect(mute.accepted()).toBeGreaterThan(0);
    expect(broker.namesrvAddr).toBe(namesrv.address);
  });

  it('goes on when the namesrv it was with goes away', async () => {
    const cluster = await startCluster({ namesrvs: 2 });
    cleanup(() => cluster.stop());
    const [first, second] = cluster.namesrvAddr.split(';');
    const extra = await newNamesrv();
    const clients = new Clients(`${first};${second};${extra.address}`);
    cleanup(() => clients.shutdown());
    const producer = await clients.producer();
    expect((await producer.send({ topic: uniqueName('t'), body: 'x' })).status).toBe('SEND_OK');
    await extra.close();
    for (let i = 0; i < 3; i++)
      expect((await producer.send({ topic: uniqueName('t'), body: 'x' })).status).toBe('SEND_OK');
  });

  it('goes on when the broker comes back, with nothing lost and the group as it was', async () => {
    const [namesrv, storePath] = [await newNamesrv(), await folder()];
    const first = await newBroker(namesrv.address, storePath);
    const clients = new Clients(namesrv.address);
    const topic = uniqueName('t');
    const changes: string[] = [];
    const producer = await clients.producer({ onStatus: (status) => changes.push(status) });
    const { received, consumer } = await clients.consumer(topic);
    for (const body of texts(20, 'before')) await producer.send({ topic, body });
    await waitFor(() => received.length === 20, 'the first messages');
    await first.close();
    await waitFor(() => changes.includes('disconnected'), 'the lost connection');
    await expect(producer.send({ topic, body: 'nobody there' })).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
    await newBroker(namesrv.address, storePath, first.port);
    for (const body of texts(20, 'after')) await producer.send({ topic, body });
    await waitFor(() => received.length >= 40, 'the other messages', 20_000);
    expect(received.map(({ text }) => text).sort()).toEqual([...texts(20, 'after'), ...texts(20, 'before')].sort());
    expect(changes.at(-1)).toBe('connected');
    expect(consumer.assignedQueues.filter((queue) => queue.topic === topic)).toHaveLength(4);
    await clients.shutdown();
  });

  it('has one connection to each broker for all that it runs, and a client id for each member of a group', async () => {
    const cluster = await startCluster({ brokers: 2 });
    cleanup(() => cluster.stop());
    const clients = new Clients(cluster.namesrvAddr);
    cleanup(() => clients.shutdown());
    const group = uniqueName('g');
    const opened: string[] = [];
    const shared = { pollMissingRouteIntervalMs: 50 };
    const producer = await clients.producer({
      ...shared,
      onStatus: (status, address) => status === 'connected' && opened.push(address),
    });
    const other = await clients.producer(shared);
    const { consumer } = await clients.consumer(uniqueName('t'), { group });
    const second = await clients.consumer(uniqueName('u'), { group: uniqueName('g') });
    expect(new Set([producer.clientId, other.clientId, consumer.clientId, second.consumer.clientId]).size).toBe(1);
    expect(opened.sort()).toEqual(cluster.brokers.map((broker) => broker.address).sort());
    const member = await clients.consumer(uniqueName('t'), { group });
    expect(member.consumer.clientId).not.toBe(consumer.clientId);
    const named = { group, instanceName: uniqueName('named') };
    await clients.consumer(uniqueName('t'), named);
    await expect(clients.consumer(uniqueName('t'), named)).rejects.toMatchObject({ code: 'ALREADY_STARTED' });
  });

  it('can be shut down while it starts', async () => {
    const mute = await startMute();
    cleanup(() => mute.close());
    const options = { namesrvAddr: mute.address, mqClientApiTimeoutMs: 200, startAttempts: 1, logger: silentLogger };
    const producer = new Producer({ ...options, group: uniqueName('p') });
    const consumer = new PushConsumer({ ...options, group: uniqueName('g') });
    consumer.registerMessageListener(() => 'CONSUME_SUCCESS');
    const starts = Promise.allSettled([producer.start(), consumer.start()]);
    await Promise.all([producer.shutdown(), consumer.shutdown()]);
    expect((await starts).map((start) => start.status)).toEqual(['rejected', 'rejected']);
  });
});
