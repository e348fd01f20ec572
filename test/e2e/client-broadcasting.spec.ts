import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ConsumeOrderlyResult,
  MQAdmin,
  PushConsumer,
  silentLogger,
  type PushConsumerOptions,
} from '@rocknest/client-core';
import { startCluster, type RunningCluster } from '@rocknest/testing';
import { waitFor } from '../support/wait-for.js';
import { Clients, texts, uniqueName, type Received } from './support/clients.js';

describe('broadcasting consumers', () => {
  let cluster: RunningCluster;
  let clients: Clients;
  let admin: MQAdmin;
  let localOffsetStoreDir: string;
  let topic: string;
  let group: string;

  beforeAll(async () => {
    cluster = await startCluster({ brokers: 2 });
    admin = new MQAdmin({ namesrvAddr: cluster.namesrvAddr, logger: silentLogger });
    await admin.start();
    clients = new Clients(cluster.namesrvAddr);
  });
  beforeEach(async () => {
    localOffsetStoreDir = mkdtempSync(join(tmpdir(), 'rocknest-broadcast-'));
    topic = uniqueName('topic');
    group = uniqueName('group');
    await admin.createTopic(topic, { writeQueueNums: 3 });
  });
  afterEach(async () => {
    await clients.shutdown();
    rmSync(localOffsetStoreDir, { recursive: true, force: true });
  });
  afterAll(async () => {
    await admin.shutdown();
    await cluster.stop();
  });

  const send = async (bodies: string[]): Promise<void> => {
    const producer = await clients.producer();
    await Promise.all(bodies.map((body) => producer.send({ topic, body })));
    await producer.shutdown();
  };
  const member = (
    instanceName: string | undefined,
    options: Partial<PushConsumerOptions> = {},
    listener?: Parameters<Clients['consumer']>[2],
  ): Promise<{ consumer: PushConsumer; received: Received[] }> =>
    clients.consumer(
      topic,
      {
        group,
        messageModel: 'BROADCASTING',
        localOffsetStoreDir,
        clientIp: '127.0.0.1',
        ...(instanceName !== undefined && { instanceName }),
        ...options,
      },
      listener,
    );
  const sorted = (received: readonly Received[]): string[] => received.map(({ text }) => text).sort();

  it('every member gets every message, and the broker keeps no offset of them', async () => {
    const first = await member('a');
    const second = await member('b');
    expect(first.consumer.assignedQueues).toHaveLength(6);
    expect(second.consumer.assignedQueues).toHaveLength(6);
    const [queue] = first.consumer.assignedQueues;
    await send(texts(200));
    await waitFor(() => first.received.length >= 200 && second.received.length >= 200, 'all messages at both');
    expect(sorted(first.received)).toEqual(texts(200).sort());
    expect(sorted(second.received)).toEqual(texts(200).sort());
    await clients.shutdown();
    for (const name of ['a', 'b']) {
      expect(existsSync(join(localOffsetStoreDir, `127.0.0.1@${name}`, group, 'offsets.json'))).toBe(true);
    }
    // On a young topic brokers answer 0 for a group that has no offset.
    expect(await admin.maxOffset(queue)).toBeGreaterThan(0);
    expect(await admin.consumerOffset(group, queue)).toBe(0);
  });

  it('goes on where it was after a restart, under the name that nobody gave it', async () => {
    const first = await member(undefined);
    expect(first.consumer.clientId).toBe('127.0.0.1@DEFAULT');
    await send(texts(50));
    await waitFor(() => first.received.length >= 50, 'the first 50');
    await first.consumer.shutdown();
    await send(texts(20, 'later'));
    const second = await member(undefined);
    await waitFor(() => second.received.length >= 20, 'the next 20');
    expect(sorted(second.received)).toEqual(texts(20, 'later').sort());
  });

  it('a new member begins where consumeFromWhere says', async () => {
    await send(texts(10));
    const old = await member('old');
    await waitFor(() => old.received.length === 10, 'ten messages');
    const timestamp = Date.now() + 1;
    const late = await member('late', {
      consumeFromWhere: 'CONSUME_FROM_TIMESTAMP',
      consumeTimestamp: timestamp + 60_000,
    });
    await send(texts(5, 'new'));
    await waitFor(() => late.received.length === 5 && old.received.length === 15, 'the new ones at both');
    expect(sorted(late.received)).toEqual(texts(5, 'new').sort());
  });

  it('drops what a handler failed on, and goes on behind it', async () => {
    const warnings: string[] = [];
    const failing = await member(
      'failing',
      { logger: { ...silentLogger, warn: (text) => void warnings.push(text) }, concurrency: 1 },
      ([message]) => (message.body.toString() === 'text-3' ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS'),
    );
    await send(texts(10));
    await waitFor(() => failing.received.length >= 10, 'ten messages');
    await failing.consumer.shutdown();
    expect(warnings.filter((text) => text.includes('dropped by this member'))).toHaveLength(1);
    const again = await member('failing');
    await send(['after']);
    await waitFor(() => again.received.length > 0, 'the next message');
    expect(sorted(again.received)).toEqual(['after']);
    expect(await admin.fetchAllTopicList()).not.toContain(`%DLQ%${group}`);
  });

  it('consumes in order without locks', async () => {
    const received: number[] = [];
    const orderly = new PushConsumer({
      namesrvAddr: cluster.namesrvAddr,
      group: uniqueName('group'),
      messageModel: 'BROADCASTING',
      localOffsetStoreDir,
      instanceName: 'orderly',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      logger: silentLogger,
    });
    orderly.subscribe(topic);
    orderly.registerMessageListenerOrderly(async ([message]) => {
      await Promise.resolve();
      received.push(Number(message.body.toString()));
      return ConsumeOrderlyResult.SUCCESS;
    });
    clients.add(() => orderly.shutdown());
    await orderly.start();
    const producer = await clients.producer();
    const [queue] = await producer.fetchPublishMessageQueues(topic);
    for (let i = 0; i < 100; i++) await producer.send({ topic, body: String(i) }, { queue });
    await waitFor(() => received.length >= 100, '100 messages');
    expect(received).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('refuses what can not be, and a damaged offset file', async () => {
    await expect(member('x', { mode: 'pop' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(member('x', { messageModel: 'ALL' as never })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const { consumer, received } = await member('x');
    await send(['one']);
    await waitFor(() => received.length > 0, 'a message');
    await consumer.shutdown();
    const path = join(localOffsetStoreDir, '127.0.0.1@x', group, 'offsets.json');
    writeFileSync(path, '{');
    writeFileSync(`${path}.bak`, '{');
    await expect(member('x')).rejects.toMatchObject({ code: 'LOCAL_OFFSETS_UNREADABLE' });
  });
});
