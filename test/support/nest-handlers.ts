import { Controller, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { RocketMQContext, RocketMQModule, RocketMQServer, type RocketMQServerOptions } from '@rocknest/client';
import { MQAdmin, Producer } from '@rocknest/client-core';
import { waitFor } from './wait-for.js';

const SEND_TIMEOUT_MS = 30_000;

export interface HandlerBus {
  namesrvAddr: string;
  stop(): Promise<void>;
}

export interface RunningHandlers {
  app: INestApplicationContext;
  server: RocketMQServer;
}

/** Nest applications with handlers, and what sends to them, on one bus. */
export class NestHandlers {
  readonly admin: MQAdmin;
  private readonly producer: Producer;
  private readonly open = new Set<INestApplicationContext>();

  constructor(private readonly bus: HandlerBus) {
    const { namesrvAddr } = bus;
    this.admin = new MQAdmin({ namesrvAddr });
    this.producer = new Producer({ namesrvAddr, group: 'PID_handlers', sendMsgTimeoutMs: SEND_TIMEOUT_MS });
  }

  async start(): Promise<void> {
    await Promise.all([this.admin.start(), this.producer.start()]);
  }

  /** A microservice of its own, or `hybrid`: beside Nest's HTTP application, which listens nowhere. */
  async run(
    controller: Type,
    kind: 'standalone' | 'hybrid' = 'standalone',
    options: RocketMQServerOptions = {},
  ): Promise<RunningHandlers> {
    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr: this.bus.namesrvAddr })], controllers: [controller] })
    class HandlersModule {}
    const server = new RocketMQServer({ shutdownSignals: [], ...options });
    const create = { abortOnError: false, logger: false } as const;
    let app: INestApplicationContext;
    if (kind === 'standalone') {
      const microservice = await NestFactory.createMicroservice(HandlersModule, { strategy: server, ...create });
      await microservice.listen();
      app = microservice;
    } else {
      const hybrid = await NestFactory.create(HandlersModule, create);
      hybrid.connectMicroservice({ strategy: server });
      await hybrid.startAllMicroservices();
      await hybrid.init();
      app = hybrid;
    }
    this.open.add(app);
    return { app, server };
  }

  /** The numbers 0 to `count` - 1 to a topic of `queues` queues. */
  async send(topic: string, count: number, queues = 4, from = 0): Promise<void> {
    if (from === 0) await this.admin.createTopic(topic, { readQueueNums: queues, writeQueueNums: queues });
    const found = await waitFor(async () => {
      const all = await this.producer.fetchPublishMessageQueues(topic).catch(() => []);
      return all.length === queues ? all : undefined;
    }, `the route of ${topic}`);
    const numbers = Array.from({ length: count }, (_, n) => from + n);
    await Promise.all(
      numbers.map((n) =>
        this.producer.send({ topic, body: String(n), keys: `k${n}`, tags: 'T' }, { queue: found[n % queues] }),
      ),
    );
  }

  async stop(): Promise<void> {
    await Promise.all([...this.open].map((app) => app.close()));
    await this.producer.shutdown();
    await this.admin.shutdown();
    await this.bus.stop();
  }
}

/** A controller class with one handler, made of its decorator and a function. */
export function controllerOf<T>(
  decorator: MethodDecorator,
  handle: (payload: T, context: RocketMQContext) => unknown,
): Type {
  class Handlers {
    handle(payload: T, context: RocketMQContext): unknown {
      return handle(payload, context);
    }
  }
  const { prototype } = Handlers;
  Payload()(prototype, 'handle', 0);
  Ctx()(prototype, 'handle', 1);
  decorator(prototype, 'handle', Object.getOwnPropertyDescriptor(prototype, 'handle')!);
  Controller()(Handlers);
  return Handlers;
}
