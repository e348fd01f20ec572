import type { BeforeApplicationShutdown, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { LitePullConsumerPort } from '../core-port.js';
import type { LitePullConsumerDefinition } from './lite-pull-options.js';

/**
 * Starts a lite pull consumer with its module, so that it is ready in every `onApplicationBootstrap`, and shuts it down in two steps: loops end after
 * the body that runs (`onModuleDestroy`), and the offsets are written (`beforeApplicationShutdown`), while producers still work.
 */
export class LitePullLifecycle implements OnModuleInit, OnModuleDestroy, BeforeApplicationShutdown {
  constructor(
    private readonly consumer: LitePullConsumerPort,
    private readonly definition: Pick<LitePullConsumerDefinition, 'subscribe' | 'assign'>,
    private readonly drainTimeoutMs: number,
  ) {}

  async onModuleInit(): Promise<void> {
    const { subscribe = {}, assign } = this.definition;
    for (const [topic, selector] of Object.entries(subscribe)) await this.consumer.subscribe(topic, selector);
    if (assign) await this.consumer.assign(assign);
    await this.consumer.start();
  }

  onModuleDestroy(): void {
    this.consumer.stopIntake();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.consumer.shutdown({ timeoutMs: this.drainTimeoutMs });
  }
}
