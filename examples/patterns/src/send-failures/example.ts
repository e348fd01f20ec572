import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ConcurrentConsumer, MQClientError, RocketMQProducer } from '@rocknest/client';
import { startExampleApp } from '../app.js';
import type { Pattern } from '../pattern.js';

interface Order {
  readonly run: string;
  readonly n: number;
}

const TOPIC = 'pattern-send-failures';
const SENDS = 500;
const LIMIT = 50;
const received = new Set<string>();

@Controller()
class OrderController {
  @ConcurrentConsumer({ topic: TOPIC, group: 'pattern-send-failures' })
  onOrder(@Payload() { run, n }: Order): void {
    received.add(`${run} ${n}`);
  }
}

const pattern: Pattern = {
  about: 'a producer that passes over brokers in trouble, and never holds more sends than it may',
  async run({ namesrvAddr, runId, say, until }) {
    const { app } = await startExampleApp(namesrvAddr, [OrderController]);
    const producer = new RocketMQProducer({
      namesrvAddr,
      group: 'pattern-send-failures',
      sendLatencyFaultEnable: true,
      startDetectorEnable: true,
      maxInFlightSends: 5,
      maxPendingSends: LIMIT,
    });
    const send = (n: number): Promise<unknown> => producer.send({ topic: TOPIC, body: { run: runId, n } });
    await send(0);
    const outcomes = await Promise.allSettled(Array.from({ length: SENDS }, (_, i) => send(i + 1)));
    const refused: number[] = [];
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue;
      const error: unknown = outcome.reason;
      if (!(error instanceof MQClientError) || error.code !== 'TOO_MANY_PENDING_SENDS') throw error;
      refused.push(i + 1);
    }
    say(
      `${SENDS} sends at once with room for ${LIMIT}: ${SENDS - refused.length} went out, the others were told to wait`,
    );
    for (const n of refused) await send(n);
    await producer.shutdown();
    await until('every order', () => [...received].filter((key) => key.startsWith(runId)).length === SENDS + 1);
    say('sent again one by one: all were received');
    await app.close();
  },
};

export default pattern;
