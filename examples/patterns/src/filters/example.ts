import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import {
  ConcurrentConsumer,
  getProducerToken,
  RocketMQModule,
  RocketMQServer,
  type RocketMQProducer,
} from '@rocknest/client';
import type { Pattern } from '../pattern.js';

interface Order {
  readonly run: string;
  readonly region: string;
  readonly amount: number;
}

const TOPIC = 'pattern-filters';
const seen = { large: [] as Order[], paid: [] as Order[] };

@Controller()
class OrderController {
  // The broker evaluates the expression over the properties of each message: others never leave it.
  @ConcurrentConsumer({
    topic: TOPIC,
    group: 'pattern-filters-large',
    sql: "region IN ('eu', 'uk') AND amount >= 1000",
  })
  onLarge(@Payload() order: Order): void {
    seen.large.push(order);
  }

  // Tags: one word for each message, compared by its hash on the broker and by its text here.
  @ConcurrentConsumer({ topic: TOPIC, group: 'pattern-filters-paid', tags: 'paid || refunded' })
  onPaid(@Payload() order: Order): void {
    seen.paid.push(order);
  }
}

const ORDERS = [
  { tags: 'created', region: 'eu', amount: 50 },
  { tags: 'paid', region: 'eu', amount: 2_000 },
  { tags: 'refunded', region: 'us', amount: 5_000 },
  { tags: 'created', region: 'uk', amount: 1_000 },
];

const pattern: Pattern = {
  about: 'handlers that get some messages of a topic: by tags, or by SQL92 over properties',
  async run({ namesrvAddr, runId, say, until }) {
    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [OrderController] })
    class AppModule {}

    const app = await NestFactory.createMicroservice(AppModule, {
      strategy: new RocketMQServer(),
      abortOnError: false,
      logger: ['warn', 'error'],
    });
    await app.listen();
    const producer = app.get<RocketMQProducer>(getProducerToken());
    for (const { tags, region, amount } of ORDERS) {
      const body: Order = { run: runId, region, amount };
      await producer.send({ topic: TOPIC, tags, body, properties: { region, amount: String(amount) } });
    }
    const ours = (orders: Order[]): number[] => orders.filter(({ run }) => run === runId).map(({ amount }) => amount);
    await until('two large orders and two paid ones', () => ours(seen.large).length + ours(seen.paid).length >= 4);
    await app.close();
    const text = (orders: Order[]): string =>
      ours(orders)
        .sort((a, b) => a - b)
        .join(', ');
    say(`large orders of Europe: ${text(seen.large)}; paid or refunded: ${text(seen.paid)}`);
    if (text(seen.large) !== '1000, 2000' || text(seen.paid) !== '2000, 5000') throw new Error('others came');
  },
};

export default pattern;
