import { BatchFailure, ConcurrentConsumer, RetryLater, SendToDlq, Skip, type RocketMQContext } from '@rocknest/client';
import type { MessageExt } from '@rocknest/client-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllerOf, NestHandlers, type HandlerBus } from './nest-handlers.js';
import { waitFor } from './wait-for.js';

const COUNT = 12;
const TIMEOUT_MS = 50_000;

/** What becomes of popped messages that a Nest handler fails on, on any bus. */
export function describeFailingPops(name: string, start: () => Promise<HandlerBus>): void {
  describe.concurrent(name, () => {
    let handlers: NestHandlers;

    beforeAll(async () => {
      handlers = new NestHandlers(await start());
      await handlers.start();
    });

    afterAll(async () => {
      await handlers?.stop();
    });

    interface Delivery {
      n: number;
      reconsumeTimes: number;
      topic: string;
    }

    /** A group that pops `topic`, with what its handler was given. */
    async function pops(
      topic: string,
      handle: (n: number, context: RocketMQContext) => void,
    ): Promise<{ deliveries: Delivery[]; times(n: number): number; leave(): Promise<void> }> {
      const deliveries: Delivery[] = [];
      const { app } = await handlers.run(
        controllerOf(
          ConcurrentConsumer({
            topic,
            group: `g-${topic}`,
            mode: 'pop',
            invisibleTimeMs: 5_000,
            deserializer: 'json',
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          }),
          (n: number, context) => {
            deliveries.push({ n, reconsumeTimes: context.getReconsumeTimes(), topic: context.getTopic() });
            handle(n, context);
          },
        ),
      );
      return {
        deliveries,
        times: (n) => deliveries.filter((one) => one.n === n).length,
        leave: () => app.close(),
      };
    }

    /** What lies in the dead letter topic of `topic`'s group, once there are `count`. */
    async function deadLetters(topic: string, count: number): Promise<MessageExt[]> {
      const dlq = `%DLQ%g-${topic}`;
      const { admin } = handlers;
      const find = async (): Promise<MessageExt[]> => {
        const found: MessageExt[] = [];
        for (let n = 0; n < COUNT; n++) {
          const { messages } = await admin.queryMessage(dlq, `k${n}`).catch(() => ({ messages: [] }));
          found.push(...messages);
        }
        return found;
      };
      return waitFor(
        async () => {
          const found = await find();
          return found.length >= count ? found : undefined;
        },
        `${count} messages in ${dlq}`,
        TIMEOUT_MS,
      );
    }

    it('RetryLater: comes again after its delay, Skip: does not', { timeout: 2 * TIMEOUT_MS }, async () => {
      const topic = 'pop-later';
      await handlers.send(topic, COUNT);
      const group = await pops(topic, (n, context) => {
        if (n % 2 === 1) throw new Skip();
        if (context.getReconsumeTimes() === 0) throw new RetryLater({ delayLevel: 1, reason: 'closed' });
      });
      await waitFor(() => group.deliveries.length >= COUNT * 1.5, 'the even ones twice', TIMEOUT_MS);
      // Those that were skipped or handled had come again by now, were they not acknowledged: their time is 5 s.
      const longAfterMs = Date.now() + 7_000;
      await waitFor(() => Date.now() > longAfterMs, 'their invisible time');
      await group.leave();
      for (let n = 0; n < COUNT; n++) expect([n, group.times(n)]).toEqual([n, n % 2 === 1 ? 1 : 2]);
      expect(new Set(group.deliveries.map((one) => `${one.topic} ${one.reconsumeTimes}`))).toEqual(
        new Set([`${topic} 0`, `${topic} 1`]),
      );
    });

    it('SendToDlq: rests in the dead letter topic at once, with the reason', { timeout: 2 * TIMEOUT_MS }, async () => {
      const topic = 'pop-dead';
      await handlers.send(topic, COUNT);
      const group = await pops(topic, () => {
        throw new SendToDlq('never');
      });
      const dead = await deadLetters(topic, COUNT);
      await group.leave();
      expect(group.deliveries).toHaveLength(COUNT);
      expect(dead.map(({ body }) => Number(body.toString())).sort((a, b) => a - b)).toEqual(
        Array.from({ length: COUNT }, (_, n) => n),
      );
      for (const { properties } of dead) {
        expect(properties).toMatchObject({ rocknestFailureName: 'SendToDlq', rocknestFailureMessage: 'never' });
      }
    });

    it('BatchFailure: single messages of a batch come again or rest', { timeout: 2 * TIMEOUT_MS }, async () => {
      const topic = 'pop-batch';
      await handlers.send(topic, COUNT);
      const handled = new Map<number, number>();
      const sizes: number[] = [];
      const controller = controllerOf(
        ConcurrentConsumer({
          topic,
          group: `g-${topic}`,
          mode: 'pop',
          batch: { maxMessages: 8 },
          deserializer: 'json',
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        }),
        (numbers: number[], context) => {
          const messages = context.getMessages();
          sizes.push(numbers.length);
          const failures: [number, unknown][] = [];
          for (const [index, n] of numbers.entries()) {
            handled.set(n, (handled.get(n) ?? 0) + 1);
            if (n === 3) failures.push([index, new SendToDlq('bad')]);
            if (n === 5 && messages[index].reconsumeTimes === 0)
              failures.push([index, new RetryLater({ delayLevel: 1 })]);
          }
          if (failures.length > 0) throw new BatchFailure(failures);
        },
      );
      const { app } = await handlers.run(controller);
      await waitFor(() => handled.get(5) === 2 && handled.size === COUNT, 'the fifth again', TIMEOUT_MS);
      const dead = await deadLetters(topic, 1);
      await app.close();
      expect(dead.map(({ body }) => body.toString())).toEqual(['3']);
      expect([...handled].filter(([, times]) => times > 1)).toEqual([[5, 2]]);
      expect(Math.max(...sizes)).toBeGreaterThan(1);
    });
  });
}
