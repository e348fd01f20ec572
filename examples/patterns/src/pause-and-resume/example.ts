import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RocketMQConsumers } from '@rocknest/client';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

interface Job {
  readonly run: string;
  readonly n: number;
}

const seen = { mails: [] as string[], invoices: [] as string[] };

@Controller()
class JobController {
  @ConcurrentConsumer({ topic: 'pattern-pause-mails', group: 'pattern-pause-mails' })
  mail(@Payload() job: Job): void {
    seen.mails.push(`${job.run} ${job.n}`);
  }
  @ConcurrentConsumer({ topic: 'pattern-pause-invoices', group: 'pattern-pause-invoices' })
  invoice(@Payload() job: Job): void {
    seen.invoices.push(`${job.run} ${job.n}`);
  }
}

const pattern: Pattern = {
  about: 'a consumer that rests for a while, beside one that goes on',
  async run({ namesrvAddr, runId, say, until }) {
    const { app, producer } = await startExampleApp(namesrvAddr, [JobController]);
    const consumers = app.get(RocketMQConsumers);
    const count = (lines: readonly string[]): number => lines.filter((line) => line.startsWith(runId)).length;
    const send = async (n: number): Promise<void> => {
      for (const name of ['mails', 'invoices'])
        await producer.send({ topic: `pattern-pause-${name}`, body: { run: runId, n } });
    };
    await send(0);
    await until('one of each', () => count(seen.mails) === 1 && count(seen.invoices) === 1);
    consumers.pause({ group: 'pattern-pause-mails' });
    for (let n = 1; n <= 10; n++) await send(n);
    await until('ten more invoices', () => count(seen.invoices) === 11);
    const whilePaused = count(seen.mails);
    say(
      `paused ${consumers
        .paused()
        .map(({ group }) => group)
        .join()}: ${whilePaused} mail, ${count(seen.invoices)} invoices`,
    );
    consumers.resume({ group: 'pattern-pause-mails' });
    await until('ten more mails', () => count(seen.mails) === 11);
    say(`resumed: ${count(seen.mails)} mails`);
    await app.close();
    if (whilePaused !== 1) throw new Error(`${whilePaused - 1} mails were handled during the pause`);
  },
};

export default pattern;
