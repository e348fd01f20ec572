import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MQAdmin, silentLogger } from '@rocknest/client-core';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openOrderDatabase, orderIds } from '../support/order-database.js';
import { projectRoot } from '../support/project-root.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { OrderConsumer } from './support/transactions/order-consumer.js';
import { fateOf } from './support/transactions/order-plan.js';
import { ProducerFleet } from './support/transactions/producer-fleet.js';
import { compareOrders } from './support/transactions/order-checker.js';
import { openTransactions } from './support/transactions/open-transactions.js';

/** TRANSACTIONS makes another run of it. */
const ORDERS = Number(process.env.TRANSACTIONS ?? 10_000);
const PRODUCERS = 3;
const BROKER_KILLS = 8;
/** Producers that are killed at any moment, beside those that die at the moments of `order-plan`. */
const PRODUCER_KILLS = 8;
const QUEUES = 8;
const TOPIC = 'orders';
/** Between two looks at how far everything is. */
const LOOK_MS = 50;
/** No end within this time, and the producers are asked; as often as it takes. */
const CHECKS = { transactionTimeOut: 500, transactionCheckInterval: 250, transactionCheckMax: 100_000 };
const MAX_TRANSACTION_MS = 3_000;

describe(`${ORDERS} transactions with rollbacks, producers that die around the commit, and a broker that is killed`, () => {
  let folder: string;
  let broker: BrokerProcess;
  let database: DataSource;
  let consumer: OrderConsumer;
  let fleet: ProducerFleet;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rocknest-transactions-'));
    buildMember(join(folder, 'program'));
    symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
    broker = await BrokerProcess.create({ config: CHECKS });
    await broker.start();
    const { namesrvAddr } = broker;
    const admin = new MQAdmin({ namesrvAddr, logger: silentLogger });
    await admin.start();
    await admin.createTopic(TOPIC, { writeQueueNums: QUEUES, readQueueNums: QUEUES });
    await admin.shutdown();
    const databaseFile = join(folder, 'orders.db');
    database = await openOrderDatabase(databaseFile);
    consumer = await OrderConsumer.start(namesrvAddr, TOPIC);
    fleet = new ProducerFleet(join(folder, 'program/member.js'), PRODUCERS, {
      namesrvAddr,
      group: 'shop',
      topic: TOPIC,
      databaseFile,
      folder,
      end: ORDERS,
      maxTransactionMs: MAX_TRANSACTION_MS,
    });
  });
  afterAll(async () => {
    await fleet?.stop();
    await consumer?.stop();
    await database?.destroy();
    await broker?.remove();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('leave a message for each order in the database, and none for any other', async () => {
    fleet.start();
    let brokerKills = 0;
    let producerKills = 0;
    while (!fleet.done) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      expect(fleet.troubles).toEqual([]);
      const begun = fleet.begun().length;
      if (begun > ((producerKills + 1) * ORDERS) / (PRODUCER_KILLS + 2)) fleet.kill(producerKills++ % PRODUCERS);
      if (begun > ((brokerKills + 1) * ORDERS) / (BROKER_KILLS + 1)) {
        brokerKills++;
        await broker.kill9();
        await broker.start();
      }
    }
    await waitFor(async () => (await openTransactions(broker.brokerAddr)) === 0, 'the end of all transactions', 60_000);
    await waitFor(() => consumer.isAtEnd(broker.brokerAddr, QUEUES), 'the consumption of all messages', 30_000);

    const begun = fleet.begun();
    const report = compareOrders(await orderIds(database.manager), consumer);
    const died = { before: 0, after: 0 };
    for (const id of begun) {
      if (fateOf(id) === 'dieBeforeCommit') died.before++;
      if (fateOf(id) === 'dieAfterCommit') died.after++;
    }
    console.log(
      `${begun.length} transactions, ${brokerKills} kills of the broker, ${fleet.deaths} of producers (planned: ${died.before} before a commit, ${died.after} after one): ` +
        `${report.committed} orders in the database, ${report.consumed} consumed, ${report.lost} lost, ${report.ghosts} that never were, ` +
        `${report.storedTwice} stored twice, ${report.handledAgain} handled again`,
    );
    expect(report).toMatchObject({ lost: 0, ghosts: 0, storedTwice: 0, examples: [] });
    expect(report.consumed).toBe(report.committed);
    expect(begun).toHaveLength(ORDERS);
    expect(brokerKills).toBe(BROKER_KILLS);
    expect(fleet.deaths).toBeGreaterThan(PRODUCER_KILLS);
    expect(report.committed).toBeGreaterThan(ORDERS / 2);
    expect(report.committed).toBeLessThan(ORDERS);
  });
});

function buildMember(folder: string): void {
  const rolldown = join(projectRoot, 'node_modules/rolldown/bin/cli.mjs');
  const source = join(projectRoot, 'test/crash/support/transactions/member.ts');
  const externals = ['@nestjs/common', '@nestjs/core', '@nestjs/microservices', 'rxjs', 'reflect-metadata', 'typeorm'];
  const args = [rolldown, source, '--platform', 'node', '--format', 'esm', '--sourcemap', '-d', folder];
  const built = spawnSync(process.execPath, [...args, ...externals.flatMap((name) => ['-e', name])], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`the member was not built\n${built.stdout}\n${built.stderr}`);
}
