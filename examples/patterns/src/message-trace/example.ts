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
import { MQAdmin, type TraceEntry } from '@rocknest/client-core';
import type { Pattern } from '../pattern.js';

const TOPIC = 'pattern-message-trace';
const TRACE_TOPIC = 'pattern-message-trace-records';
const failed = new Set<string>();

@Controller()
class OrderController {
  @ConcurrentConsumer({
    topic: TOPIC,
    group: 'pattern-message-trace',
    retry: { delayLevels: [1] },
  })
  onOrder(@Payload() { run }: { run: string }): void {
    if (failed.has(run)) return;
    failed.add(run);
    throw new Error('the first delivery fails');
  }
}

function lineOf({ context, clientHost }: TraceEntry): string {
  switch (context.traceType) {
    case 'SubBefore':
      return `${context.groupName} gets it, delivery ${(context.messages[0].retryTimes ?? 0) + 1}, at ${clientHost}`;
    case 'SubAfter':
      return `${context.groupName} ${context.success ? 'has handled it' : 'has failed'} in ${context.costTimeMs} ms`;
    default:
      return `${context.traceType} by ${context.groupName}`;
  }
}

const pattern: Pattern = {
  about: 'what became of a message: who sent it, who got it, when, and how it ended',
  async run({ namesrvAddr, runId, say, until }) {
    // For producers and consumers alike. A topic of its own; without the line it is RMQ_SYS_TRACE_TOPIC.
    const trace = { enableMsgTrace: true, customizedTraceTopic: TRACE_TOPIC, traceFlushIntervalMs: 200 };

    @Module({
      imports: [RocketMQModule.forRoot({ namesrvAddr, ...trace, producer: {} })],
      controllers: [OrderController],
    })
    class AppModule {}

    const app = await NestFactory.createMicroservice(AppModule, {
      strategy: new RocketMQServer(),
      abortOnError: false,
      logger: ['error'],
    });
    await app.listen();
    const admin = new MQAdmin({ namesrvAddr });
    await admin.start();
    const producer = app.get<RocketMQProducer>(getProducerToken());
    const { msgId } = await producer.send({ topic: TOPIC, keys: `order-${runId}`, body: { run: runId } });
    const query = (): Promise<TraceEntry[]> => admin.traceOf(msgId, { traceTopic: TRACE_TOPIC }).catch(() => []);
    const done = (entries: TraceEntry[]): boolean =>
      entries.some(({ context }) => context.traceType === 'SubAfter' && context.success);
    await until('the trace of two deliveries', async () => done(await query()));
    for (const entry of await query()) say(lineOf(entry));
    await admin.shutdown();
    await app.close();
  },
};

export default pattern;
