import { Injectable, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  getProducerToken,
  InjectLitePullConsumer,
  LitePullConsumer,
  RocketMQModule,
  type RocketMQProducer,
} from '@rocknest/client';
import type { Pattern } from '../pattern.js';

const TOPIC = 'pattern-lite-pull-consumer';
const ORDERS = 20;

@Injectable()
class OrderExport implements OnApplicationBootstrap {
  readonly exported = new Set<string>();
  /** Ends when the application shuts down. */
  loop: Promise<void> = Promise.resolve();

  constructor(@InjectLitePullConsumer('export') private readonly consumer: LitePullConsumer) {}

  onApplicationBootstrap(): void {
    this.loop = this.run();
  }

  // A message counts as consumed when the loop asks for the next one.
  private async run(): Promise<void> {
    for await (const message of this.consumer) this.exported.add(message.body.toString());
  }
}

const pattern: Pattern = {
  about: 'messages that a loop asks for, with a consumer that Nest starts and shuts down',
  async run({ namesrvAddr, runId, say, until }) {
    @Module({
      imports: [
        RocketMQModule.forRoot({ namesrvAddr }),
        RocketMQModule.forFeature({
          litePullConsumers: [
            {
              name: 'export',
              group: 'pattern-lite-pull-consumer',
              subscribe: { [TOPIC]: '*' },
              consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
            },
          ],
        }),
      ],
      providers: [OrderExport],
    })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, {
      abortOnError: false,
      logger: ['warn', 'error'],
    });
    const orderExport = app.get(OrderExport);
    const producer = app.get<RocketMQProducer>(getProducerToken());
    for (let n = 0; n < ORDERS; n++) await producer.send({ topic: TOPIC, body: `${runId}-${n}` });
    const ours = (): number => [...orderExport.exported].filter((order) => order.startsWith(runId)).length;
    await until(`${ORDERS} orders exported`, () => ours() === ORDERS);
    say(`${ours()} orders exported`);
    await app.close();
    await orderExport.loop;
  },
};

export default pattern;
