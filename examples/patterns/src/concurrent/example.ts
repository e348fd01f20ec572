import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import {
  ConcurrentConsumer,
  getProducerToken,
  RocketMQModule,
  RocketMQServer,
  type RocketMQProducer,
} from '@rocknest/client';
import type { Pattern } from '../pattern.js';

interface Mail {
  readonly run: string;
  readonly n: number;
}

const TOPIC = 'pattern-concurrent';
const MAILS = 20;

/** What was handled, and the most at one moment. */
const seen = { handled: new Set<string>(), running: 0, most: 0 };

@Controller()
class MailController {
  // Handlers of a concurrent consumer run side by side, as many as `concurrency` says, in any order.
  @ConcurrentConsumer({ topic: TOPIC, group: 'pattern-concurrent', concurrency: 5 })
  async deliver(@Payload() mail: Mail): Promise<void> {
    seen.most = Math.max(seen.most, ++seen.running);
    await new Promise((resolve) => setTimeout(resolve, 20));
    seen.running--;
    seen.handled.add(`${mail.run}-${mail.n}`);
  }
}

const pattern: Pattern = {
  about: 'handlers that run side by side, and members that share the messages of a group',
  async run({ namesrvAddr, runId, say, until }) {
    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [MailController] })
    class AppModule {}

    const app = await NestFactory.createMicroservice(AppModule, {
      strategy: new RocketMQServer(),
      abortOnError: false,
      logger: ['warn', 'error'],
    });
    await app.listen();
    const producer = app.get<RocketMQProducer>(getProducerToken());
    for (let n = 0; n < MAILS; n++) await producer.send({ topic: TOPIC, body: { run: runId, n } satisfies Mail });
    const ours = (): number => [...seen.handled].filter((key) => key.startsWith(runId)).length;
    await until(`${MAILS} mails handled`, () => ours() === MAILS);
    say(`${ours()} mails handled, up to ${seen.most} at once`);
    await app.close();
    if (seen.most > 5) throw new Error(`${seen.most} handlers ran at once, 5 are allowed`);
  },
};

export default pattern;
