import { Controller, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import {
  ConcurrentConsumer,
  InjectProducer,
  OrderlyConsumer,
  RocketMQModule,
  RocketMQServer,
  SendToDlq,
  Skip,
  type RocketMQProducer,
} from '@rocknest/client';
import { Producer, silentLogger } from '@rocknest/client-core';
import { startCluster } from '@rocknest/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { controllerOf, NestHandlers } from '../support/nest-handlers.js';
import { idOf, isChildOf, linkedIds, TelemetrySdk } from '../support/telemetry-sdk.js';
import { waitFor } from '../support/wait-for.js';

const FROM_FIRST = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' } as const;

describe('OpenTelemetry through Nest', () => {
  let sdk: TelemetrySdk;
  let handlers: NestHandlers;
  let producer: Producer;
  let namesrvAddr: string;

  const topicOf = async (topic: string): Promise<string> => {
    await handlers.admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
    return topic;
  };

  beforeAll(async () => {
    sdk = new TelemetrySdk();
    const cluster = await startCluster({ broker: { messageDelayLevel: '1s 1s 1s 1s' } });
    ({ namesrvAddr } = cluster);
    handlers = new NestHandlers({ namesrvAddr, stop: () => cluster.stop() });
    await handlers.start();
    producer = new Producer({ namesrvAddr, group: 'PID_spans', openTelemetry: true, logger: silentLogger });
    await producer.start();
  });
  afterEach(() => sdk.reset());
  afterAll(async () => {
    await producer?.shutdown();
    await handlers?.stop();
    sdk.remove();
  });

  it.each([
    ['concurrent', ConcurrentConsumer, {}],
    ['orderly', OrderlyConsumer, {}],
    ['pop', ConcurrentConsumer, { mode: 'pop', retry: { delayLevels: [1] } }],
  ] as const)('a trace goes from who sends to %s handlers, over a failure too', async (how, decorate, options) => {
    const topic = await topicOf(`spans-${how}`);
    let calls = 0;
    const controller = controllerOf(decorate({ topic, group: `g-${topic}`, ...FROM_FIRST, ...options }), async () => {
      calls++;
      await new Promise((resolve) => setImmediate(resolve));
      sdk.mark(`work ${calls}`);
      if (calls === 1) throw new TypeError('not at the first try');
    });
    await handlers.run(controller, 'standalone', { openTelemetry: true });
    await sdk.within('request', () => producer.send({ topic, body: '{}' }));
    const [first, second] = await sdk.all(`process ${topic}`, 2);
    const [request, send] = [await sdk.the('request'), await sdk.the(`send ${topic}`)];
    expect([send, first, second].map((span, index) => isChildOf(span, index === 0 ? request : send))).toEqual([
      true,
      true,
      true,
    ]);
    const told = [first, second].map(({ attributes, status }) => [attributes['error.type'], status]);
    expect(told).toEqual([
      ['TypeError', { code: 2, message: 'not at the first try' }],
      [undefined, { code: 0 }],
    ]);
    expect(first.events.map(({ name }) => name)).toEqual(['exception']);
    expect([first, second].map(({ attributes }) => attributes['rocknest.message.delivery_count'])).toEqual([1, 2]);
    const works = [await sdk.the('work 1'), await sdk.the('work 2')];
    expect([isChildOf(works[0], first), isChildOf(works[1], second)]).toEqual([true, true]);
  });

  it('a batch has links to its senders, and says how many of its messages failed', async () => {
    const topic = await topicOf('spans-batch');
    const batch = { maxMessages: 8 };
    const controller = controllerOf<unknown[]>(
      ConcurrentConsumer({ topic, group: `g-${topic}`, batch, ...FROM_FIRST }),
      (payloads) => Promise.allSettled(payloads.map((n) => (n === 2 ? Promise.reject(new RangeError('two')) : n))),
    );
    // All of them are there before the consumer is.
    for (const n of [1, 2, 3]) await producer.send({ topic, body: String(n) });
    await handlers.run(controller, 'standalone', { openTelemetry: true });
    const [process] = await sdk.all(`process ${topic}`, 1);
    expect(process.attributes).toMatchObject({ 'messaging.batch.message_count': 3, 'rocknest.batch.failed_count': 1 });
    expect([process.status.code, process.attributes['error.type']]).toEqual([2, 'RangeError']);
    expect(linkedIds(process)).toEqual(sdk.named(`send ${topic}`).map(idOf));
    expect(process.parentSpanContext).toBeUndefined();
  });

  it('a dead letter ends as an error, and what was skipped does not', async () => {
    const topic = await topicOf('spans-dead');
    const controller = controllerOf<string>(
      ConcurrentConsumer({ topic, group: `g-${topic}`, ...FROM_FIRST }),
      (kind) => {
        throw kind === 'skip' ? new Skip('not mine') : new SendToDlq('no use');
      },
    );
    await handlers.run(controller, 'standalone', { openTelemetry: true });
    for (const kind of ['skip', 'dead']) {
      await producer.send({ topic, body: JSON.stringify(kind) });
      await sdk.all(`process ${topic}`, kind === 'skip' ? 1 : 2);
    }
    expect(
      sdk.named(`process ${topic}`).map(({ status, attributes }) => [status.code, attributes['error.type']]),
    ).toEqual([
      [0, undefined],
      [2, 'SendToDlq'],
    ]);
  });

  it('what a handler sends is part of its trace, by options of the module alone', async () => {
    const [topic, next] = [await topicOf('spans-orders'), await topicOf('spans-invoices')];
    @Controller()
    class OrderController {
      constructor(@InjectProducer() private readonly own: RocketMQProducer) {}

      @ConcurrentConsumer({ topic, group: `g-${topic}`, ...FROM_FIRST })
      async onOrder(@Payload() order: string): Promise<void> {
        await this.own.send({ topic: next, body: order });
      }

      @ConcurrentConsumer({ topic: next, group: `g-${next}`, ...FROM_FIRST })
      onInvoice(): void {
        sdk.mark('print');
      }
    }
    @Module({
      imports: [RocketMQModule.forRoot({ namesrvAddr, openTelemetry: true, producer: {} })],
      controllers: [OrderController],
    })
    class AppModule {}
    const server = new RocketMQServer({ shutdownSignals: [] });
    const app = await NestFactory.createMicroservice(AppModule, {
      strategy: server,
      abortOnError: false,
      logger: false,
    });
    await app.listen();
    await sdk.within('request', () => producer.send({ topic, body: '"a"' }));
    const names = [`send ${topic}`, `process ${topic}`, `send ${next}`, `process ${next}`, 'print'];
    let parent = await sdk.the('request');
    for (const name of names) {
      const span = await sdk.the(name);
      expect([name, isChildOf(span, parent)]).toEqual([name, true]);
      parent = span;
    }
    await (app as INestApplicationContext).close();
  });

  it('nothing is changed where it is not asked for', async () => {
    const plain = new Producer({ namesrvAddr, group: 'PID_plain', logger: silentLogger });
    await plain.start();
    const topic = await topicOf('spans-none');
    let handled = 0;
    await handlers.run(
      controllerOf(ConcurrentConsumer({ topic, group: `g-${topic}`, ...FROM_FIRST }), () => void handled++),
    );
    const { msgId } = await sdk.within('request', () => plain.send({ topic, body: '{}' }));
    const { properties } = await waitFor(() => plain.viewMessage(topic, msgId).catch(() => undefined), 'the message');
    await waitFor(() => handled === 1, 'the handler');
    expect(properties['traceparent']).toBeUndefined();
    expect(sdk.ended.map(({ name }) => name).filter((name) => name.includes(topic))).toEqual([]);
    await plain.shutdown();
  });
});
