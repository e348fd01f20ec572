import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, PopConsumer, Producer, silentLogger, type MessageExt } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { BrokerProcess, mainFile } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { OfficialBroker, startOfficialNamesrv, type OfficialNamesrv } from './support/official-broker.js';
import { requireToolchain } from './support/toolchain.js';

const TOPIC = 'pop-revive';
const GROUP = 'GID_pop_revive';
const IDENTITY = { brokerClusterName: 'DefaultCluster', brokerName: 'broker-a' };
const QUEUE = { topic: TOPIC, brokerName: IDENTITY.brokerName, queueId: 0 };
/** What nobody acknowledges: it may be over before or after the change of the broker. */
const SHORT_MS = 12_000;
/** What is acknowledged at the other broker: longer than its start takes. */
const UNTIL_JAVA_MS = 60_000;
const UNTIL_OURS_MS = 60_000;
const WAIT_MS = 120_000;
/** Behind the end of an invisible time a message that was not acknowledged would have come by then. */
const AFTER_MS = 6_000;

let folder: string;
let namesrv: OfficialNamesrv;
let java: OfficialBroker;
const ours: BrokerProcess[] = [];

beforeAll(async () => {
  requireToolchain();
  folder = mkdtempSync(join(tmpdir(), 'rocknest-pop-revive-'));
  namesrv = await startOfficialNamesrv(folder);
  java = new OfficialBroker(join(folder, 'java'), join(folder, 'store'), namesrv.address, IDENTITY);
});

afterAll(async () => {
  await Promise.all(ours.map((run) => run.remove()));
  await java?.stop();
  await namesrv?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function startOurs(): Promise<BrokerProcess> {
  const config = { ...IDENTITY, storePathRootDir: join(folder, 'store') };
  const run = await BrokerProcess.create({ namesrvAddr: namesrv.address, config });
  ours.push(run);
  await run.start();
  return run;
}

async function exportConfig(): Promise<void> {
  const child = new Child({
    name: 'rocknest store export-config',
    command: process.execPath,
    args: [mainFile('rocknest'), 'store', 'export-config', join(folder, 'store'), '--force'],
  });
  expect(await child.waitForExit(), child.tail()).toBe(0);
}

/** Nine messages. */
async function send(first: number): Promise<void> {
  const producer = new Producer({
    namesrvAddr: namesrv.address,
    group: 'PID_pop_revive',
    logger: silentLogger,
    sendMsgTimeoutMs: 30_000,
  });
  await producer.start();
  for (let i = first; i < first + 9; i++) await producer.send({ topic: TOPIC, body: String(i) }, { queue: QUEUE });
  await producer.shutdown();
}

async function withConsumer<T>(work: (consumer: PopConsumer) => Promise<T>): Promise<T> {
  const consumer = new PopConsumer({
    namesrvAddr: namesrv.address,
    group: GROUP,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    logger: silentLogger,
  });
  await consumer.start();
  try {
    return await work(consumer);
  } finally {
    await consumer.shutdown();
  }
}

/** Messages of the topic's queue, some at a time: `count` of them. */
async function take(consumer: PopConsumer, count: number, invisibleTimeMs: number): Promise<MessageExt[]> {
  const taken: MessageExt[] = [];
  await waitFor(
    async () => {
      const maxMessages = count - taken.length;
      taken.push(...(await consumer.pop(TOPIC, { queue: QUEUE, maxMessages, invisibleTimeMs, pollTimeMs: 0 })));
      return taken.length === count;
    },
    `${count} messages`,
    WAIT_MS,
  );
  return taken;
}

/** Acknowledges what comes, until it is so many messages and the time is over. @returns each body with its deliveries before. */
async function acknowledgeAll(consumer: PopConsumer, count: number, untilMs = 0): Promise<string[]> {
  const bodies: string[] = [];
  await waitFor(
    async () => {
      const messages = await consumer.pop(TOPIC, { maxMessages: 32, pollTimeMs: 0, invisibleTimeMs: UNTIL_JAVA_MS });
      bodies.push(...messages.map(({ body, reconsumeTimes }) => `${body.toString()} ${reconsumeTimes}`));
      for (const message of messages) await consumer.ack(message);
      return bodies.length >= count && Date.now() > untilMs;
    },
    `${count} messages`,
    WAIT_MS,
  );
  return bodies;
}

const texts = (messages: MessageExt[]): string[] => messages.map(({ body }) => body.toString());

describe('popped messages over a change of the broker (item 11: POP): ours and the official one 5.4.0 on one store folder', () => {
  let held: MessageExt[];
  /** When everything that was held would have come again. */
  let overMs = 0;

  /** Messages that are acknowledged, handled still, and forgotten. */
  async function leave(consumer: PopConsumer, bodies: readonly string[], heldMs: number): Promise<void> {
    const acknowledged = await take(consumer, 3, SHORT_MS);
    for (const message of acknowledged) await consumer.ack(message);
    held = await take(consumer, 3, heldMs);
    overMs = Math.max(overMs, Date.now() + heldMs + AFTER_MS);
    const forgotten = await take(consumer, 3, SHORT_MS);
    expect([acknowledged, held, forgotten].flatMap(texts)).toEqual(bodies);
  }

  it('1. ours is stopped with messages that are acknowledged, handled, and forgotten', async () => {
    const broker = await startOurs();
    const admin = new MQAdmin({ namesrvAddr: namesrv.address, logger: silentLogger });
    await admin.start();
    await admin.createTopic(TOPIC, { readQueueNums: 1, writeQueueNums: 1 });
    await admin.createSubscriptionGroup(GROUP);
    await admin.shutdown();
    await send(0);
    await withConsumer((consumer) => leave(consumer, ['0', '1', '2', '3', '4', '5', '6', '7', '8'], UNTIL_JAVA_MS));
    await broker.stop();
    await exportConfig();
  });

  it('2. the official broker takes the acknowledgements of what was handled, lets come again what was forgotten, and is stopped likewise', async () => {
    await java.start();
    await withConsumer(async (consumer) => {
      for (const message of held) await consumer.ack(message);
      expect((await acknowledgeAll(consumer, 3)).sort()).toEqual(['6 1', '7 1', '8 1']);
      await send(9);
      await leave(consumer, ['9', '10', '11', '12', '13', '14', '15', '16', '17'], UNTIL_OURS_MS);
    });
    await java.stop();
  });

  it('3. ours does the same', async () => {
    const broker = await startOurs();
    await withConsumer(async (consumer) => {
      for (const message of held) await consumer.ack(message);
      expect((await acknowledgeAll(consumer, 3, overMs)).sort()).toEqual(['15 1', '16 1', '17 1']);
    });
    await broker.stop();
  });
});
