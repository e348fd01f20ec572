import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RocketMQProducer } from '@rocknest/client';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

interface Reading {
  readonly run: string;
  readonly by: string;
  readonly n: number;
}

const TOPIC = 'pattern-batch';
const COUNT = 300;
const received: Reading[] = [];

@Controller()
class ReadingController {
  @ConcurrentConsumer({ topic: TOPIC, group: 'pattern-batch' })
  onReading(@Payload() reading: Reading): void {
    received.push(reading);
  }
}

const pattern: Pattern = {
  about: 'many messages in one request: as an array, split by size, and single sends that are gathered',
  async run({ namesrvAddr, runId, say, until }) {
    const { app, producer } = await startExampleApp(namesrvAddr, [ReadingController]);
    const readings = (by: string): { topic: string; body: Reading }[] =>
      Array.from({ length: COUNT }, (_, n) => ({ topic: TOPIC, body: { run: runId, by, n } }));

    const one = await producer.send(readings('array'));
    say(`an array: one request, ${one.msgId.split(',').length} messages from offset ${one.queueOffset} on`);
    const parts = await producer.sendInBatches(readings('split'), { maxBatchBytes: 10_000 });
    say(`split by size: ${parts.length} requests`);

    const gathering = new RocketMQProducer({ namesrvAddr, group: 'pattern-auto-batch', autoBatch: true });
    const results = await Promise.all(readings('gathered').map((message) => gathering.send(message)));
    say(`gathered: ${new Set(results.map(({ offsetMsgId }) => offsetMsgId)).size} sends, each with its own result`);
    await gathering.shutdown();

    const ours = (): Reading[] => received.filter(({ run }) => run === runId);
    await until('every reading', () => new Set(ours().map(({ by, n }) => `${by} ${n}`)).size === 3 * COUNT);
    await app.close();
  },
};

export default pattern;
