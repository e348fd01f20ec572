import type { AllocateMessageQueueStrategy, ConsumeFromWhere } from '@rocknest/client-core';
import type { BodyFormat } from '../serde/body-format.js';
import type { MessageDeserializer } from '../serde/message-deserializer.js';

/** What a consumer group has once: handlers of one group that give different values are refused at boot. */
export interface ConsumerGroupOptions {
  /**
   * Where a group that has no offsets yet begins; one that the broker knows goes on where it was, whatever this says. On a young
   * topic, whose first messages are all still there, the broker lets a new group begin at the first one.
   * @default 'CONSUME_FROM_LAST_OFFSET'
   */
  consumeFromWhere?: ConsumeFromWhere;
  /** With CONSUME_FROM_TIMESTAMP: a Date, ms since 1970, or `yyyyMMddHHmmss` in local time. @default 30 minutes ago */
  consumeTimestamp?: string | number | Date;
  /** Redeliveries before a message rests in `%DLQ%group`. @default -1: 16 */
  maxReconsumeTimes?: number;
  /** Messages asked for in one pull. @default 32 */
  pullBatchSize?: number;
  /** Body bytes asked for in one pull (5.x brokers). @default 262144 */
  pullBatchSizeBytes?: number;
  /** Messages held for one queue before its pulls pause. @default 1000 */
  pullThresholdForQueue?: number;
  /** MiB held for one queue before its pulls pause. @default 100 */
  pullThresholdSizeForQueueMiB?: number;
  /** Offsets between the first and the last held message of a queue before its pulls pause. @default 2000 */
  consumeConcurrentlyMaxSpan?: number;
  /** ms between two looks at who shares the queues. @default 20000 */
  rebalanceIntervalMs?: number;
  /** How the members of the group share the queues out; the same for all members, in whatever language. @default averagely */
  allocateMessageQueueStrategy?: AllocateMessageQueueStrategy;
}

/** The names of `ConsumerGroupOptions`, for the code that merges them. */
export const CONSUMER_GROUP_OPTION_NAMES = [
  'consumeFromWhere',
  'consumeTimestamp',
  'maxReconsumeTimes',
  'pullBatchSize',
  'pullBatchSizeBytes',
  'pullThresholdForQueue',
  'pullThresholdSizeForQueueMiB',
  'consumeConcurrentlyMaxSpan',
  'rebalanceIntervalMs',
  'allocateMessageQueueStrategy',
] as const satisfies readonly (keyof ConsumerGroupOptions)[];

/** What each handler has for itself. */
export interface HandlerOptions {
  /** Consumer group. @default the `group` of the `RocketMQServer` */
  group?: string;
  /** Tags to receive: `'created'`, `'created || paid'`, `['created', 'paid']`, `'*'`. @default '*': all */
  tags?: string | readonly string[];
  /** Messages that this handler works on at once in this process. @default 20 */
  concurrency?: number;
  /** The handler gets arrays of up to `maxMessages` payloads. Such a handler needs a group of its own. */
  batch?: { maxMessages: number };
  /** How the body becomes the payload. @default that of the `RocketMQServer` */
  deserializer?: BodyFormat | MessageDeserializer;
}

/** The `extras` of `@EventPattern(pattern, extras)` and `@MessagePattern(pattern, extras)` that this transport reads. */
export interface ConsumerExtras extends ConsumerGroupOptions, HandlerOptions {}

/** Options of `@ConcurrentConsumer`. */
export interface ConcurrentConsumerOptions extends ConsumerExtras {
  topic: string;
  /** `transportId` of the `RocketMQServer` that the handler belongs to, when an application has several. @default ROCKETMQ_TRANSPORT */
  transport?: symbol;
}
