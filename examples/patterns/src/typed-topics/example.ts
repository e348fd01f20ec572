import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, defineTopic, PayloadValidationError } from '@rocknest/client';
import { Producer, PushConsumer } from '@rocknest/client-core';
import { z } from 'zod';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

const GROUP = 'pattern-typed-topics';

interface Order {
  run: string;
  id: number;
  amount: number;
}

/** Shared by producers and consumers. Any Standard Schema library will do: Zod, Valibot, ArkType, ... */
const Orders = defineTopic<Order>(
  'pattern-typed-topics',
  z.object({ run: z.string(), id: z.number().int(), amount: z.number().positive() }),
);

const billed: Order[] = [];

@Controller()
class BillingController {
  @ConcurrentConsumer({ topic: Orders, group: GROUP, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
  bill(@Payload() order: Order): void {
    billed.push(order);
  }
}

/** Reads what the group could not take. */
async function watchDeadLetters(
  namesrvAddr: string,
  seen: (body: string, reason: string) => void,
): Promise<PushConsumer> {
  const consumer = new PushConsumer({
    namesrvAddr,
    group: `${GROUP}-dead`,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    pollMissingRouteIntervalMs: 100,
  });
  consumer.subscribe(`%DLQ%${GROUP}`);
  consumer.registerMessageListener((messages) => {
    for (const { body, properties } of messages) seen(body.toString(), properties['rocknestFailureMessage'] ?? '');
    return 'CONSUME_SUCCESS';
  });
  await consumer.start();
  return consumer;
}

const pattern: Pattern = {
  about: 'a topic with a schema: what does not fit is an error at the producer and a dead letter at the consumer',
  async run({ namesrvAddr, runId, say, until }) {
    const { app, producer } = await startExampleApp(namesrvAddr, [BillingController]);
    const dead: string[] = [];
    const graveyard = await watchDeadLetters(namesrvAddr, (body, reason) => {
      if (body.includes(runId)) dead.push(reason);
    });

    await producer.send({ topic: Orders, body: { run: runId, id: 1, amount: 25 } });
    try {
      await producer.send({ topic: Orders, body: { run: runId, id: 2.5, amount: -1 } });
      throw new Error('the wrong order was sent');
    } catch (error) {
      if (!(error instanceof PayloadValidationError)) throw error;
      say(`the producer refuses: ${error.issues.map(({ path, message }) => `${path}: ${message}`).join('; ')}`);
    }

    // A program that knows nothing of the schema.
    const stranger = new Producer({ namesrvAddr, group: 'pattern-typed-topics-stranger' });
    await stranger.start();
    await stranger.send({ topic: Orders.name, body: JSON.stringify({ run: runId, id: 3, amount: 'much' }) });
    await stranger.shutdown();

    const own = (): Order[] => billed.filter(({ run }) => run === runId);
    await until('an order billed and a dead letter', () => own().length === 1 && dead.length === 1);
    say(`billed: order ${own()[0]?.id}; dead letter: ${dead[0]}`);
    await graveyard.shutdown();
    await app.close();
  },
};

export default pattern;
