import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, PushConsumer, type ConsumeResult, type MessageExt } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawConnection } from '../support/raw-remoting.js';
import { maxOffset, queryConsumerOffset, updateConsumerOffset } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { auditQueues, type AuditedTopic } from './support/exchange-audit.js';
import { ExchangeLedger } from './support/exchange-ledger.js';
import { ExchangeSender } from './support/exchange-sender.js';
import { JavaClient } from './support/java-client.js';
import { Ledger } from './support/ledger.js';
import { OfficialBroker, startOfficialNamesrv, type OfficialNamesrv } from './support/official-broker.js';
import { storeCommandOk } from './support/store-command.js';
import { requireToolchain } from './support/toolchain.js';

/** Sent by the Java broker's clients before the first change; more follow after each. */
const BULK = { batches: 900_000, singles: 60_000, javaClient: 40_000 };
const CONSUMED_BEFORE = 15_000;
const DELAYED = 300;
const GIVEN_BACK = 20;
const DEAD = 5;
/** 30 s and 1 minute: longer than stopping one broker and starting the other takes. */
const LEVEL_30_S = 4;
const LEVEL_1_MIN = 5;
const ARRIVAL_TIMEOUT_MS = 180_000;

const BATCHES: AuditedTopic = { topic: 'exchange-batches', queues: 8, numbered: true };
const SINGLES: AuditedTopic = { topic: 'exchange-singles', queues: 4, numbered: true };
const JAVA_SENT: AuditedTopic = { topic: 'exchange-java', queues: 4, numbered: false };
const LATE: AuditedTopic = { topic: 'exchange-late', queues: 1, numbered: false };
const FAILING: AuditedTopic = { topic: 'exchange-failing', queues: 1, numbered: false };
const TOPICS = [BATCHES, SINGLES, JAVA_SENT, LATE, FAILING];

const GROUP = 'GID_exchange';
const FAILING_GROUP = 'GID_exchange_failing';
/** Its offsets are committed by raw requests. */
const MARKED_GROUP = 'GID_exchange_marked';
const MARK_QUEUE = { topic: BATCHES.topic, queueId: 3 };

const IDENTITY = { brokerClusterName: 'DefaultCluster', brokerName: 'broker-a', flushConsumerOffsetInterval: 1_000 };

let folder: string;
let namesrv: OfficialNamesrv;
let java: OfficialBroker;
/** The run under way, and all of them. */
let ours: BrokerProcess;
const ourRuns: BrokerProcess[] = [];
let admin: MQAdmin;
const ledger = new ExchangeLedger();
const sender = new ExchangeSender(ledger);
const javaSent = new Ledger(JAVA_SENT.topic);
/** Numbers of messages, written by both brokers, that are looked up by key. */
const keys: number[] = [];

beforeAll(async () => {
  requireToolchain();
  folder = mkdtempSync(join(tmpdir(), 'rocknest-exchange-'));
  const storePath = join(folder, 'store');
  namesrv = await startOfficialNamesrv(folder);
  java = new OfficialBroker(join(folder, 'java'), storePath, namesrv.address, {
    ...IDENTITY,
    // A busy machine must not make it refuse sends, and audits read much at once.
    waitTimeMillsInSendQueue: 30_000,
    maxTransferCountOnMessageInMemory: 500,
    maxTransferBytesOnMessageInMemory: 1_048_576,
    maxTransferCountOnMessageInDisk: 500,
    maxTransferBytesOnMessageInDisk: 1_048_576,
  });
  await java.start();
  admin = new MQAdmin({ namesrvAddr: namesrv.address });
  await admin.start();
});

