import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { trace } from '@opentelemetry/api';
import {
  ConcurrentConsumer,
  getProducerToken,
  InjectProducer,
  RocketMQModule,
  RocketMQServer,
  type RocketMQProducer,
} from '@rocknest/client';
import type { Pattern } from '../pattern.js';
import { startTelemetry, treeOf } from './telemetry.js';

const ORDERS = 'pattern-traced-orders';
const INVOICES = 'pattern-traced-invoices';
const failed = new Set<string>();

@Controller()
class ShopController {
  constructor(@InjectProducer() private readonly producer: RocketMQProducer) {}

  @ConcurrentConsumer({ topic: ORDERS, group: ORDERS, retry: { delayLevels: [1] } })
  async onOrder(@Payload() order: { run: string }): Promise<void> {
    if (!failed.has(order.run)) {
      failed.add(order.run);
      throw new RangeError('the first delivery fails');
    }
    await this.producer.send({ topic: INVOICES, body: order });
  }

  @ConcurrentConsumer({ topic: INVOICES, group: INVOICES })
  onInvoice(): void {
    trace.getTracer('shop').startSpan('print').end();
  }
}

const pattern: Pattern = {
  about: 'messages as part of the traces of an application',
  async run({ namesrvAddr, runId, say, until }) {
    const telemetry = startTelemetry();

    @Module({
      imports: [RocketMQModule.forRoot({ namesrvAddr, openTelemetry: true, producer: {} })],
      controllers: [ShopController],
    })
    class AppModule {}

    const app = await NestFactory.createMicroservice(AppModule, {
      strategy: new RocketMQServer(),
      abortOnError: false,
      logger: false,
    });
    await app.listen();
    const producer = app.get<RocketMQProducer>(getProducerToken());
    const traceId = await trace.getTracer('shop').startActiveSpan('POST /orders', async (span) => {
      await producer.send({ topic: ORDERS, keys: `order-${runId}`, body: { run: runId } });
      span.end();
      return span.spanContext().traceId;
    });
    const spans = () => telemetry.spans().filter((span) => span.spanContext().traceId === traceId);
    await until('the invoice', () => spans().some(({ name }) => name === `process ${INVOICES}`));
    for (const line of treeOf(spans(), undefined)) say(line);
    await app.close();
    telemetry.stop();
  },
};

export default pattern;
