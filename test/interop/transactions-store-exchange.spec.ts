import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LocalTransactionState,
  MQAdmin,
  Producer,
  PushConsumer,
  silentLogger,
  type TransactionListener,
} from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { OfficialBroker, type OfficialNamesrv, startOfficialNamesrv } from './support/official-broker.js';
import { storeCommandOk } from './support/store-command.js';
import { requireToolchain } from './support/toolchain.js';

const { COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOWN } = LocalTransactionState;
const TOPIC = 'exchange-orders';
const GROUP = 'PID_exchange_orders';
const OF_EACH_FATE = 100;
const ARRIVAL_TIMEOUT_MS = 60_000;
const IDENTITY = { brokerClusterName: 'DefaultCluster', brokerName: 'broker-a', flushConsumerOffsetInterval: 500 };
/** Checks do not come while transactions are to stay open, and come soon after. Marks of ends are written at once. */
const NEVER = { transactionTimeOut: 3_600_000, transactionCheckInterval: 3_600_000, transactionOpBatchInterval: 1 };
const SOON = {
  transactionTimeOut: 500,
  transactionCheckInterval: 300,
  transactionOpBatchInterval: 1,
  transactionCheckMax: 1_000,
};

/** `round/fate/number`: the fate is what the producer says when it is asked; `commit` and `rollback` are ended at once. */
const textsOf = (round: string, fate: string): string[] =>
  Array.from({ length: OF_EACH_FATE }, (_, i) => `${round}/${fate}/${i}`).sort();

let folder: string;
let namesrv: OfficialNamesrv;
let java: OfficialBroker | undefined;
let ours: BrokerProcess | undefined;
let producer: Producer;
let consumer: PushConsumer;
let admin: MQAdmin;
const asked = new Map<string, number>();
/** Deliveries by text. */
const consumed = new Map<string, number>();

const fateOf = (text: string): string => text.split('/')[1];
const listener: TransactionListener = {
  executeLocalTransaction: ({ body }) => {
    const fate = fateOf(String(body));
    if (fate === 'commit') return COMMIT_MESSAGE;
    return fate === 'rollback' ? ROLLBACK_MESSAGE : UNKNOWN;
  },
  checkLocalTransaction: ({ body }) => {
    const text = body.toString();
    asked.set(text, (asked.get(text) ?? 0) + 1);
    return fateOf(text) === 'openCommit' ? COMMIT_MESSAGE : ROLLBACK_MESSAGE;
  },
};

beforeAll(async () => {
  requireToolchain();
  folder = mkdtempSync(join(tmpdir(), 'rocknest-exchange-orders-'));
  namesrv = await startOfficialNamesrv(folder);
  const common = { namesrvAddr: namesrv.address, logger: silentLogger, pollNameServerIntervalMs: 500 };
  admin = new MQAdmin(common);
  producer = new Producer({ ...common, group: GROUP, transactionListener: listener, heartbeatIntervalMs: 500 });
  consumer = new PushConsumer({ ...common, group: 'GID_orders', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
  consumer.subscribe(TOPIC);
  consumer.registerMessageListener((messages) => {
    for (const { body } of messages) consumed.set(body.toString(), (consumed.get(body.toString()) ?? 0) + 1);
    return 'CONSUME_SUCCESS';
  });
  await admin.start();
});

afterAll(async () => {
  await consumer?.shutdown();
  await producer?.shutdown();
  await admin?.shutdown();
  await java?.stop();
  await ours?.remove();
  await namesrv?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function startJava(checks: typeof NEVER): Promise<void> {
  java = new OfficialBroker(join(folder, 'java'), join(folder, 'store'), namesrv.address, { ...IDENTITY, ...checks });
  await java.start();
}

async function startOurs(checks: typeof NEVER): Promise<void> {
  ours ??= await BrokerProcess.create({
    namesrvAddr: namesrv.address,
    config: { ...IDENTITY, storePathRootDir: join(folder, 'store') },
  });
  await ours.start(checks);
}

const exportConfig = (): Promise<unknown> => storeCommandOk('export-config', join(folder, 'store'), '--force');

/** Transactions of each fate; those with `open` are left so. */
async function send(round: string): Promise<void> {
  for (const fate of ['commit', 'rollback', 'openCommit', 'openRollback']) {
    const texts = textsOf(round, fate);
    await Promise.all(
      texts.map(async (body) => {
        // The route of the broker before may still be in use.
        await waitFor(() => sendOne(body), `the half message ${body}`, ARRIVAL_TIMEOUT_MS);
      }),
    );
  }
  await waitFor(() => arrived(round, 'commit'), 'what was committed at once', ARRIVAL_TIMEOUT_MS);
}

const sendOne = (body: string): Promise<boolean> =>
  producer.sendMessageInTransaction({ topic: TOPIC, body }, undefined).then(
    () => true,
    () => false,
  );

const arrived = (round: string, fate: string): boolean => textsOf(round, fate).every((text) => consumed.has(text));

/** The broker that serves now asks about what the other one has left open, and about nothing else. */
async function expectSettled(round: string): Promise<void> {
  await waitFor(() => arrived(round, 'openCommit'), 'what was committed at a check', ARRIVAL_TIMEOUT_MS);
  const open = [...textsOf(round, 'openCommit'), ...textsOf(round, 'openRollback')].sort();
  const askedNow = (): string[] => [...asked.keys()].filter((text) => text.startsWith(`${round}/`)).sort();
  await waitFor(() => askedNow().length >= open.length, 'the checks', ARRIVAL_TIMEOUT_MS);
  expect(askedNow()).toEqual(open);
  const delivered = [...consumed.keys()].filter((text) => text.startsWith(`${round}/`)).sort();
  expect(delivered).toEqual([...textsOf(round, 'commit'), ...textsOf(round, 'openCommit')].sort());
}

describe('one store folder with open transactions, served by the official broker 5.4.0 and by ours in turn (item 4: transactions)', () => {
  it('1. the official broker leaves transactions open', async () => {
    await startJava(NEVER);
    await admin.createTopic(TOPIC, { readQueueNums: 4, writeQueueNums: 4 });
    await producer.start();
    await consumer.start();
    await send('java');
    await java?.stop();
    expect(asked.size).toBe(0);
  });

  it('2. ours settles them, asks about no ended one, and leaves others open', async () => {
    await startOurs(SOON);
    await expectSettled('java');
    await ours?.stop();
    await startOurs(NEVER);
    await send('ours');
    await ours?.stop();
    await exportConfig();
  });

  it('3. the official broker settles those, and asks about none that ours had settled', async () => {
    const before = new Map(asked);
    await startJava(SOON);
    await expectSettled('ours');
    const again = [...asked].filter(([text, count]) => text.startsWith('java/') && count !== before.get(text));
    expect(again).toEqual([]);
  });
});
