import { Controller, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RocketMQModule, RocketMQServer } from '@rocknest/client';
import { PushConsumer, silentLogger } from '@rocknest/client-core';
import type { Lab } from './lab.js';

/** A group with one member that keeps what it got. */
export interface Reader {
  readonly group: string;
  /** Each delivery, so also what came twice. */
  bodies(): readonly string[];
  /** Until `resume` nothing is pulled. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** They learn within a second that a broker went or came, and commit as often. */
const CLIENT = {
  pollNameServerIntervalMs: 1_000,
  persistConsumerOffsetIntervalMs: 1_000,
  logger: silentLogger,
} as const;

/** The official client. */
export async function javaReader(lab: Lab, topic: string): Promise<Reader> {
  const name = 'reader';
  const group = lab.name('GID_slave_java');
  await lab.ask('push.start', { name, group, topic });
  return {
    group,
    bodies: () => lab.begun(name).map(({ body }) => body),
    pause: () => lab.ask('push.suspend', { name }),
    resume: () => lab.ask('push.resume', { name }),
    close: () => lab.ask('push.shutdown', { name }),
  };
}

/** Our push consumer. */
export async function ourReader(namesrvAddr: string, topic: string): Promise<Reader> {
  const group = 'GID_slave_ours';
  const bodies: string[] = [];
  const consumer = new PushConsumer({
    namesrvAddr,
    group,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    ...CLIENT,
  });
  consumer.subscribe(topic);
  consumer.registerMessageListener((messages) => {
    for (const { body } of messages) bodies.push(body.toString());
    return 'CONSUME_SUCCESS';
  });
  await consumer.start();
  return {
    group,
    bodies: () => bodies,
    pause: async () => consumer.suspend(),
    resume: async () => consumer.resume(),
    close: () => consumer.shutdown(),
  };
}

/** A handler of a Nest microservice. */
export async function nestReader(namesrvAddr: string, topic: string): Promise<Reader> {
  const group = 'GID_slave_nest';
  const bodies: string[] = [];

  @Controller()
  class ReaderController {
    @ConcurrentConsumer({ topic, group, deserializer: 'bytes', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
    handle(@Payload() body: Buffer): void {
      bodies.push(body.toString());
    }
  }

  @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr, ...CLIENT })], controllers: [ReaderController] })
  class ReaderModule {}

  const server = new RocketMQServer({ shutdownSignals: [] });
  const app: INestApplicationContext & { listen(): Promise<unknown> } = await NestFactory.createMicroservice(
    ReaderModule,
    { strategy: server, logger: false, abortOnError: false },
  );
  await app.listen();
  return {
    group,
    bodies: () => bodies,
    pause: async () => server.pause(),
    resume: async () => server.resume(),
    close: () => app.close(),
  };
}
