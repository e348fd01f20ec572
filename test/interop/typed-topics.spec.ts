import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import {
  ConcurrentConsumer,
  defineTopic,
  getProducerToken,
  PayloadValidationError,
  RocketMQModule,
  type RocketMQProducer,
  RocketMQServer,
} from '@rocknest/client';
import { MQAdmin } from '@rocknest/client-core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startRocknestCluster } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { JavaClient } from './support/java-client.js';
import { Lab } from './support/lab.js';
import { startOfficialCluster } from './support/official-cluster.js';
import { requireToolchain } from './support/toolchain.js';

interface Order {
  id: number;
  amount: number;
}
const Orders = defineTopic<Order>('typed-orders', z.object({ id: z.number().int(), amount: z.number().positive() }));
const GROUP = 'GID_typed_orders';
const DEAD = `%DLQ%${GROUP}`;
const WAIT_MS = 60_000;

const handled: Order[] = [];

@Controller()
class Billing {
  @ConcurrentConsumer({ topic: Orders, group: GROUP, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
  bill(@Payload() order: Order): void {
    handled.push(order);
  }
}

describe.each([
  { bus: 'our broker', start: () => startRocknestCluster() },
  { bus: 'the official broker 5.4.0', start: () => startOfficialCluster() },
])('typed topics of Nest on $bus (item 7: typed topics)', ({ start }) => {
  it('make JSON for Java consumers, and dead letters of what a Java producer sends beside the schema, which a Java consumer sees with the reason', async () => {
    requireToolchain();
    handled.length = 0;
    const cluster = await start();
    const { namesrvAddr } = cluster;
    const java = new JavaClient('5.4.0', namesrvAddr);
    let lab: Lab | undefined;
    const admin = new MQAdmin({ namesrvAddr });
    await admin.start();
    await admin.createTopic(Orders.name, { readQueueNums: 4, writeQueueNums: 4 });
    // The broker makes it with the first dead letter; a consumer that waits for its route would take half a minute to see it.
    await admin.createTopic(DEAD, { readQueueNums: 1, writeQueueNums: 1 });
    await admin.shutdown();

    @Module({
      imports: [RocketMQModule.forRoot({ namesrvAddr, producer: { group: 'PID_typed', sendMsgTimeoutMs: 30_000 } })],
      controllers: [Billing],
    })
    class AppModule {}
    const app = await NestFactory.createMicroservice(AppModule, { strategy: new RocketMQServer(), logger: false });
    try {
      await app.listen();
      lab = await Lab.start('5.4.0', namesrvAddr);
      await lab.ask('push.start', { name: 'orders', topic: Orders.name, group: 'GID_java_orders' });
      const producer = app.get<RocketMQProducer>(getProducerToken());
      await producer.send({ topic: Orders, body: { id: 1, amount: 10 } });
      const refused = producer.send({ topic: Orders, body: { id: 2, amount: 0 } });
      await expect(refused).rejects.toBeInstanceOf(PayloadValidationError);
      const bodies = ['{"id":3,"amount":30}', '{"id":4,"amount":"much"}', 'no-json'];
      const letters = java.start('dead-letters', {
        'send-to': Orders.name,
        bodies: bodies.join(';'),
        topic: DEAD,
        group: 'GID_typed_dead',
      });
      const dead = () => letters.events.filter(({ event }) => event === 'dead');
      await waitFor(() => handled.length >= 2 && dead().length >= 2, 'orders and dead letters', WAIT_MS);
      await letters.finish();
      expect(handled.map(({ id }) => id).sort()).toEqual([1, 3]);
      const reasonOf = (text: string): unknown => ({
        body: text,
        keys: text,
        properties: expect.objectContaining({
          TAGS: 'java',
          rocknestFailureName: 'PayloadValidationError',
          rocknestFailureMessage: expect.stringContaining('of topic "typed-orders": ') as string,
        }) as unknown,
      });
      expect(dead().map(({ body, keys, properties }) => ({ body, keys, properties }))).toEqual(
        expect.arrayContaining(bodies.slice(1).map(reasonOf)),
      );
      expect(dead()).toHaveLength(2);
      // What our producer made of an order is JSON for a Java consumer, and what it refused was never sent.
      await lab.waitForBodies('orders', 1 + bodies.length);
      const received = lab.begun('orders').map(({ body }) => body);
      expect(received.sort()).toEqual(['{"id":1,"amount":10}', ...bodies].sort());
    } finally {
      await app.close();
      await lab?.stop();
      await java.stop();
      await cluster.stop();
    }
  });
});
