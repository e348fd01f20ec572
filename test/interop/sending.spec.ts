import { MQAdmin, Producer, PushConsumer, selectMessageQueueByHash } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { JavaClient } from './support/java-client.js';
import { type OfficialCluster, startOfficialCluster } from './support/official-cluster.js';
import { startTarget, type Target } from './support/target.js';
import { requireToolchain } from './support/toolchain.js';

const VERSION = '5.4.0';
const TYPES = ['ZLIB', 'LZ4', 'ZSTD'] as const;
const KEYS = ['order-1', 'order-2', 'a', 'Kunde-42', '2026-11-23'];
const GATHERED = 200;
const QUEUES = 4;
const SEND_TIMEOUT_MS = 30_000;
const BODY_CHARACTERS = 20_000;

const KINDS = [
  ...TYPES.map((type) => `compressed-${type}`),
  ...KEYS.map((key) => `key-${key}`),
  ...Array.from({ length: GATHERED }, (_, i) => `gathered-${i}`),
];

/** test/interop/java/.../Sending.java computes the same. */
function bodyOf(kind: string): string {
  if (!kind.startsWith('compressed-')) return kind;
  let text = '';
  for (let i = 0; text.length < BODY_CHARACTERS; i++) text += `${kind} ${i % 97};`;
  return text;
}

async function createTopic(namesrvAddr: string, topic: string): Promise<void> {
  const admin = new MQAdmin({ namesrvAddr });
  await admin.start();
  await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  await admin.shutdown();
}

/** Sends what the Java program sends: compressed in three ways, by a selector, gathered. Returns the queue of each key. */
async function sendWithOurs(namesrvAddr: string, topic: string): Promise<Record<string, number>> {
  const options = { namesrvAddr, group: 'PID_sending', sendMsgTimeoutMs: SEND_TIMEOUT_MS };
  const message = (kind: string) => ({ topic, body: bodyOf(kind), properties: { kind } });
  for (const compressType of TYPES) {
    const producer = new Producer({ ...options, compressType });
    await producer.start();
    await producer.send(message(`compressed-${compressType}`));
    await producer.shutdown();
  }
  const producer = new Producer({ ...options, autoBatch: true });
  await producer.start();
  const queues: Record<string, number> = {};
  for (const key of KEYS) {
    const result = await producer.send(message(`key-${key}`), { selector: selectMessageQueueByHash, selectorArg: key });
    queues[key] = result.messageQueue.queueId;
  }
  const gathered = Array.from({ length: GATHERED }, (_, i) => producer.send(message(`gathered-${i}`)));
  const results = await Promise.all(gathered);
  expect(new Set(results.map(({ offsetMsgId }) => offsetMsgId)).size, 'each has a place of its own').toBe(GATHERED);
  await producer.shutdown();
  return queues;
}

/** Consumes everything with our client and compares the bodies. Returns the queue of each kind. */
async function receiveWithOurs(namesrvAddr: string, topic: string): Promise<Record<string, number>> {
  const queues: Record<string, number> = {};
  const different: string[] = [];
  const consumer = new PushConsumer({
    namesrvAddr,
    group: `GID_${topic}`,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  });
  consumer.subscribe(topic);
  consumer.registerMessageListener((messages) => {
    for (const { body, properties, queueId } of messages) {
      if (body.toString() !== bodyOf(properties['kind'])) different.push(properties['kind']);
      queues[properties['kind']] = queueId;
    }
    return 'CONSUME_SUCCESS';
  });
  await consumer.start();
  await waitFor(() => Object.keys(queues).length >= KINDS.length, 'every kind of message', 60_000);
  await consumer.shutdown();
  expect(different).toEqual([]);
  return queues;
}

const byKey = (queues: Record<string, number>): Record<string, number> =>
  Object.fromEntries(KEYS.map((key) => [key, queues[`key-${key}`]]));

const CLUSTERS = {
  'our broker': (): Promise<Pick<Target, 'namesrvAddr' | 'stop'>> => startTarget(),
  'the official broker': (): Promise<OfficialCluster> => startOfficialCluster(),
};

describe.each(Object.entries(CLUSTERS))('sending, on %s (item 1: sending)', (_name, startCluster) => {
  let cluster: Pick<Target, 'namesrvAddr' | 'stop'>;
  let java: JavaClient;

  beforeAll(async () => {
    requireToolchain();
    cluster = await startCluster();
    java = new JavaClient(VERSION, cluster.namesrvAddr);
  });

  afterAll(async () => {
    await java?.stop();
    await cluster?.stop();
  });

  it('the official Java client sends compressed (zlib, LZ4, Zstd), by selector and in batches of its own; our client reads it and chooses the same queues', async () => {
    const topic = 'java-sends';
    await createTopic(cluster.namesrvAddr, topic);
    const sent = await java.run('sending-send', { topic, gathered: GATHERED, keys: KEYS.join(',') });
    expect(sent).toMatchObject({ gathered: GATHERED });
    expect(byKey(await receiveWithOurs(cluster.namesrvAddr, topic))).toEqual(sent.queues);
    const queues = Array.from({ length: QUEUES }, (_, queueId) => ({ topic, brokerName: 'b', queueId }));
    const ours = KEYS.map((key) => [key, selectMessageQueueByHash(queues, { topic, body: 'x' }, key).queueId]);
    expect(Object.fromEntries(ours)).toEqual(sent.queues);
  });

  it('our client sends compressed (zlib, LZ4, Zstd), by selector and in batches of its own; the official Java client reads it', async () => {
    const topic = 'ours-sends';
    await createTopic(cluster.namesrvAddr, topic);
    const queues = await sendWithOurs(cluster.namesrvAddr, topic);
    const received = await java.run('sending-receive', { topic, group: `GID_${topic}`, expect: KINDS.length });
    expect(received.different).toEqual([]);
    expect(Object.keys(received.queues as object).sort()).toEqual([...KINDS].sort());
    expect(byKey(received.queues as Record<string, number>)).toEqual(queues);
  });
});
