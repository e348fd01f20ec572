import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, RocketMQProducer } from '@rocknest/client';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

interface Report {
  readonly run: string;
  readonly by: string;
  readonly lines: string[];
}

const TOPIC = 'pattern-compression';
const TYPES = ['ZLIB', 'LZ4', 'ZSTD'] as const;
const received: Report[] = [];

@Controller()
class ReportController {
  // Nothing to do here: the body comes as it was, whatever compressed it.
  @ConcurrentConsumer({ topic: TOPIC, group: 'pattern-compression' })
  onReport(@Payload() report: Report): void {
    received.push(report);
  }
}

const pattern: Pattern = {
  about: 'large bodies sent with zlib, LZ4 and Zstandard, and how much they take on the broker',
  async run({ namesrvAddr, runId, say, until }) {
    const { app } = await startExampleApp(namesrvAddr, [ReportController]);
    const lines = Array.from({ length: 500 }, (_, i) => `order ${i}: paid`);
    for (const compressType of TYPES) {
      const producer = new RocketMQProducer({ namesrvAddr, group: 'pattern-compression', compressType });
      const body: Report = { run: runId, by: compressType, lines };
      const { msgId } = await producer.send({ topic: TOPIC, body });
      const { storeSize } = await producer.viewMessage(TOPIC, msgId);
      say(`${compressType}: ${JSON.stringify(body).length} bytes are stored in ${storeSize}`);
      await producer.shutdown();
    }
    const ours = (): Report[] => received.filter(({ run }) => run === runId);
    await until('three reports', () => ours().length >= TYPES.length);
    await app.close();
    if (!ours().every((report) => report.lines.join() === lines.join())) throw new Error('a report changed on its way');
  },
};

export default pattern;
