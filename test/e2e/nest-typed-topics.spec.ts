import { Controller, type INestMicroservice } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import {
  ConcurrentConsumer,
  defineTopic,
  FailureProperty,
  getProducerToken,
  PayloadValidationError,
  RocketMQModule,
  type RocketMQProducer,
  RocketMQServer,
} from '@rocknest/client';
import { type RunningCluster, startCluster } from '@rocknest/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, describe, it } from 'vitest';
import { z } from 'zod';
import { waitFor } from '../support/wait-for.js';
import { Clients, uniqueName } from './support/clients.js';

interface Order {
  id: number;
  amount: number;
}
const schema = z.object({ id: z.number().int(), amount: z.number().positive() });

let cluster: RunningCluster;
let clients: Clients;
let app: INestMicroservice | undefined;

beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(() => {
  clients = new Clients(cluster.namesrvAddr);
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await clients.shutdown();
});

describe('typed topics (item 7)', () => {
  it('bring what fits to the handler, refuse the rest at the producer, and dead-letter what others send, with the reason', async () => {
    const Orders = defineTopic<Order>(uniqueName('orders'), schema);
    const group = uniqueName('group');
    const handled: Order[] = [];
    @Controller()
    class Billing {
      @ConcurrentConsumer({ topic: Orders, group, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      bill(@Payload() order: Order): void {
        handled.push(order);
      }
    }
    const module = await Test.createTestingModule({
      imports: [RocketMQModule.forRoot({ namesrvAddr: cluster.namesrvAddr, pollMissingRouteIntervalMs: 50 })],
      controllers: [Billing],
    })
      .setLogger({ log() {}, warn() {}, error() {} })
      .compile();
    app = module.createNestMicroservice({ strategy: new RocketMQServer() });
    await app.listen();

    const producer = app.get<RocketMQProducer>(getProducerToken());
    await producer.send({ topic: Orders, body: { id: 1, amount: 10 } });
    const wrong = producer.send({ topic: Orders, body: { id: 2, amount: -10 } });
    await expect(wrong).rejects.toBeInstanceOf(PayloadValidationError);
    // Somebody else sends what they like.
    const other = await clients.producer();
    for (const body of ['{"id":3,"amount":"ten"}', 'no order', '{"id":4,"amount":4}']) {
      await other.send({ topic: Orders.name, body, keys: 'k' });
    }
    const { received: dead } = await clients.consumer(`%DLQ%${group}`);
    await waitFor(() => handled.length === 2 && dead.length === 2, 'two orders and two dead letters');
    expect(handled.map(({ id }) => id).sort()).toEqual([1, 4]);
    const reasons = dead.map(({ text, message: { properties } }) => [
      text,
      properties[FailureProperty.NAME],
      properties[FailureProperty.MESSAGE],
      properties.KEYS,
    ]);
    expect(reasons.sort()).toEqual([
      ['no order', 'PayloadValidationError', expect.stringContaining('expected object'), 'k'],
      ['{"id":3,"amount":"ten"}', 'PayloadValidationError', expect.stringContaining('amount: '), 'k'],
    ]);
  });
});
