import { Controller, Module, type INestApplicationContext, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  ConcurrentConsumer,
  getProducerToken,
  RocketMQContext,
  RocketMQModule,
  RocketMQServer,
  type RocketMQProducer,
} from '@rocknest/client';
import type { Ledger } from './ledger.js';

export interface NestConsumerOptions {
  namesrvAddr: string;
  topic: string;
  group: string;
  ledger: Ledger;
  /** Called before a message counts as handled; a throw makes it come again. */
  beforeHandling?: (context: RocketMQContext) => void;
}

/** A Nest microservice with one handler, as a user writes it. */
export async function startNestConsumer(options: NestConsumerOptions): Promise<INestMicroservice> {
  @Controller()
  class InteropController {
    @ConcurrentConsumer({
      topic: options.topic,
      group: options.group,
      deserializer: 'bytes',
      consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    })
    handle(@Payload() body: Buffer, @Ctx() context: RocketMQContext): void {
      options.beforeHandling?.(context);
      options.ledger.add({ body, flag: context.getMessage().flag, properties: context.getProperties() });
    }
  }

  @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr: options.namesrvAddr })], controllers: [InteropController] })
  class InteropModule {}

  const app = await NestFactory.createMicroservice(InteropModule, {
    strategy: new RocketMQServer(),
    logger: ['error', 'warn'],
  });
  await app.listen();
  return app;
}

export interface NestProducer {
  producer: RocketMQProducer;
  close(): Promise<void>;
}

/** A Nest application context with a producer that sends bytes as they are, without a mark in the properties. */
export async function startNestProducer(namesrvAddr: string): Promise<NestProducer> {
  @Module({
    imports: [
      RocketMQModule.forRoot({
        namesrvAddr,
        producer: { group: 'PID_nest', serializer: { serialize: (payload) => ({ body: payload as Buffer }) } },
      }),
    ],
  })
  class ProducerModule {}

  const app: INestApplicationContext = await NestFactory.createApplicationContext(ProducerModule, {
    logger: ['error', 'warn'],
  });
  return { producer: app.get<RocketMQProducer>(getProducerToken()), close: () => app.close() };
}
