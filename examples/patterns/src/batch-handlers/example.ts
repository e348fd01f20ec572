import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RetryLater, RocketMQContext } from '@rocknest/client';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

interface Click {
  readonly run: string;
  readonly n: number;
}

const TOPIC = 'pattern-batch';
const CLICKS = 40;
const seen = { stored: [] as string[], largest: 0, again: 0 };

@Controller()
class ClickController {
  @ConcurrentConsumer({ topic: TOPIC, group: 'pattern-batch', batch: { maxMessages: 16 } })
  store(@Payload() clicks: Click[], @Ctx() context: RocketMQContext): Promise<PromiseSettledResult<void>[]> {
    seen.largest = Math.max(seen.largest, clicks.length);
    const messages = context.getMessages();
    // Each click succeeds or fails by itself: every tenth does not fit at the first time.
    return Promise.allSettled(
      clicks.map(async ({ run, n }, index) => {
        if (n % 10 === 0 && messages[index].reconsumeTimes === 0) throw new RetryLater({ delayLevel: 1 });
        if (messages[index].reconsumeTimes > 0) seen.again++;
        seen.stored.push(`${run} ${n}`);
      }),
    );
  }
}

const pattern: Pattern = {
  about: 'many messages in one call, with an outcome for each',
  async run({ namesrvAddr, runId, say, until }) {
    const { app, producer } = await startExampleApp(namesrvAddr, [ClickController]);
    const clicks = Array.from({ length: CLICKS }, (_, n): Click => ({ run: runId, n }));
    await Promise.all(clicks.map((body) => producer.send({ topic: TOPIC, body })));
    const ours = (): string[] => seen.stored.filter((line) => line.startsWith(runId));
    await until(`${CLICKS} clicks stored`, () => new Set(ours()).size === CLICKS);
    await app.close();
    say(`${ours().length} clicks stored, up to ${seen.largest} in one call, ${seen.again} at their second delivery`);
    if (ours().length !== CLICKS || seen.again !== CLICKS / 10)
      throw new Error('a click was stored twice, or not retried');
  },
};

export default pattern;