afterAll(async () => {
  await admin?.shutdown();
  await java?.stop();
  await Promise.all(ourRuns.map((run) => run.remove()));
  await namesrv?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** On ports of their own each time: while it is stopped, any connection may take one. */
async function startOurs(): Promise<number> {
  const config = { ...IDENTITY, storePathRootDir: join(folder, 'store') };
  ours = await BrokerProcess.create({ namesrvAddr: namesrv.address, config });
  ourRuns.push(ours);
  return ours.start();
}

async function audit(who: string, address: string): Promise<void> {
  const report = await auditQueues(address, TOPICS, ledger);
  console.log(
    `${who}: ${report.messages} messages, ${(report.bytes / 1e6).toFixed(0)} MB read and compared in ${report.milliseconds} ms`,
  );
  expect(report.problems).toEqual([]);
}

async function withConnection<T>(address: string, work: (connection: RawConnection) => Promise<T>): Promise<T> {
  const connection = await RawConnection.open(address);
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}

/** A consumer of our own client, which works alike with both brokers. */
async function consume(
  group: string,
  topic: string,
  handle: (message: MessageExt) => ConsumeResult,
  delayLevel = 0,
): Promise<PushConsumer> {
  const consumer = new PushConsumer({
    namesrvAddr: namesrv.address,
    group,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  });
  consumer.subscribe(topic);
  consumer.registerMessageListener((messages, context) => {
    context.delayLevelWhenNextConsume = delayLevel;
    return handle(messages[0]);
  });
  await consumer.start();
  return consumer;
}

const countOf = (address: string, topic: string): Promise<number> =>
  withConnection(address, (connection) => maxOffset(connection, topic, 0));

const exportConfig = (...flags: string[]): Promise<readonly string[]> =>
  storeCommandOk('export-config', join(folder, 'store'), ...flags);

/** The index files of one broker serve the other. */
async function expectKeysFound(): Promise<void> {
  for (const number of keys) {
    const { messages } = await admin.queryMessage(SINGLES.topic, `key-${number}`);
    expect(messages.map(({ properties }) => properties.number)).toEqual([String(number)]);
  }
}

/** What the Java broker's store had to say of a folder that it did not write itself. */
function expectQuietStore(): void {
  // It warns of the end of the log at each start, also on a store of its own.
  const usual = /illegal magic code 0x0|truncate dirty logic files|Load default HA Service|shutdown|interrupted/;
  const warnings = java.logged('WARN').filter((line) => line.includes(' RocketmqStore ') && !usual.test(line));
  expect(warnings).toEqual([]);
  expect(java.logged('ERROR')).toEqual([]);
}

describe('one store folder, served by the official broker 5.4.0 and by ours in turn', () => {
  it('1. the official broker takes a million messages, and is stopped', async () => {
    await admin.createTopic(BATCHES.topic, { readQueueNums: 8, writeQueueNums: 8, order: true });
    await admin.createTopic(SINGLES.topic, {
      readQueueNums: 4,
      writeQueueNums: 4,
      attributes: { 'message.type': 'NORMAL' },
    });
    await admin.createTopic(JAVA_SENT.topic, { readQueueNums: 4, writeQueueNums: 4 });
    for (const { topic } of [LATE, FAILING]) await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
    await admin.createSubscriptionGroup(MARKED_GROUP);
    await admin.createSubscriptionGroup(FAILING_GROUP, { retryMaxTimes: 7, consumeTimeoutMinute: 3 });
    const startedAt = performance.now();
    await sender.batches(java.address, BATCHES.topic, BATCHES.queues, BULK.batches);
    const firstSingle = await sender.singles(java.address, SINGLES.topic, SINGLES.queues, BULK.singles);
    keys.push(firstSingle, firstSingle + BULK.singles - 1);
    const client = new JavaClient('5.4.0', namesrv.address);
    const produced = await client.run('produce', {
      topic: JAVA_SENT.topic,
      seed: JAVA_SENT.topic,
      count: BULK.javaClient,
      mode: 'mixed',
    });
    expect(produced).toMatchObject({ sent: BULK.javaClient, failed: 0 });
    console.log(`official broker: 1,000,000 messages sent in ${((performance.now() - startedAt) / 1e3).toFixed(0)} s`);

    const consumer = await consume(GROUP, JAVA_SENT.topic, (message) => {
      javaSent.add(message);
      return 'CONSUME_SUCCESS';
    });
    await waitFor(() => javaSent.distinct >= CONSUMED_BEFORE, 'the first messages', ARRIVAL_TIMEOUT_MS);
    await consumer.shutdown();
    await withConnection(java.address, (connection) =>
      updateConsumerOffset(connection, MARKED_GROUP, MARK_QUEUE, 4_321),
    );

    await giveBack(DEAD, -1);
    await giveBack(GIVEN_BACK, LEVEL_30_S);
    await sender.delayed(java.address, LATE.topic, LEVEL_30_S, DELAYED);
    expect(await countOf(java.address, LATE.topic)).toBe(0);
    await java.stop();
  });

  it('2. ours opens it, goes on with everything that was pending, and hands it back', async () => {
    const milliseconds = await startOurs();
    console.log(`ours: serves the store of the official broker after ${milliseconds.toFixed(0)} ms`);
    const imported = /imported (\d+) topics, (\d+) subscription groups, (\d+) consumer offsets, (\d+) delay level/;
    expect(ours.process.tail()).toMatch(imported);
    console.log(`ours: ${imported.exec(ours.process.tail())?.[0] ?? ''} offsets`);
    await audit('ours, 1st time', ours.brokerAddr);
    await expectKeysFound();
    expect(ours.process.tail()).not.toContain('made again');
    expect(await admin.examineTopicConfig(ours.brokerAddr, BATCHES.topic)).toMatchObject({ order: true, perm: 6 });
    const singles = await admin.examineTopicConfig(ours.brokerAddr, SINGLES.topic);
    expect(singles.attributes).toEqual({ 'message.type': 'NORMAL' });
    const failing = await admin.examineSubscriptionGroupConfig(ours.brokerAddr, FAILING_GROUP);
    expect(failing).toMatchObject({ retryMaxTimes: 7, consumeTimeoutMinute: 3 });

    const before = javaSent.deliveries;
    const goesOn = await consume(GROUP, JAVA_SENT.topic, (message) => {
      javaSent.add(message);
      return 'CONSUME_SUCCESS';
    });
    await waitFor(() => javaSent.distinct === BULK.javaClient, 'the rest of the messages', ARRIVAL_TIMEOUT_MS);
    await goesOn.shutdown();
    javaSent.expectComplete(BULK.javaClient);
    console.log(`ours: the group went on, ${before} + ${javaSent.deliveries - before}, ${javaSent.duplicates} twice`);
    expect(javaSent.duplicates).toBe(0);
    expect(await markOf(ours.brokerAddr)).toBe(4_321);

    const again: number[] = [];
    const failed = await consume(FAILING_GROUP, FAILING.topic, (message) => {
      again.push(message.reconsumeTimes);
      return 'CONSUME_SUCCESS';
    });
    await waitFor(() => again.length === GIVEN_BACK, 'what was given back', ARRIVAL_TIMEOUT_MS);
    await failed.shutdown();
    expect(new Set(again)).toEqual(new Set([1]));
    expect(await countOf(ours.brokerAddr, `%DLQ%${FAILING_GROUP}`)).toBe(DEAD);
    await waitForLate(ours.brokerAddr, DELAYED);

    await sender.batches(ours.brokerAddr, BATCHES.topic, BATCHES.queues, 50_000);
    keys.push(await sender.singles(ours.brokerAddr, SINGLES.topic, SINGLES.queues, 5_000));
    await withConnection(ours.brokerAddr, (connection) =>
      updateConsumerOffset(connection, MARKED_GROUP, MARK_QUEUE, 5_432),
    );
    await sender.delayed(ours.brokerAddr, LATE.topic, LEVEL_1_MIN, DELAYED);
    await ours.stop();
    console.log((await exportConfig('--force')).join('\n'));
  });

  it('3. the official broker opens what ours left, goes on, and is killed', async () => {
    console.log(`official broker: serves our store after ${(await java.start()).toFixed(0)} ms`);
    await audit('official broker, 2nd time', java.address);
    await expectKeysFound();
    expectQuietStore();
    expect(await markOf(java.address)).toBe(5_432);
    const failing = await admin.examineSubscriptionGroupConfig(java.address, FAILING_GROUP);
    expect(failing).toMatchObject({ retryMaxTimes: 7, consumeTimeoutMinute: 3 });
    await waitForLate(java.address, 2 * DELAYED);
    await sender.batches(java.address, BATCHES.topic, BATCHES.queues, 30_000);
    keys.push(await sender.singles(java.address, SINGLES.topic, SINGLES.queues, 3_000));
    await withConnection(java.address, (connection) =>
      updateConsumerOffset(connection, MARKED_GROUP, MARK_QUEUE, 6_543),
    );
    const offsetFile = join(folder, 'store/config/consumerOffset.json');
    await waitFor(() => textOf(offsetFile).includes('6543'), 'the offset on the disk', ARRIVAL_TIMEOUT_MS);
    await java.kill9();
  });

  it('4. ours opens what the kill left, goes on, and is killed too', async () => {
    console.log(`ours: serves the store of the killed broker after ${(await startOurs()).toFixed(0)} ms`);
    expect(ours.process.tail()).toContain('an Apache RocketMQ broker went on from what was exported');
    await audit('ours, 2nd time', ours.brokerAddr);
    await expectKeysFound();
    expect(await markOf(ours.brokerAddr)).toBe(6_543);
    await sender.batches(ours.brokerAddr, BATCHES.topic, BATCHES.queues, 20_000);
    keys.push(await sender.singles(ours.brokerAddr, SINGLES.topic, SINGLES.queues, 2_000));
    await ours.kill9();
    await exportConfig('--force');
  });

  it('5. the official broker opens what that kill left', async () => {
    console.log(`official broker: serves our killed store after ${(await java.start()).toFixed(0)} ms`);
    await audit('official broker, 3rd time', java.address);
    await expectKeysFound();
    expect(java.logged('ERROR')).toEqual([]);
    expect(await markOf(java.address)).toBe(6_543);
    await sender.batches(java.address, BATCHES.topic, BATCHES.queues, 10_000);
    await java.stop();
  });

  it('6. ours has the last word, and a second start imports nothing', async () => {
    await startOurs();
    await audit('ours, 3rd time', ours.brokerAddr);
    await expectKeysFound();
    await ours.stop();
    await startOurs();
    expect(ours.process.tail()).not.toMatch(/imported|counts/);
    expect(await markOf(ours.brokerAddr)).toBe(6_543);
    await ours.stop();
  });
});

/** Sends messages to the failing group, which gives each back once. */
async function giveBack(count: number, delayLevel: number): Promise<void> {
  let taken = 0;
  const consumer = await consume(
    FAILING_GROUP,
    FAILING.topic,
    () => {
      taken++;
      return 'RECONSUME_LATER';
    },
    delayLevel,
  );
  await sender.singles(java.address, FAILING.topic, 1, count);
  await waitFor(() => taken === count, `${count} messages of the failing group`, ARRIVAL_TIMEOUT_MS);
  await consumer.shutdown();
}

function markOf(address: string): Promise<number> {
  return withConnection(address, (connection) => queryConsumerOffset(connection, MARKED_GROUP, MARK_QUEUE));
}

async function waitForLate(address: string, count: number): Promise<void> {
  const arrived = async (): Promise<boolean> => (await countOf(address, LATE.topic)) >= count;
  await waitFor(arrived, `${count} delayed messages`, ARRIVAL_TIMEOUT_MS);
  expect(await countOf(address, LATE.topic)).toBe(count);
}

/** What stands in a file; nothing while the official broker, which removes the old file before it gives the new one its name, writes it. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
