import { createRequire } from 'node:module';
import { createTransactionOutcomeTable, transactionOutcomeSchema } from '@rocknest/client';
import { DataSource, EntitySchema, type EntityManager } from 'typeorm';

/** What an application of the tests keeps in its database. */
export interface Order {
  id: number;
}

export const orderSchema = new EntitySchema<Order>({
  name: 'Order',
  tableName: 'orders',
  columns: { id: { type: 'integer', primary: true } },
});

/** An application's database in a SQLite file, with the table of outcomes. */
export async function openOrderDatabase(file: string): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'better-sqlite3',
    driver: createRequire(import.meta.url)('libsql') as unknown,
    database: file,
    enableWAL: true,
    timeout: 10_000,
    entities: [orderSchema, new EntitySchema(transactionOutcomeSchema)],
  });
  await dataSource.initialize();
  const tables: unknown[] = await dataSource.query(`SELECT name FROM sqlite_master WHERE name = 'orders'`);
  if (tables.length === 0) {
    await dataSource.query('CREATE TABLE orders (id integer PRIMARY KEY)');
    await createTransactionOutcomeTable(dataSource);
  }
  return dataSource;
}

export async function orderIds(manager: EntityManager): Promise<number[]> {
  const orders = await manager.find(orderSchema, { order: { id: 'ASC' } });
  return orders.map(({ id }) => id);
}
