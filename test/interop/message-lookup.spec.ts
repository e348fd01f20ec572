import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MQAdmin, PushConsumer } from '@rocknest/client-core';
import { createOffsetMsgId, decodeOffsetMsgId, encodeHost } from '@rocknest/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RocknestCluster, startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import {
  LOOKUP_TAGS,
  type Found,
  type LookedUpMessage,
  type LookupClient,
  type SentIds,
  startJavaLookup,
  startOurLookup,
} from './support/lookup-clients.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

const QUEUES = 4;
const MESSAGES = 12;
const WAIT_MS = 60_000;
const HALF_TOPIC = 'RMQ_SYS_TRANS_HALF_TOPIC';
/** "Aa" and "BB" have one hash in Java, and so have these. */
const COLLIDING = ['order-Aa', 'order-BB'] as const;

type Sent = LookedUpMessage & SentIds;

async function createTopic(namesrvAddr: string, topic: string): Promise<void> {
  const admin = new MQAdmin({ namesrvAddr });
  await admin.start();
  await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
  await admin.shutdown();
}

async function sendAll(client: LookupClient, messages: readonly LookedUpMessage[]): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (const message of messages) sent.push({ ...message, ...(await client.send(message)) });
  return sent;
}

/** Brokers of RocketMQ know a message by its keys some milliseconds after they answered its send. */
async function indexed(finder: LookupClient, sent: readonly Sent[]): Promise<void> {
  for (const { topic, msgId, body } of sent) {
    await waitFor(async () => (await finder.byUniqueId(topic, msgId)).length > 0, `the index of ${body}`, WAIT_MS);
  }
}

const bodies = (found: readonly Found[]): string[] =>
  [...found].sort((a, b) => a.physicalOffset - b.physicalOffset).map(({ body }) => body);

/** What a lookup must say of a message, from what was sent and what the send was answered. */
const outlineOf = ({ topic, body, keys = [], queueId, queueOffset, msgId, offsetMsgId }: Sent) => ({
  topic,
  body,
  keys: keys.join(' '),
  tags: LOOKUP_TAGS,
  queueId,
  queueOffset,
  msgId,
  physicalOffset: decodeOffsetMsgId(offsetMsgId).physicalOffset,
  reconsumeTimes: 0,
});

/** Everything that `finder` can be asked about messages that were sent to a topic of their own. */
async function expectFound(finder: LookupClient, sent: readonly Sent[]): Promise<void> {
  const { topic } = sent[0];
  for (const key of new Set(sent.flatMap(({ keys = [] }) => keys))) {
    const having = sent.filter(({ keys = [] }) => keys.includes(key)).map(({ body }) => body);
    expect(bodies(await finder.byKey(topic, key)), `key ${key} by ${finder.name}`).toEqual(having);
  }
  for (const message of [sent[0], sent[sent.length - 1]]) {
    for (const found of [
      await finder.byUniqueId(topic, message.msgId),
      await finder.view(topic, message.msgId),
      await finder.view(topic, message.offsetMsgId),
    ]) {
      expect(found, `${message.body} by ${finder.name}`).toMatchObject([outlineOf(message)]);
    }
  }
}

const messagesOf = (topic: string): LookedUpMessage[] =>
  Array.from({ length: MESSAGES }, (_, i) => ({
    topic,
    body: `text-${i}`,
    queueId: i % QUEUES,
    keys: [`order-${i % 3}`, 'all', 'Straße-北', ...(i < 2 ? [COLLIDING[i]] : [])],
  }));

const CLUSTERS = {
  'our broker': {
    versions: ['4.9.8', '5.4.0'],
    start: () => startRocknestCluster({ brokerName: 'broker-a' }),
  },
  'the official broker 5.4.0': {
    versions: ['5.4.0'],
    start: () => startOfficialCluster(),
  },
};

