import { ConcurrentConsumer, OrderlyConsumer, RetryLater, Skip } from '@rocknest/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllerOf, NestHandlers, type HandlerBus } from '../../support/nest-handlers.js';
import { waitFor } from '../../support/wait-for.js';
import { JavaClient } from './java-client.js';
import { OffsetTool } from './offset-tool.js';

const TIMEOUT_MS = 60_000;

/** Answers of our members to CONSUME_MESSAGE_DIRECTLY, as our admin and the official one get them through the official broker. */
export function describeDirectConsumption(name: string, start: () => Promise<HandlerBus>): void {
  describe.concurrent(name, () => {
    let handlers: NestHandlers;
    let java: JavaClient;
    let tool: OffsetTool;
    /** The tool answers one question at a time. */
    let answered: Promise<unknown> = Promise.resolve();

    beforeAll(async () => {
      const bus = await start();
      handlers = new NestHandlers(bus);
      java = new JavaClient('5.4.0', bus.namesrvAddr);
      tool = new OffsetTool(java);
      await Promise.all([handlers.start(), tool.ready()]);
    });

    afterAll(async () => {
      await java?.stop();
      await handlers?.stop();
    });

    it.each(['concurrent', 'orderly', 'pop'] as const)(
      '%s: tells success, a redelivery on purpose, and a failure with its text',
      { timeout: TIMEOUT_MS },
      async (how) => {
        const topic = `direct-${how}`;
        const group = `g-${topic}`;
        let ask: 'nothing' | 'throw' | 'later' | 'skip' = 'nothing';
        const handled: string[] = [];
        const decorate = how === 'orderly' ? OrderlyConsumer : ConcurrentConsumer;
        const controller = controllerOf(
          decorate({
            topic,
            group,
            deserializer: 'text',
            ...(how === 'pop' && { mode: 'pop' }),
            consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          }),
          (body: string, context) => {
            handled.push(`${context.getMessage().msgId} ${body}`);
            if (ask === 'throw') throw new RangeError('out of range');
            if (ask === 'later') throw new RetryLater({ reason: 'closed' });
            if (ask === 'skip') throw new Skip();
          },
        );
        await handlers.send(topic, 1, 1);
        const { server } = await handlers.run(controller);
        await waitFor(() => handled.length === 1, 'the message', TIMEOUT_MS);
        const msgId = handled[0].split(' ')[0];
        const { clientId } = server.unwrap<Map<string, { clientId: string }>>().get(group)!;
        const told = async (): Promise<[unknown, string]> => {
          const { consumeResult, remark } = await handlers.admin.consumeMessageDirectly(group, clientId, topic, msgId);
          return [consumeResult, remark ?? ''];
        };
        expect(await told()).toEqual(['CR_SUCCESS', '']);
        ask = 'skip';
        expect(await told()).toEqual(['CR_SUCCESS', '']);
        ask = 'later';
        expect(await told()).toEqual(['CR_LATER', 'RetryLater: closed']);
        ask = 'throw';
        expect(await told()).toEqual(['CR_THROW_EXCEPTION', 'RangeError: out of range']);
        const byJava = answered.then(() => tool.ask('directRemark', { topic, group, clientId, msgId }));
        answered = byJava.catch(() => undefined);
        expect(await byJava).toBe('CR_THROW_EXCEPTION RangeError: out of range');
        // Each of the five was the stored message, and nothing of it came again.
        expect(handled).toEqual(Array.from({ length: 6 }, () => `${msgId} 0`));
      },
    );
  });
}
