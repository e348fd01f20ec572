import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, type MessageInput, Producer } from '@rocknest/client-core';
import { decodeMessages, RequestCode } from '@rocknest/protocol';
import { verifyStore } from '@rocknest/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/rocknest-process.js';
import { RawConnection } from '../support/raw-remoting.js';
import { waitFor } from '../support/wait-for.js';
import { OfficialBroker, startOfficialNamesrv, type OfficialNamesrv } from './support/official-broker.js';
import { requireToolchain } from './support/toolchain.js';

const TOPIC = 'index-exchange';
const QUEUES = 4;
const MESSAGES = 700;
/** The last ones come in batches. */
const BATCHED = 100;
const BATCH = 20;
/** Small: long chains, and five files. */
const SLOTS = 97;
const ENTRIES = 500;
const WAIT_MS = 60_000;

const CONFIG = {
  brokerClusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  maxHashSlotNum: SLOTS,
  maxIndexNum: ENTRIES,
  mappedFileSizeCommitLog: 4 * 1024 * 1024,
};
/** Only of the official broker. */
const OFFICIAL_CONFIG = { timerWheelEnable: false };

let folder: string;
let namesrv: OfficialNamesrv;
let admin: MQAdmin;
const brokers: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  requireToolchain();
  folder = mkdtempSync(join(tmpdir(), 'rocknest-index-exchange-'));
  namesrv = await startOfficialNamesrv(folder);
  admin = new MQAdmin({ namesrvAddr: namesrv.address });
  await admin.start();
});

afterAll(async () => {
  await admin?.shutdown();
  await Promise.all(brokers.map((broker) => broker.stop()));
  await namesrv?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function startOfficial(store: string): Promise<OfficialBroker> {
  const config = { ...CONFIG, ...OFFICIAL_CONFIG };
  const broker = new OfficialBroker(join(folder, `java-${store}`), join(folder, store), namesrv.address, config);
  brokers.push(broker);
  await broker.start();
  return broker;
}

async function startOurs(store: string): Promise<BrokerProcess> {
  const config = { ...CONFIG, storePathRootDir: join(folder, store) };
  const broker = await BrokerProcess.create({ namesrvAddr: namesrv.address, config });
  brokers.push({ stop: () => broker.remove() });
  await broker.start();
  return broker;
}

/** Keys of a message: some repeat, some have the hash of another. */
const keysOf = (i: number): string[] => [
  `order-${i % 50}`,
  ...(i % 3 === 0 ? [`single-${i}`] : []),
  ...(i % 7 === 0 ? ['Aa'] : []),
  ...(i % 7 === 1 ? ['BB'] : []),
];

/** Some have tags, which RocketMQ 5.4.0 indexes too; `Aa` and `BB` have one hash. */
const TAGS = [undefined, 'Aa', 'BB', 'paid', 'größer als 2 €', 'paid || sent', '日本'];
const tagsOf = (i: number): string | undefined => TAGS[i % TAGS.length];

/** Newest 64 messages with these tags, asked for as 5.4.0's tools do, and by our client. */
async function textsByTags(tags: string): Promise<string[]> {
  const found = await admin.queryMessageByTags(TOPIC, tags);
  const texts = found.messages.map(({ body }) => body.toString());
  // The official broker compares hashes alone: the client leaves out what it did not ask for.
  expect(await rawTextsByTags(tags)).toEqual(expect.arrayContaining(texts));
  return texts;
}

async function rawTextsByTags(tags: string): Promise<string[]> {
  const route = await admin.examineTopicRoute(TOPIC);
  const connection = await RawConnection.open(route.brokerDatas[0].brokerAddrs.get(0) ?? '');
  const range = { maxNum: 64, beginTimestamp: 0, endTimestamp: Date.now() };
  try {
    const { body } = await connection.call(RequestCode.QUERY_MESSAGE, {
      topic: TOPIC,
      key: tags,
      ...range,
      indexType: 'T',
    });
    return decodeMessages(body).map((message) => message.body.toString());
  } finally {
    connection.close();
  }
}

async function expectFound(): Promise<void> {
  const texts = async (key: string): Promise<string[]> =>
    (await admin.queryMessage(TOPIC, key)).messages.map(({ body }) => body.toString());
  for (const key of ['order-0', 'order-49', 'single-0', 'single-699']) {
    const having = Array.from({ length: MESSAGES }, (_, i) => i).filter((i) => keysOf(i).includes(key));
    expect((await texts(key)).sort()).toEqual(having.map((i) => `text-${i}`).sort());
  }
  expect(await texts('single-1')).toEqual([]);
  for (const tags of TAGS) {
    if (tags === undefined) continue;
    const having = Array.from({ length: MESSAGES }, (_, i) => i).filter((i) => tagsOf(i) === tags);
    const texts = await textsByTags(tags);
    expect(texts).toEqual(having.slice(-texts.length).map((i) => `text-${i}`));
    // What has the same hash may take places.
    if (tags !== 'Aa' && tags !== 'BB') expect(texts).toHaveLength(64);
    else expect(texts.length).toBeGreaterThanOrEqual(32);
  }
}

/** Waits until the index of the broker has the message that was stored last. */
async function waitForIndex(): Promise<void> {
  const isIndexed = async (): Promise<boolean> => (await admin.queryMessage(TOPIC, 'single-699')).messages.length > 0;
  await waitFor(isIndexed, 'the index of the last message', WAIT_MS);
}

/** The index files of a store, oldest first: their names are the times at which they were made. */
const indexFiles = (store: string): Buffer[] =>
  readdirSync(join(folder, store, 'index'))
    .filter((name) => /^\d{17}$/.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, store, 'index', name)));

