import { Controller, Module, type INestMicroservice, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  ConcurrentConsumer,
  RetryLater,
  RocketMQContext,
  RocketMQModule,
  RocketMQServer,
  SendToDlq,
  type MessageFailure,
} from '@rocknest/client';
import { MQAdmin, Producer } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from './wait-for.js';

const COUNT = 20;
const TIMEOUT_MS = 50_000;
const QUEUES = 4;

export interface FailingBus {
  namesrvAddr: string;
  stop(): Promise<void>;
}

interface Delivery {
  n: number;
  reconsumeTimes: number;
  failure: MessageFailure | undefined;
  properties: Readonly<Record<string, string>>;
}

const deliveryOf = (n: number, context: RocketMQContext): Delivery => ({
  n,
  reconsumeTimes: context.getReconsumeTimes(),
  failure: context.getFailure(),
  properties: context.getProperties(),
});

/**
 * What becomes of messages that a Nest handler fails on, on any bus: the same tests for Apache RocketMQ's broker and for our own. Its delay levels
 * are to be a second each.
 */
export function describeFailingConsumers(name: string, start: () => Promise<FailingBus>): void {
  describe(name, () => {
    let bus: FailingBus;
    let admin: MQAdmin;
    let producer: Producer;
    const apps: INestMicroservice[] = [];

    beforeAll(async () => {
      bus = await start();
      const { namesrvAddr } = bus;
      admin = new MQAdmin({ namesrvAddr });
      producer = new Producer({ namesrvAddr, group: 'PID_failing', sendMsgTimeoutMs: 30_000 });
      await Promise.all([admin.start(), producer.start()]);
    });

    afterAll(async () => {
      await Promise.all(apps.map((app) => app.close()));
      await producer?.shutdown();
      await admin?.shutdown();
      await bus?.stop();
    });

    async function consume(controller: Type): Promise<void> {
      @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr: bus.namesrvAddr })], controllers: [controller] })
      class FailingModule {}
      const app = await NestFactory.createMicroservice(FailingModule, {
        strategy: new RocketMQServer({ shutdownSignals: [], drainTimeoutMs: 100 }),
        abortOnError: false,
        logger: false,
      });
      await app.listen();
      apps.push(app);
    }

    async function send(topic: string): Promise<void> {
      await admin.createTopic(topic, { readQueueNums: QUEUES, writeQueueNums: QUEUES });
      for (let n = 0; n < COUNT; n++) {
        await producer.send({ topic, body: String(n), tags: 'T', keys: `k${n}`, properties: { own: `o${n}` } });
      }
    }

    /** Everything in the dead letter topic of `group`, once there are COUNT messages. */
    async function deadLetters(group: string): Promise<Delivery[]> {
      const topic = `%DLQ%${group}`;
      const stored = async (): Promise<boolean> => {
        try {
          const route = await admin.examineTopicRoute(topic);
          const { brokerName } = route.brokerDatas[0];
          return (await admin.maxOffset({ topic, brokerName, queueId: 0 })) >= COUNT;
        } catch {
          return false;
        }
      };
      await waitFor(stored, `${COUNT} messages in ${topic}`, TIMEOUT_MS);
      const found: Delivery[] = [];
      @Controller()
      class Dead {
        @ConcurrentConsumer({
          topic,
          group: `${group}-dead`,
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          deserializer: 'json',
        })
        onDead(@Payload() n: number, @Ctx() context: RocketMQContext): void {
          found.push(deliveryOf(n, context));
        }
      }
      await consume(Dead);
      await waitFor(() => found.length >= COUNT, `messages of ${topic}`, TIMEOUT_MS);
      return found;
    }

    it(
      'RetryLater: comes again with its reason, and with everything that the sender gave it',
      { timeout: 2 * TIMEOUT_MS },
      async () => {
        const seen: Delivery[] = [];
        @Controller()
        class Retried {
          @ConcurrentConsumer({
            topic: 'f-retry',
            group: 'g-retry',
            tags: 'T',
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
            deserializer: 'json',
          })
          on(@Payload() n: number, @Ctx() context: RocketMQContext): void {
            seen.push(deliveryOf(n, context));
            if (context.getReconsumeTimes() === 0) throw new RetryLater({ delayLevel: 1, reason: `no stock of ${n}` });
          }
        }
        await send('f-retry');
        await consume(Retried);
        await waitFor(() => seen.length >= 2 * COUNT, 'every message twice', TIMEOUT_MS);
        const again = seen.filter(({ reconsumeTimes }) => reconsumeTimes === 1);
        expect(again.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, n) => n));
        for (const { n, failure, properties } of again) {
          expect(failure).toMatchObject({ name: 'RetryLater', message: `no stock of ${n}` });
          const first = seen.find((one) => one.n === n)!;
          expect(properties).toMatchObject({
            own: `o${n}`,
            TAGS: 'T',
            KEYS: `k${n}`,
            UNIQ_KEY: first.properties['UNIQ_KEY'],
          });
        }
      },
    );

    it('SendToDlq: rests in the dead letter topic at once, with the reason', { timeout: 2 * TIMEOUT_MS }, async () => {
      let deliveries = 0;
      @Controller()
      class Dead {
        @ConcurrentConsumer({ topic: 'f-dlq', group: 'g-dlq', consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
        on(@Payload() _n: number): void {
          deliveries++;
          throw new SendToDlq('never');
        }
      }
      await send('f-dlq');
      await consume(Dead);
      const dead = await deadLetters('g-dlq');
      expect([deliveries, dead.length]).toEqual([COUNT, COUNT]);
      for (const { n, failure, properties } of dead) {
        expect(failure).toMatchObject({ name: 'SendToDlq', message: 'never' });
        expect(properties).toMatchObject({ own: `o${n}`, RETRY_TOPIC: 'f-dlq' });
      }
    });

    it(
      'maxReconsumeTimes: so many redeliveries at the levels, then the dead letter topic',
      { timeout: 2 * TIMEOUT_MS },
      async () => {
        const seen: number[] = [];
        @Controller()
        class Limited {
          @ConcurrentConsumer({
            topic: 'f-limit',
            group: 'g-limit',
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
            retry: { maxReconsumeTimes: 2, delayLevels: [1] },
          })
          on(@Payload() _n: number, @Ctx() context: RocketMQContext): void {
            seen.push(context.getReconsumeTimes());
            throw new RangeError('again and again');
          }
        }
        await send('f-limit');
        await consume(Limited);
        const dead = await deadLetters('g-limit');
        expect([0, 1, 2, 3].map((times) => seen.filter((one) => one === times).length)).toEqual([
          COUNT,
          COUNT,
          COUNT,
          0,
        ]);
        expect(dead).toHaveLength(COUNT);
        for (const { failure } of dead)
          expect(failure).toMatchObject({ name: 'RangeError', message: 'again and again' });
      },
    );

    it('storeReason: false: the broker takes the message back itself', { timeout: 2 * TIMEOUT_MS }, async () => {
      const seen: Delivery[] = [];
      @Controller()
      class Silent {
        @ConcurrentConsumer({
          topic: 'f-plain',
          group: 'g-plain',
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          retry: { storeReason: false },
        })
        on(@Payload() n: number, @Ctx() context: RocketMQContext): void {
          seen.push(deliveryOf(n, context));
          if (context.getReconsumeTimes() === 0) throw new Error('once');
        }
      }
      await send('f-plain');
      await consume(Silent);
      await waitFor(() => seen.length >= 2 * COUNT, 'every message twice', TIMEOUT_MS);
      expect(seen.filter(({ reconsumeTimes, failure }) => reconsumeTimes === 1 && failure === undefined)).toHaveLength(
        COUNT,
      );
    });

    it('consumeTimeoutMs: what a handler does not end comes again', { timeout: 2 * TIMEOUT_MS }, async () => {
      const ended = new Set<number>();
      let hung = 0;
      @Controller()
      class Hung {
        @ConcurrentConsumer({
          topic: 'f-hung',
          group: 'g-hung',
          concurrency: 40,
          consumeTimeoutMs: 500,
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        })
        on(@Payload() n: number, @Ctx() context: RocketMQContext): Promise<void> {
          if (context.getReconsumeTimes() > 0) {
            ended.add(n);
            return Promise.resolve();
          }
          hung++;
          return new Promise(() => {});
        }
      }
      await send('f-hung');
      await consume(Hung);
      await waitFor(() => ended.size === COUNT, 'every message again', TIMEOUT_MS);
      expect(hung).toBe(COUNT);
    });
  });
}
