import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import {
  getProducerToken,
  OrderlyConsumer,
  RocketMQModule,
  RocketMQServer,
  selectMessageQueueByHash,
  type RocketMQProducer,
} from '@rocknest/client';
import type { Pattern } from '../pattern.js';

interface OrderEvent {
  readonly run: string;
  readonly order: string;
  readonly step: number;
}

const TOPIC = 'pattern-queue-selectors';
const ORDERS = ['A-1', 'B-2', 'C-3'];
const STEPS = 5;
const seen: OrderEvent[] = [];

@Controller()
class OrderController {
  @OrderlyConsumer({ topic: TOPIC, group: 'pattern-queue-selectors' })
  onEvent(@Payload() event: OrderEvent): void {
    seen.push(event);
  }
}

const pattern: Pattern = {
  about: 'all events of an order in one queue, by the hash that Java producers use too',
  async run({ namesrvAddr, runId, say, until }) {
    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [OrderController] })
    class AppModule {}

    const app = await NestFactory.createMicroservice(AppModule, {
      strategy: new RocketMQServer(),
      abortOnError: false,
      logger: ['error'],
    });
    await app.listen();
    const producer = app.get<RocketMQProducer>(getProducerToken());
    const queues = new Map<string, Set<number>>(ORDERS.map((order) => [order, new Set()]));
    for (let step = 0; step < STEPS; step++) {
      for (const order of ORDERS) {
        const body: OrderEvent = { run: runId, order, step };
        const { messageQueue } = await producer.send(
          { topic: TOPIC, body },
          { selector: selectMessageQueueByHash, selectorArg: order },
        );
        queues.get(order)?.add(messageQueue.queueId);
      }
    }
    const ours = (): OrderEvent[] => seen.filter(({ run }) => run === runId);
    await until('every event', () => ours().length >= ORDERS.length * STEPS);
    await app.close();
    for (const order of ORDERS) {
      const steps = ours().filter((event) => event.order === order);
      say(
        `${order}: queue ${[...(queues.get(order) ?? [])].join(' and ')}, steps ${steps.map(({ step }) => step).join(' ')}`,
      );
      if (queues.get(order)?.size !== 1) throw new Error(`${order} went to several queues`);
      if (steps.some(({ step }, index) => step !== index)) throw new Error(`${order} came in another order`);
    }
  },
};

export default pattern;
