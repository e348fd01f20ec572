import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ClientProxy, Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import {
  ConcurrentConsumer,
  getClientToken,
  getLitePullConsumerToken,
  getProducerToken,
  type LitePullConsumer,
  OrderlyConsumer,
  RocketMQContext,
  RocketMQModule,
  type RocketMQProducer,
  RocketMQServer,
} from '@rocknest/client';
import { MQAdmin, wrapNamespace } from '@rocknest/client-core';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uniqueName } from './unique-name.js';
import { waitFor } from './wait-for.js';

const NAMESPACE = 'tenant';
const COUNT = 6;
const WAIT_MS = 50_000;
const NUMBERS = Array.from({ length: COUNT }, (_, n) => n);

export interface NamespaceBus {
  namesrvAddr: string;
  stop(): Promise<void>;
}

/**
 * A Nest application that says its namespace once, on any bus: the same test for Apache RocketMQ's broker and for our own. The delay levels of the bus
 * are to be a second each.
 */
export function describeNestInNamespace(name: string, start: () => Promise<NamespaceBus>): void {
  describe(name, () => {
    const [events, ordered, questions, rows] = ['events', 'ordered', 'questions', 'rows'].map(uniqueName);
    const handled: string[] = [];
    let bus: NamespaceBus;
    let admin: MQAdmin;
    let app: INestMicroservice;

    beforeAll(async () => {
      bus = await start();
      const { namesrvAddr } = bus;
      admin = new MQAdmin({ namesrvAddr, namespace: NAMESPACE });
      await admin.start();
      for (const topic of [events, ordered, questions, rows]) {
        await admin.createTopic(topic, { readQueueNums: 1, writeQueueNums: 1 });
      }
      const note = (context: RocketMQContext, body: string): void => {
        handled.push(`${context.getTopic()} ${body} ${context.getReconsumeTimes()}`);
      };

      @Controller()
      class TenantController {
        @ConcurrentConsumer({ topic: events, group: events, maxReconsumeTimes: 1 })
        onEvent(@Payload() body: string, @Ctx() context: RocketMQContext): void {
          note(context, body);
          if (body === '0') throw new Error('not today');
        }

        @OrderlyConsumer({ topic: ordered, group: ordered })
        onOrdered(@Payload() body: string, @Ctx() context: RocketMQContext): void {
          note(context, body);
        }

        @MessagePattern({ topic: questions, group: questions })
        onQuestion(@Payload() body: string): string {
          return `answer to ${body}`;
        }
      }

      const consumeFromWhere = 'CONSUME_FROM_FIRST_OFFSET';
      @Module({
        imports: [
          RocketMQModule.forRoot({ namesrvAddr, namespace: NAMESPACE, producer: { group: uniqueName('producers') } }),
          RocketMQModule.forFeature({
            litePullConsumers: [{ name: 'rows', group: rows, subscribe: { [rows]: '*' }, consumeFromWhere }],
          }),
        ],
        controllers: [TenantController],
      })
      class TenantModule {}

      const strategy = new RocketMQServer({ consumer: { consumeFromWhere }, shutdownSignals: [] });
      // The failure is the test's.
      app = await NestFactory.createMicroservice(TenantModule, { strategy, logger: false });
      await app.listen();
    }, 120_000);

    afterAll(async () => {
      await app?.close();
      await admin?.shutdown();
      await bus?.stop();
    }, 60_000);

    it('sends, handles, asks, pulls and fails by the names of the application', { timeout: 100_000 }, async () => {
      const producer = app.get<RocketMQProducer>(getProducerToken());
      for (const n of NUMBERS) {
        for (const topic of [events, ordered, rows]) {
          const { messageQueue } = await producer.send({ topic, body: String(n) });
          expect(messageQueue.topic).toBe(topic);
        }
      }
      const client = app.get<ClientProxy>(getClientToken());
      expect(await lastValueFrom(client.send<string>(questions, 'why'))).toBe('answer to why');

      const expected = [
        ...NUMBERS.flatMap((n) => [`${events} ${n} 0`, `${ordered} ${n} 0`]),
        // Its only redelivery.
        `${events} 0 1`,
      ];
      await waitFor(() => handled.length >= expected.length, 'all deliveries', WAIT_MS);
      expect([...handled].sort()).toEqual(expected.sort());

      const pulled: string[] = [];
      for await (const { topic, body } of app.get<LitePullConsumer>(getLitePullConsumerToken('rows'))) {
        if (pulled.push(`${topic} ${body.toString()}`) === COUNT) break;
      }
      expect(pulled).toEqual(NUMBERS.map((n) => `${rows} ${n}`));

      const deadLetters = `%DLQ%${events}`;
      await waitFor(async () => (await admin.fetchAllTopicList()).includes(deadLetters), 'the dead letters', WAIT_MS);
      expect(await admin.maxOffset({ topic: deadLetters, brokerName: 'broker-a', queueId: 0 })).toBe(1);
      const ofBroker = new MQAdmin({ namesrvAddr: bus.namesrvAddr });
      await ofBroker.start();
      const known = await ofBroker.fetchAllTopicList();
      await ofBroker.shutdown();
      const names = [events, ordered, questions, rows, deadLetters, `%RETRY%${events}`];
      expect(known).toEqual(expect.arrayContaining(names.map((topic) => wrapNamespace(NAMESPACE, topic))));
      for (const topic of names) expect(known).not.toContain(topic);
    });
  });
}
