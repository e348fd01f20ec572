import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { MemoryLogger } from '../../test/consumer-application.js';
import { FakeClientFactory } from '../../test/fake-clients.js';
import {
  getLitePullConsumerToken,
  InjectLitePullConsumer,
  LitePullConsumer,
  RocketMQModule,
  type LitePullConsumerDefinition,
} from '../index.js';

async function boot(clientFactory: FakeClientFactory, definition: LitePullConsumerDefinition, withRoot = true) {
  @Injectable()
  class Exporter implements OnApplicationBootstrap {
    constructor(@InjectLitePullConsumer('export') readonly consumer: LitePullConsumer) {}

    onApplicationBootstrap(): void {
      clientFactory.journal.push('bootstrap');
    }
  }
  const module = await Test.createTestingModule({
    imports: [
      ...(withRoot ? [RocketMQModule.forRoot({ namesrvAddr: '10.0.0.1:9876', clientFactory })] : []),
      RocketMQModule.forFeature({ litePullConsumers: [definition] }),
    ],
    providers: [Exporter],
  })
    .setLogger(new MemoryLogger())
    .compile();
  return { app: await module.init(), Exporter };
}

describe('lite pull consumers of RocketMQModule.forFeature', () => {
  it('are ready at the bootstrap, and shut down in two steps', async () => {
    const clientFactory = new FakeClientFactory();
    const { app, Exporter } = await boot(clientFactory, {
      name: 'export',
      group: 'export',
      subscribe: { orders: 'paid', invoices: '*' },
      autoCommit: false,
      drainTimeoutMs: 500,
    });
    const [consumer] = clientFactory.litePullConsumers;
    expect(app.get(Exporter).consumer).toBe(consumer);
    expect(app.get(getLitePullConsumerToken('export'))).toBe(consumer);
    expect(consumer.given).toMatchObject({ namesrvAddr: '10.0.0.1:9876', group: 'export', autoCommit: false });
    expect(consumer.asked).toEqual([
      ['subscribe', 'orders', 'paid'],
      ['subscribe', 'invoices', '*'],
    ]);
    await app.close();
    expect(clientFactory.journal).toEqual(['start export', 'bootstrap', 'stopIntake export', 'shutdown export 500']);
  });

  it('read assigned queues, from a bus of their own', async () => {
    const clientFactory = new FakeClientFactory();
    const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 1 };
    const definition = {
      name: 'export',
      group: 'export',
      assign: [queue],
      namesrvAddr: '10.0.0.2:9876',
      clientFactory,
    };
    const { app } = await boot(clientFactory, definition, false);
    expect(clientFactory.litePullConsumers[0].asked).toEqual([['assign', [queue]]]);
    await app.close();
  });

  it('are refused without a bus, and with contradictions', async () => {
    const clientFactory = new FakeClientFactory();
    await expect(boot(clientFactory, { name: 'export', group: 'export' }, false)).rejects.toThrow('knows no bus');
    const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 1 };
    const both = { name: 'export', group: 'export', subscribe: { orders: '*' }, assign: [queue] };
    await expect(boot(clientFactory, both)).rejects.toThrow('has subscribe and assign');
    const wrong = { name: 'export', group: 'export', drainTimeoutMs: -1 };
    await expect(boot(clientFactory, wrong)).rejects.toThrow('drainTimeoutMs is -1');
  });
});
