import type { LitePullConsumerOptions, MessageQueue, MessageSelector } from '@rocknest/client-core';
import type { ConnectionOptions } from '../core-port.js';

/** A lite pull consumer of `RocketMQModule.forFeature`: what `@InjectLitePullConsumer(name)` gets. The options are client-core's, and these. */
export interface LitePullConsumerDefinition
  extends Omit<LitePullConsumerOptions, 'logger' | 'onStatus' | 'shutdownTimeoutMs'>, ConnectionOptions {
  name: string;
  /** Topics that the group shares, each with its tags, `*` for all, or a `MessageSelector`. */
  subscribe?: Readonly<Record<string, string | MessageSelector>>;
  /** Queues that this process reads whatever others do, in place of `subscribe`. */
  assign?: readonly MessageQueue[];
  /** ms that the shutdown of the application waits for the bodies of loops. @default 25000 */
  drainTimeoutMs?: number;
}
