import 'reflect-metadata';
import { openSync, writeSync } from 'node:fs';
import { RocketMQProducer, type TransactionDataSource } from '@rocknest/client';
import type { DataSource, EntityManager } from 'typeorm';
import { openOrderDatabase, orderSchema } from '../../../support/order-database.js';
import type { TransactionMemberSettings } from './member-settings.js';
import { fateOf, type OrderFate } from './order-plan.js';

/** Orders under way at once: the database has one writer, the broker many. */
const LANES = 16;
const AGAIN_AFTER_MS = 50;

/**
 * A shop in a process of its own: a transaction for each order, over and over until it went as planned; some end the process where it hurts.
 * When all are done it stays, to answer what the broker asks.
 */
const settings = JSON.parse(process.argv[2]) as TransactionMemberSettings;
// Written at once: what stands in the log was begun, also when the process is killed right after it.
const log = openSync(settings.logFile, 'a');
const database = await openOrderDatabase(settings.databaseFile);
// A killed process loses nothing by it: the operating system has what was written.
await database.query('PRAGMA synchronous = NORMAL');
const { namesrvAddr, group, topic, maxTransactionMs } = settings;
const producer = new RocketMQProducer({
  namesrvAddr,
  group,
  transactions: { dataSource: dyingDatabase(database), maxTransactionMs },
});
await producer.start();
process.once('SIGTERM', () => void producer.shutdown().then(() => process.exit(0)));

class RolledBack extends Error {}

let fateOfCommit: OrderFate | undefined;

let next = settings.first;
await Promise.all(Array.from({ length: LANES }, lane));
console.log('done');

async function lane(): Promise<void> {
  while (next < settings.end) {
    const id = next;
    next += settings.step;
    writeSync(log, `${id}\n`);
    while (!(await order(id))) await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
  }
}

/** @returns false when it is to be tried again: the broker did not take the half message, or a check has given the transaction up. */
async function order(id: number): Promise<boolean> {
  const fate = fateOf(id);
  try {
    await producer.inTransaction({ topic, body: { id } }, async (manager: EntityManager) => {
      await manager.insert(orderSchema, { id });
      if (fate === 'rollback') throw new RolledBack();
      if (fate === 'dieBeforeCommit') process.kill(process.pid, 'SIGKILL');
      fateOfCommit = fate;
    });
    return true;
  } catch (error) {
    return error instanceof RolledBack;
  }
}

/** Dies when a transaction whose order wants it has committed. On SQLite transactions run one after the other. */
function dyingDatabase(dataSource: DataSource): TransactionDataSource {
  return {
    options: dataSource.options,
    manager: dataSource.manager,
    transaction: async (run) => {
      fateOfCommit = undefined;
      const result = await dataSource.transaction(run);
      if (fateOfCommit === 'dieAfterCommit') process.kill(process.pid, 'SIGKILL');
      return result;
    },
  };
}
