import { ConcurrentConsumer, OrderlyConsumer } from '@rocknest/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllerOf, NestHandlers, type HandlerBus } from './nest-handlers.js';
import { waitFor } from './wait-for.js';

const COUNT = 240;
const QUEUES = 4;
const TIMEOUT_MS = 60_000;
/** Handlers take that long, so that some run at any moment, and those of one queue end in another order than they began. */
const HANDLER_MS = [15, 3, 9];

/**
 * A Nest application is closed while its handlers run, on any bus: everything is handled exactly once, by it or by the next one. What was popped and
 * not begun is given back, and comes again at once.
 */
export function describeGracefulShutdown(name: string, start: () => Promise<HandlerBus>): void {
  describe.concurrent(name, () => {
    let handlers: NestHandlers;

    beforeAll(async () => {
      handlers = new NestHandlers(await start());
      await handlers.start();
    });

    afterAll(async () => {
      await handlers?.stop();
    });

    it.each([
      ['standalone', 'concurrent'],
      ['standalone', 'orderly'],
      ['standalone', 'pop'],
      ['hybrid', 'concurrent'],
      ['hybrid', 'orderly'],
      ['hybrid', 'pop'],
    ] as const)(
      'a %s application with %s handlers loses no message in flight and has none delivered again',
      { timeout: 3 * TIMEOUT_MS },
      async (kind, how) => {
        const topic = `shutdown-${kind}-${how}`;
        const group = `g-${topic}`;
        const begun: number[] = [];
        const ended: { n: number; queueId: number; queueOffset: number }[] = [];
        const decorate = how === 'orderly' ? OrderlyConsumer : ConcurrentConsumer;
        const controller = () =>
          controllerOf(
            decorate({
              topic,
              group,
              deserializer: 'json',
              ...(how === 'pop' && { mode: 'pop' }),
              concurrency: 8,
              consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
            }),
            async (n: number, context) => {
              begun.push(n);
              await new Promise((resolve) => setTimeout(resolve, HANDLER_MS[n % HANDLER_MS.length]));
              const { queueId, queueOffset } = context.getMessage();
              ended.push({ n, queueId, queueOffset });
            },
          );
        await handlers.send(topic, COUNT, QUEUES);
        const first = await handlers.run(controller(), kind);
        await waitFor(() => ended.length >= COUNT / 8, 'some to be handled', TIMEOUT_MS);
        expect(begun.length).toBeGreaterThan(ended.length);
        await first.app.close();
        // Everything that was begun has ended, and nothing begins any more.
        const byFirst = ended.length;
        expect(begun).toHaveLength(byFirst);
        expect(byFirst).toBeLessThan(COUNT);
        const second = await handlers.run(controller(), kind);
        await waitFor(() => ended.length >= COUNT, 'the rest', TIMEOUT_MS);
        // Once more, behind everything that could come again before it.
        await handlers.send(topic, QUEUES, QUEUES, COUNT);
        const all = Array.from({ length: COUNT + QUEUES }, (_, n) => n);
        await waitFor(() => new Set(ended.map(({ n }) => n)).size === all.length, 'the last ones', TIMEOUT_MS);
        await second.app.close();
        expect(ended.map(({ n }) => n).sort((a, b) => a - b)).toEqual(all);
        if (how !== 'orderly') return;
        for (let queue = 0; queue < QUEUES; queue++) {
          const offsets = ended.filter(({ queueId }) => queueId === queue).map(({ queueOffset }) => queueOffset);
          expect(offsets).toEqual(offsets.map((_, at) => at));
        }
      },
    );

    it('handlers rest and go on at run time, a topic or everything (item 3)', { timeout: 2 * TIMEOUT_MS }, async () => {
      const topic = 'nest-rest';
      const handled: number[] = [];
      const { server } = await handlers.run(
        controllerOf(
          ConcurrentConsumer({
            topic,
            group: 'g-nest-rest',
            deserializer: 'json',
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          }),
          (n: number) => void handled.push(n),
        ),
      );
      const others: number[] = [];
      await handlers.run(
        controllerOf(
          ConcurrentConsumer({
            topic,
            group: 'g-nest-busy',
            deserializer: 'json',
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          }),
          (n: number) => void others.push(n),
        ),
      );
      await handlers.send(topic, 20);
      await waitFor(() => handled.length === 20 && others.length === 20, 'all messages in both groups', TIMEOUT_MS);
      for (const target of [{ topic }, {}]) {
        const before = handled.length;
        server.pause(target);
        expect(server.paused()).toHaveLength(1);
        await handlers.send(topic, 20, 4, before);
        await waitFor(() => others.length === before + 20, 'the group that does not rest', TIMEOUT_MS);
        expect(handled).toHaveLength(before);
        server.resume(target);
        await waitFor(() => handled.length === before + 20, 'what came in the meantime', TIMEOUT_MS);
        expect(server.paused()).toEqual([]);
      }
      expect(handled.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n));
    });
  });
}
