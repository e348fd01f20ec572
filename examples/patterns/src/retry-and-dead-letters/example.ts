import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RetryLater, RocketMQContext, SendToDlq, Skip } from '@rocknest/client';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

interface Order {
  readonly run: string;
  readonly kind: 'fine' | 'closed' | 'invalid' | 'empty' | 'paid';
}

class ValidationError extends Error {
  override readonly name = 'ValidationError';
}

const TOPIC = 'pattern-retry';
const GROUP = 'pattern-retry';
const KINDS: readonly Order['kind'][] = ['fine', 'closed', 'invalid', 'empty', 'paid'];
const seen = { handled: [] as string[], dead: [] as string[] };

@Controller()
class OrderController {
  @ConcurrentConsumer({ topic: TOPIC, group: GROUP, retry: { dlq: [ValidationError] } })
  onOrder(@Payload() order: Order, @Ctx() context: RocketMQContext): void {
    if (order.kind === 'closed' && context.getReconsumeTimes() === 0) {
      throw new RetryLater({ delayLevel: 1, reason: 'the bank is closed' });
    }
    if (order.kind === 'invalid') throw new ValidationError('no such article');
    if (order.kind === 'empty') throw new SendToDlq('an order without lines');
    if (order.kind === 'paid') throw new Skip('paid already');
    seen.handled.push(`${order.run} ${order.kind} after ${context.getFailure()?.message ?? 'nothing'}`);
  }
}

/** Dead letters are an ordinary topic: here they are read by a group of its own. */
@Controller()
class DeadLetterController {
  @ConcurrentConsumer({
    topic: `%DLQ%${GROUP}`,
    group: 'pattern-retry-report',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  })
  onDeadLetter(@Payload() order: Order, @Ctx() context: RocketMQContext): void {
    const failure = context.getFailure();
    seen.dead.push(`${order.run} ${order.kind}: ${failure?.name} (${failure?.message})`);
  }
}

const pattern: Pattern = {
  about: 'retries, dead letters with their reason, and policies by error',
  async run({ namesrvAddr, runId, say, until }) {
    const { app, producer } = await startExampleApp(namesrvAddr, [OrderController]);
    for (const kind of KINDS) await producer.send({ topic: TOPIC, body: { run: runId, kind } satisfies Order });
    const ours = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith(runId)).sort();
    await until('two orders handled', () => ours(seen.handled).length === 2);
    await app.close();
    const report = await startExampleApp(namesrvAddr, [DeadLetterController]);
    await until('two dead letters', () => ours(seen.dead).length === 2);
    await report.app.close();
    for (const line of [...ours(seen.handled), ...ours(seen.dead)]) say(line.slice(runId.length + 1));
    const expected = ['empty: SendToDlq (an order without lines)', 'invalid: ValidationError (no such article)'];
    const dead = ours(seen.dead).map((line) => line.slice(runId.length + 1));
    if (dead.join() !== expected.join()) throw new Error(`dead letters are ${dead.join()}`);
  },
};

export default pattern;
