/** The handling process for Nest's transports of RabbitMQ and Kafka. */
import 'reflect-metadata';
import { Controller, type INestMicroservice, Logger, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload, RmqContext } from '@nestjs/microservices';
import type { BenchEvent } from '../nest/events.js';
import { Tally } from '../nest/tally.js';
import { serveCalls } from '../support/bench-process.js';
import { type PeerSettings, serverOptions } from './peer-options.js';

let tally: Tally | undefined;

function controllerOf({ kind, topic }: PeerSettings): Type {
  if (kind === 'rabbitmq') {
    @Controller()
    class RabbitmqHandler {
      @EventPattern<string>(topic)
      async handle(@Payload() event: BenchEvent, @Ctx() context: RmqContext): Promise<void> {
        tally?.take(event);
        const channel = context.getChannelRef() as { ack(message: unknown): void };
        channel.ack(context.getMessage());
      }
    }
    return RabbitmqHandler;
  }
  @Controller()
  class KafkaHandler {
    @EventPattern<string>(topic)
    async handle(@Payload() event: BenchEvent): Promise<void> {
      tally?.take(event);
    }
  }
  return KafkaHandler;
}

let app: INestMicroservice;

async function open(settings: PeerSettings): Promise<void> {
  app = await NestFactory.createMicroservice(
    { module: class ConsumerApplication {}, controllers: [controllerOf(settings)] },
    { ...serverOptions(settings) },
  );
  await app.listen();
}

/** From now on the events of one load are counted. */
function expectEvents(count: number): void {
  tally = new Tally(count);
}

// kafkajs reports each election of a leader while topics are made.
Logger.overrideLogger(['fatal']);
serveCalls({ open, expectEvents, handled: () => tally!.result(), close: () => app.close() });
