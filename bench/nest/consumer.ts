/** The handling process of the benchmarks through Nest: a Nest microservice with one handler. */
import 'reflect-metadata';
import { Controller, type INestMicroservice, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, OrderlyConsumer, RocketMQModule, RocketMQServer } from '@rocknest/client';
import { serveCalls } from '../support/bench-process.js';
import type { BenchEvent } from './events.js';
import { Tally } from './tally.js';

export interface ConsumerSettings {
  namesrvAddr: string;
  topic: string;
  group: string;
  /** How the handler consumes. */
  kind: 'concurrent' | 'orderly' | 'pop';
}

let tally: Tally | undefined;

function controllerOf({ topic, kind }: ConsumerSettings): Type {
  const consumeFromWhere = 'CONSUME_FROM_FIRST_OFFSET';
  if (kind === 'orderly') {
    @Controller()
    class OrderlyHandler {
      @OrderlyConsumer({ topic, consumeFromWhere })
      async handle(@Payload() event: BenchEvent): Promise<void> {
        tally?.take(event);
      }
    }
    return OrderlyHandler;
  }
  @Controller()
  class ConcurrentHandler {
    @ConcurrentConsumer({ topic, consumeFromWhere, mode: kind === 'pop' ? 'pop' : 'pull' })
    async handle(@Payload() event: BenchEvent): Promise<void> {
      tally?.take(event);
    }
  }
  return ConcurrentHandler;
}

let app: INestMicroservice;

async function open(settings: ConsumerSettings): Promise<void> {
  const { namesrvAddr, group } = settings;
  app = await NestFactory.createMicroservice(
    {
      module: class ConsumerApplication {},
      imports: [RocketMQModule.forRoot({ namesrvAddr })],
      controllers: [controllerOf(settings)],
    },
    { strategy: new RocketMQServer({ group }), logger: ['error', 'warn'] },
  );
  await app.listen();
}

/** From now on the events of one load are counted. */
function expectEvents(count: number): void {
  tally = new Tally(count);
}

serveCalls({ open, expectEvents, handled: () => tally!.result(), close: () => app.close() });