const verify = async (store: string): Promise<string[]> => {
  const { findings } = await verifyStore({
    rootPath: join(folder, store),
    indexSizes: { slots: SLOTS, entries: ENTRIES },
  });
  return findings.filter(({ kind }) => kind.startsWith('INDEX')).map(({ text }) => text);
};

describe('index files of the official broker 5.4.0 and of ours (item 8: lookup)', () => {
  it('are the same, byte for byte, for the same messages', async () => {
    const java = await startOfficial('first');
    await admin.createTopic(TOPIC, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
    const producer = new Producer({ namesrvAddr: namesrv.address, group: 'PID_index', sendMsgTimeoutMs: WAIT_MS });
    await producer.start();
    const messageAt = (i: number): MessageInput => ({
      topic: TOPIC,
      body: `text-${i}`,
      keys: keysOf(i),
      tags: tagsOf(i),
    });
    for (let i = 0; i < MESSAGES - BATCHED; i++) await producer.send(messageAt(i));
    for (let i = MESSAGES - BATCHED; i < MESSAGES; i += BATCH)
      await producer.send(Array.from({ length: BATCH }, (_, j) => messageAt(i + j)));
    await producer.shutdown();
    await waitForIndex();
    await expectFound();
    await java.stop();

    for (const part of ['commitlog', 'config']) {
      cpSync(join(folder, 'first', part), join(folder, 'second', part), { recursive: true });
    }
    const ours = await startOurs('second');
    await waitForIndex();
    await expectFound();
    await ours.stop();

    const written = indexFiles('second');
    const expected = indexFiles('first');
    expect(expected).toHaveLength(5);
    expect(written).toHaveLength(expected.length);
    for (const [i, file] of expected.entries()) expect(written[i].equals(file), `index file ${i}`).toBe(true);
  });

  it('are sound for verify, whoever wrote them', async () => {
    expect(await verify('first')).toEqual([]);
    expect(await verify('second')).toEqual([]);
  });

  it('of the official broker serve ours', async () => {
    const before = readdirSync(join(folder, 'first', 'index')).sort();
    const ours = await startOurs('first');
    await expectFound();
    expect(ours.process.tail()).not.toContain('index files are made again');
    await ours.stop();
    expect(readdirSync(join(folder, 'first', 'index')).sort()).toEqual(before);
  });

  it('of ours serve the official broker', async () => {
    const before = readdirSync(join(folder, 'second', 'index')).sort();
    const java = await startOfficial('second');
    await expectFound();
    await java.stop();
    expect(readdirSync(join(folder, 'second', 'index')).sort()).toEqual(before);
  });
});
