import { Controller, Module, type INestMicroservice } from '@nestjs/common';
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

interface Reading {
  readonly run: string;
  readonly n: number;
}

const TOPIC = 'pattern-start-position';

const pattern: Pattern = {
  about: 'where a new group begins, and that an existing one goes on',
  async run({ namesrvAddr, runId, say, until }) {
    const seen: number[] = [];

    @Controller()
    class ReadingController {
      // A group of its own for each run: only a group without offsets looks at `consumeFromWhere`.
      @ConcurrentConsumer({
        topic: TOPIC,
        group: `pattern-start-position-${runId}`,
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
      })
      note(@Payload() reading: Reading): void {
        if (reading.run === runId) seen.push(reading.n);
      }
    }

    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })] })
    class SenderModule {}

    @Module({ imports: [RocketMQModule.forRoot({ namesrvAddr })], controllers: [ReadingController] })
    class ReaderModule {}

    const startReader = async (): Promise<INestMicroservice> => {
      const app = await NestFactory.createMicroservice(ReaderModule, {
        strategy: new RocketMQServer(),
        abortOnError: false,
        logger: ['warn', 'error'],
      });
      await app.listen();
      return app;
    };

    const sender = await NestFactory.createApplicationContext(SenderModule, { logger: ['warn', 'error'] });
    const producer = sender.get<RocketMQProducer>(getProducerToken());
    const send = (n: number): Promise<unknown> =>
      producer.send({ topic: TOPIC, body: { run: runId, n } satisfies Reading });

    for (let n = 0; n < 5; n++) await send(n);
    const first = await startReader();
    await until('what was sent before the group existed', () => seen.length === 5);
    say(`the new group began at the beginning: ${seen.length} readings`);
    await first.close();

    for (let n = 5; n < 8; n++) await send(n);
    const second = await startReader();
    await until('what was sent while the group was away', () => seen.length >= 8);
    say(`after a restart it went on: ${seen.length} readings, none twice`);
    await second.close();
    await sender.close();
    if (new Set(seen).size !== seen.length) throw new Error(`readings came twice: ${seen.join(', ')}`);
  },
};

export default pattern;
