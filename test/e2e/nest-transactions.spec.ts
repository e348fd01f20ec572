import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, type Provider } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  getProducerToken,
  LocalTransactionState,
  type MessageExt,
  RocketMQModule,
  type RocketMQProducer,
  type RocketMQTransactionListener,
  type TransactionMessage,
  TransactionListener,
  type TransactionOptions,
} from '@rocknest/client';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import type { DataSource, EntityManager } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openOrderDatabase, orderIds } from '../support/order-database.js';
import { waitFor } from '../support/wait-for.js';
import { Clients, uniqueName } from './support/clients.js';

const { COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOWN } = LocalTransactionState;
const silent = { log() {}, warn() {}, error() {} };

let cluster: RunningCluster;
let clients: Clients;
let folder: string;
let database: DataSource;
const modules: TestingModule[] = [];

beforeAll(async () => {
  cluster = await startCluster({
    broker: { transactionTimeOut: 100, transactionCheckInterval: 50, transactionCheckMax: 1_000 },
  });
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  clients = new Clients(cluster.namesrvAddr);
  folder = mkdtempSync(join(tmpdir(), 'rocknest-nest-transactions-'));
  database = await openOrderDatabase(join(folder, 'orders.db'));
});
afterEach(async () => {
  await Promise.all(modules.splice(0).map((module) => module.close()));
  await clients.shutdown();
  if (database.isInitialized) await database.destroy();
  rmSync(folder, { recursive: true, force: true });
});

async function start(
  group: string,
  transactions?: TransactionOptions,
  providers: Provider[] = [],
): Promise<RocketMQProducer> {
  const module = await Test.createTestingModule({
    imports: [
      RocketMQModule.forRoot({
        namesrvAddr: cluster.namesrvAddr,
        instanceName: uniqueName('i'),
        producer: { group, transactions },
      }),
    ],
    providers,
  })
    .setLogger(silent)
    .compile();
  await module.init();
  modules.push(module);
  return module.get(getProducerToken());
}

const insert =
  (id: number) =>
  async (manager: EntityManager): Promise<number> => {
    await manager.insert('Order', { id });
    return id;
  };

