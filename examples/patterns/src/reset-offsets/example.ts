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
import { MQAdmin } from '@rocknest/client-core';
import type { Pattern } from '../pattern.js';

interface Entry {
  readonly run: string;
  readonly n: number;
}

const TOPIC = 'pattern-reset-offsets';
const GROUP = 'pattern-reset-offsets';
const ENTRIES = 10;

/** Entry -> how often it was handled. */
const handled = new Map<string, number>();

@Controller()
class LedgerController {
  // Handlers of what may be played again are idempotent: here the last one wins.
  @ConcurrentConsumer({ topic: TOPIC, group: GROUP })
  book(@Payload() entry: Entry): void {
    const key = `${entry.run}-${entry.n}`;
    handled.set(key, (handled.get(key) ?? 0) + 1);
  }
}

const pattern: Pattern = {
  about: 'a group that is set back in time while it runs, and gets everything since then again',
  async run({ namesrvAddr, runId, say, until }) {
    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [LedgerController] })
    class AppModule {}

    const app = await NestFactory.createMicroservice(AppModule, {
      strategy: new RocketMQServer(),
      abortOnError: false,
      logger: ['error'],
    });
    await app.listen();
    const producer = app.get<RocketMQProducer>(getProducerToken());
    const admin = new MQAdmin({ namesrvAddr });
    await admin.start();

    const before = Date.now();
    for (let n = 0; n < ENTRIES; n++) await producer.send({ topic: TOPIC, body: { run: runId, n } satisfies Entry });
    const times = (): number[] => [...handled].filter(([key]) => key.startsWith(runId)).map(([, count]) => count);
    await until(`${ENTRIES} entries booked`, () => times().length === ENTRIES);
    say(`${ENTRIES} entries booked`);

    const offsets = await admin.resetOffsetByTimestamp(GROUP, TOPIC, before);
    say(`the group was set back in ${offsets.length} queues`);
    await until('every entry booked once more', () => times().every((count) => count >= 2));
    say(`${ENTRIES} entries booked again`);
    await admin.shutdown();
    await app.close();
  },
};

export default pattern;
