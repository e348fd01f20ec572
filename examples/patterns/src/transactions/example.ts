import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  ConcurrentConsumer,
  createTransactionOutcomeTable,
  InjectProducer,
  RocketMQModule,
  RocketMQServer,
  transactionOutcomeSchema,
  type RocketMQProducer,
} from '@rocknest/client';
import { Column, DataSource, Entity, type EntityManager, EntitySchema, PrimaryColumn } from 'typeorm';
import type { Pattern } from '../pattern.js';

const TOPIC = 'pattern-transactions';
const ORDERS = 12;
/** The shop is out of every fourth product. */
const SOLD_OUT = 4;

@Entity('orders')
class Order {
  @PrimaryColumn('integer')
  id!: number;

  @Column('varchar')
  run!: string;
}

class SoldOut extends Error {}

/** The orders that the warehouse was told of. */
const shipped: Order[] = [];

@Controller()
class WarehouseController {
  @ConcurrentConsumer({ topic: TOPIC, group: 'pattern-transactions', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
  ship(@Payload() order: Order): void {
    shipped.push(order);
  }
}

@Injectable()
class OrderService {
  constructor(@InjectProducer() private readonly producer: RocketMQProducer) {}

  /** The order is stored and announced, or neither. */
  async place(order: Order): Promise<void> {
    await this.producer.inTransaction(
      { topic: TOPIC, body: order, keys: [`order-${order.id}`] },
      async (manager: EntityManager) => {
        await manager.insert(Order, order);
        // Stands for whatever can go wrong behind the insert: the order is rolled back with it, and the warehouse never hears of it.
        if (order.id % SOLD_OUT === 0) throw new SoldOut(`product of order ${order.id}`);
      },
    );
  }
}

function appModule(namesrvAddr: string, database: string): new () => object {
  @Module({
    imports: [
      TypeOrmModule.forRoot({
        type: 'better-sqlite3',
        driver: createRequire(import.meta.url)('libsql') as unknown,
        database,
        // The outcome of each transaction is kept beside your own tables.
        entities: [Order, new EntitySchema(transactionOutcomeSchema)],
      }),
      RocketMQModule.forRootAsync({
        inject: [DataSource],
        useFactory: (dataSource: DataSource) => ({
          namesrvAddr,
          producer: { group: 'pattern-transactions-shop', transactions: { dataSource } },
        }),
      }),
    ],
    controllers: [WarehouseController],
    providers: [OrderService],
  })
  class AppModule {}
  return AppModule;
}

const pattern: Pattern = {
  about: 'orders that are stored in a database and announced to the warehouse, or neither',
  async run({ namesrvAddr, runId, say, until }) {
    const folder = mkdtempSync(join(tmpdir(), 'pattern-transactions-'));
    const app = await NestFactory.createMicroservice(appModule(namesrvAddr, join(folder, 'orders.db')), {
      strategy: new RocketMQServer(),
      abortOnError: false,
      logger: ['error'],
    });
    try {
      const database = app.get(DataSource);
      // In your application: a migration.
      await database.query('CREATE TABLE orders (id integer PRIMARY KEY, run varchar NOT NULL)');
      await createTransactionOutcomeTable(database);
      await app.listen();

      const orders = app.get(OrderService);
      const refused: string[] = [];
      for (let id = 1; id <= ORDERS; id++) {
        await orders.place({ id, run: runId }).catch((error: unknown) => {
          if (!(error instanceof SoldOut)) throw error;
          refused.push(error.message);
        });
      }
      const stored = await database.manager.find(Order, { order: { id: 'ASC' } });
      const told = (): number[] => shipped.filter(({ run }) => run === runId).map(({ id }) => id);
      await until('the warehouse told of all orders', () => told().length >= stored.length);
      say(
        `${stored.length} orders in the database, ${told().length} with the warehouse; rolled back: ${refused.join(', ')}`,
      );
      const ids = told().sort((a, b) => a - b);
      if (ids.join() !== stored.map(({ id }) => id).join()) throw new Error(`the warehouse was told of ${ids.join()}`);
    } finally {
      await app.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

export default pattern;