describe('inTransaction', () => {
  it('sends exactly what the database commits, many at a time', async () => {
    const topic = uniqueName('topic');
    const producer = await start(uniqueName('group'), { dataSource: database });
    const { received } = await clients.consumer(topic);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, id) =>
        producer.inTransaction({ topic, body: { id } }, async (manager: EntityManager) => {
          await insert(id)(manager);
          if (id % 4 === 3) throw new Error(`no order ${id}`);
          return id;
        }),
      ),
    );
    const committed = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(committed).toEqual(Array.from({ length: 40 }, (_, id) => id).filter((id) => id % 4 !== 3));
    expect(outcomes[3]).toMatchObject({ status: 'rejected', reason: new Error('no order 3') });
    expect(await orderIds(database.manager)).toEqual(committed);
    await waitFor(() => received.length === committed.length, 'the messages');
    const ids = received.map(({ text }) => (JSON.parse(text) as { id: number }).id);
    expect(ids.sort((a, b) => a - b)).toEqual(committed);
  });

  it('is settled by another instance when its producer is gone, whether the database had committed or not', async () => {
    const topic = uniqueName('topic');
    const group = uniqueName('group');
    const { received } = await clients.consumer(topic);
    // What is left behind by a producer that dies right after the commit, and by one that dies before.
    const rows: string[] = [];
    const gone = await clients.producer({
      group,
      transactionListener: {
        executeLocalTransaction: async ({ msgId, body }) => {
          rows.push(msgId);
          if (body === '1') {
            await database.transaction(async (manager) => {
              await insert(1)(manager);
              await manager.insert('RocknestTransaction', { id: msgId, outcome: 'COMMITTED', createdAt: Date.now() });
            });
          }
          return UNKNOWN;
        },
        checkLocalTransaction: () => UNKNOWN,
      },
    });
    for (const body of ['1', '2']) {
      await gone.sendMessageInTransaction({ topic, body, properties: { rocknestTransaction: 'database' } });
    }
    await gone.shutdown();
    await start(group, { dataSource: database, maxTransactionMs: 300 });
    await waitFor(() => received.length === 1, 'the message of the committed transaction');
    await waitFor(
      () => database.manager.findOneBy('RocknestTransaction', { id: rows[1], outcome: 'ROLLED_BACK' }),
      'the mark of the other one',
    );
    expect(received.map(({ text }) => text)).toEqual(['1']);
    expect(await orderIds(database.manager)).toEqual([1]);
  });

  it('cannot commit any more once another instance has given it up', async () => {
    const topic = uniqueName('topic');
    const { received } = await clients.consumer(topic);
    // The row of the check is there first: the insert of the outcome fails, and with it the whole transaction.
    const taken = await start(uniqueName('group'), {
      dataSource: {
        options: database.options,
        manager: database.manager,
        transaction: (run) =>
          database.transaction(async (manager) => {
            const blocked: Pick<EntityManager, 'insert'> = {
              insert: async (entity, row) => {
                if (entity === 'RocknestTransaction') await manager.insert(entity, row);
                return manager.insert(entity, row);
              },
            };
            return run(blocked);
          }),
      },
    });
    await expect(taken.inTransaction({ topic, body: 'late' }, insert(8))).rejects.toMatchObject({
      code: 'CLIENT_TRANSACTION',
    });
    expect(await orderIds(database.manager)).toEqual([]);
    expect(received).toEqual([]);
  });

  it('needs a database, and a half message that is taken before anything is done', async () => {
    const none = await start(uniqueName('group'));
    await expect(none.inTransaction({ topic: 't', body: 1 }, async () => 1)).rejects.toMatchObject({
      code: 'CLIENT_TRANSACTION',
    });
    await expect(none.sendMessageInTransaction({ topic: 't', body: 1 })).rejects.toThrow('@TransactionListener()');
    const producer = await start(uniqueName('group'), { dataSource: database });
    let begun = false;
    const work = async (): Promise<void> => void (begun = true);
    await expect(producer.inTransaction({ topic: 'a topic', body: 1 }, work)).rejects.toMatchObject({
      code: 'MESSAGE_ILLEGAL',
    });
    expect(begun).toBe(false);
  });

  it('deletes outcomes that nobody asks for any more', async () => {
    const old = Array.from({ length: 1_200 }, (_, i) => ({
      id: `OLD${i}`,
      outcome: 'COMMITTED',
      createdAt: 1_000 + i,
    }));
    for (let i = 0; i < old.length; i += 300)
      await database.manager.insert('RocknestTransaction', old.slice(i, i + 300));
    const producer = await start(uniqueName('group'), { dataSource: database });
    await producer.inTransaction({ topic: uniqueName('topic'), body: 1 }, insert(1));
    await waitFor(async () => (await database.manager.count('RocknestTransaction')) === 1, 'the clean-up');
  });
});

@Injectable()
@TransactionListener()
class Payments implements RocketMQTransactionListener {
  readonly checked: string[] = [];
  executeLocalTransaction(_message: TransactionMessage, arg: unknown): LocalTransactionState {
    return arg as LocalTransactionState;
  }
  checkLocalTransaction(message: MessageExt): LocalTransactionState {
    this.checked.push(message.body.toString());
    return message.body.toString().startsWith('yes') ? COMMIT_MESSAGE : ROLLBACK_MESSAGE;
  }
}

describe('@TransactionListener()', () => {
  it('runs the local part and answers the checks', async () => {
    const topic = uniqueName('topic');
    const { received } = await clients.consumer(topic);
    const producer = await start(uniqueName('group'), undefined, [Payments]);
    await producer.sendMessageInTransaction({ topic, body: 'yes at once' }, COMMIT_MESSAGE);
    await producer.sendMessageInTransaction({ topic, body: 'no at once' }, ROLLBACK_MESSAGE);
    await producer.sendMessageInTransaction({ topic, body: 'yes when asked' }, UNKNOWN);
    await producer.sendMessageInTransaction({ topic, body: 'no when asked' }, UNKNOWN);
    const payments = modules[0].get(Payments);
    await waitFor(() => received.length === 2 && payments.checked.length >= 2, 'messages and checks');
    expect(received.map(({ text }) => text).sort()).toEqual(['yes at once', 'yes when asked']);
  });

  it('names a producer that must be there, and is the only one of it', async () => {
    @Injectable()
    @TransactionListener('audit')
    class Lost extends Payments {}
    @Injectable()
    @TransactionListener()
    class Second extends Payments {}
    await expect(start(uniqueName('group'), undefined, [Lost])).rejects.toThrow(
      "@TransactionListener('audit') of Lost",
    );
    await expect(start(uniqueName('group'), undefined, [Payments, Second])).rejects.toThrow(
      'two transaction listeners',
    );
  });
});