describe.each(Object.entries(CLUSTERS))('messages on %s (item 8: lookup)', (_name, { versions, start }) => {
  let cluster: { namesrvAddr: string; stop(): Promise<void> };
  let ours: LookupClient;
  let all: LookupClient[] = [];

  beforeAll(async () => {
    requireToolchain();
    cluster = await start();
    ours = await startOurLookup(cluster.namesrvAddr);
    const java = await Promise.all(versions.map((version) => startJavaLookup(version, cluster.namesrvAddr)));
    all = [...java, ours];
  });

  afterAll(async () => {
    await Promise.all(all.map((client) => client.stop()));
    await cluster?.stop();
  });

  it('are found by each of their keys, by unique id and by offset id, whoever sent them and whoever asks', async () => {
    for (const [i, sender] of all.entries()) {
      const topic = `lookup-keys-${i}`;
      await createTopic(cluster.namesrvAddr, topic);
      const sent = await sendAll(sender, messagesOf(topic));
      await indexed(ours, sent);
      for (const finder of all) {
        await expectFound(finder, sent);
        // The newest ones of a broker, and only what has the key, not what has the same hash.
        expect(bodies(await finder.byKey(topic, 'all', { maxNum: 3 }))).toEqual(['text-9', 'text-10', 'text-11']);
        expect(await finder.byKey(topic, 'order')).toEqual([]);
        expect(await finder.byKey(topic, 'ORDER-1')).toEqual([]);
        expect(await finder.byKey(topic, sent[0].msgId)).toEqual([]);
      }
    }
  });

  it('are not found by ids that no message has', async () => {
    const topic = 'lookup-missing';
    await createTopic(cluster.namesrvAddr, topic);
    const [sent] = await sendAll(ours, [{ topic, body: 'there', keys: ['k'] }]);
    await indexed(ours, [sent]);
    const { address, physicalOffset } = decodeOffsetMsgId(sent.offsetMsgId);
    const unknown = `${sent.msgId.slice(0, -4)}${sent.msgId.endsWith('FFFF') ? '0000' : 'FFFF'}`;
    const beyond = createOffsetMsgId(encodeHost(address), physicalOffset + 1_000_000_000);
    for (const finder of all) {
      for (const id of [unknown, beyond]) expect(await finder.view(topic, id), `${id} by ${finder.name}`).toEqual([]);
      expect(await finder.byUniqueId(topic, unknown)).toEqual([]);
      // Of another topic.
      expect(await finder.byUniqueId('lookup-keys-0', sent.msgId)).toEqual([]);
    }
  });

  it('are found by key within a time range', async () => {
    const topic = 'lookup-times';
    await createTopic(cluster.namesrvAddr, topic);
    // The delay of level 2 sets them 5 s apart: RocketMQ's index tells seconds.
    const [late] = await sendAll(ours, [{ topic, body: 'late', keys: ['k'], delayLevel: 2 }]);
    const [early] = await sendAll(ours, [{ topic, body: 'early', keys: ['k'] }]);
    await indexed(ours, [early]);
    expect(bodies(await ours.byKey(topic, 'k'))).toEqual(['early']);
    await indexed(ours, [late]);
    const [first, second] = [...(await ours.byKey(topic, 'k'))].sort((a, b) => a.storeTimestamp - b.storeTimestamp);
    const between = Math.round((first.storeTimestamp + second.storeTimestamp) / 2);
    for (const finder of all) {
      const texts = async (beginMs?: number, endMs?: number): Promise<string[]> =>
        bodies(
          await finder.byKey(topic, 'k', {
            ...(beginMs !== undefined && { beginMs }),
            ...(endMs !== undefined && { endMs }),
          }),
        );
      expect(await texts()).toEqual(['early', 'late']);
      expect(await texts(between)).toEqual(['late']);
      expect(await texts(undefined, between)).toEqual(['early']);
      expect(await texts(first.storeTimestamp - 1_000, second.storeTimestamp)).toEqual(['early', 'late']);
      expect(await texts(second.storeTimestamp + 60_000)).toEqual([]);
      expect(await texts(undefined, first.storeTimestamp - 60_000)).toEqual([]);
      // A delayed message keeps its id on the way.
      expect(await finder.byUniqueId(topic, late.msgId)).toMatchObject([{ body: 'late', msgId: late.msgId }]);
    }
  });

  it('of transactions are found in their topic when they commit, and as half messages before', async () => {
    const topic = 'lookup-transactions';
    await createTopic(cluster.namesrvAddr, topic);
    for (const [i, sender] of all.entries()) {
      const send = async (end: 'COMMIT_MESSAGE' | 'ROLLBACK_MESSAGE' | 'UNKNOWN'): Promise<SentIds> =>
        sender.transaction({ topic, body: end, keys: [`k${i}`] }, end);
      const committed = await send('COMMIT_MESSAGE');
      const rolledBack = await send('ROLLBACK_MESSAGE');
      const open = await send('UNKNOWN');
      await indexed(ours, [{ topic, body: 'the committed message', ...committed }]);
      await indexed(ours, [{ topic: HALF_TOPIC, body: 'the open half message', ...open }]);
      for (const finder of all) {
        expect(bodies(await finder.byKey(topic, `k${i}`)), `by ${finder.name}`).toEqual(['COMMIT_MESSAGE']);
        const halves = await finder.byKey(HALF_TOPIC, `k${i}`);
        expect(bodies(halves)).toEqual(['COMMIT_MESSAGE', 'ROLLBACK_MESSAGE', 'UNKNOWN']);
        for (const { msgId } of [rolledBack, open]) {
          expect(await finder.byUniqueId(topic, msgId)).toEqual([]);
          expect(await finder.byUniqueId(HALF_TOPIC, msgId)).toMatchObject([{ msgId, topic: HALF_TOPIC }]);
        }
      }
    }
  });

  it('that failed are found in the retry topic of their group too', async () => {
    const topic = 'lookup-retried';
    const group = 'GID_lookup_retried';
    await createTopic(cluster.namesrvAddr, topic);
    const [sent] = await sendAll(ours, [{ topic, body: 'failed once', keys: ['k'] }]);
    const deliveries: number[] = [];
    const { namesrvAddr } = cluster;
    const consumer = new PushConsumer({ namesrvAddr, group, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
    consumer.subscribe(topic);
    consumer.registerMessageListener(([message], context) => {
      context.delayLevelWhenNextConsume = 1;
      deliveries.push(message.reconsumeTimes);
      return message.reconsumeTimes === 0 ? 'RECONSUME_LATER' : 'CONSUME_SUCCESS';
    });
    await consumer.start();
    try {
      await waitFor(() => deliveries.includes(1), 'the second delivery', WAIT_MS);
    } finally {
      await consumer.shutdown();
    }
    const retryTopic = `%RETRY%${group}`;
    await indexed(ours, [{ ...sent, topic: retryTopic }]);
    for (const finder of all) {
      for (const found of [await finder.byKey(retryTopic, 'k'), await finder.byUniqueId(retryTopic, sent.msgId)]) {
        expect(found, `by ${finder.name}`).toMatchObject([{ body: 'failed once', reconsumeTimes: 1, keys: 'k' }]);
      }
      expect(await finder.byKey(topic, 'k')).toMatchObject([outlineOf(sent)]);
    }
  });
});

describe('messages on our broker that ends in between (item 8: lookup)', () => {
  let cluster: RocknestCluster;
  let all: LookupClient[] = [];
  /** What was sent before each end. */
  const lives: Sent[][] = [];

  beforeAll(async () => {
    requireToolchain();
    cluster = await startRocknestCluster({ brokerName: 'broker-a' });
    const [java, ours] = await Promise.all([
      startJavaLookup('5.4.0', cluster.namesrvAddr),
      startOurLookup(cluster.namesrvAddr),
    ]);
    all = [java, ours];
  });

  afterAll(async () => {
    await Promise.all(all.map((client) => client.stop()));
    await cluster?.stop();
  });

  const indexFolder = (): string => join(cluster.broker.storePath, 'index');

  it.each([
    ['a restart', () => cluster.broker.stop()],
    ['kill -9', () => cluster.broker.kill9()],
    [
      'a restart without its index files, which it makes again',
      async () => {
        await cluster.broker.stop();
        expect(readdirSync(indexFolder()).length).toBeGreaterThan(0);
        rmSync(indexFolder(), { recursive: true });
      },
    ],
    [
      'kill -9 and the loss of its index files',
      async () => {
        await cluster.broker.kill9();
        rmSync(indexFolder(), { recursive: true });
      },
    ],
  ])('are all found after %s', async (_what, end) => {
    const topic = `lookup-life-${lives.length}`;
    await createTopic(cluster.namesrvAddr, topic);
    const sent: Sent[] = [];
    for (const client of all) sent.push(...(await sendAll(client, messagesOf(topic))));
    lives.push(sent);
    await end();
    await cluster.broker.start();
    await indexed(all[1], sent.slice(-1));
    for (const finder of all) for (const life of lives) await expectFound(finder, life);
    expect(readdirSync(indexFolder()).length).toBeGreaterThan(0);
  });
});
