import type { BodyFormat } from '../serde/body-format.js';
import type { MessageDeserializer } from '../serde/message-deserializer.js';

/**
 * Where a consumer group that has no offsets yet begins. A group that the broker knows goes on where it was, whatever this says.
 * On a young topic, whose first messages are all still there, the broker lets a new group begin at the first one.
 */
export type ConsumeFromWhere = 'CONSUME_FROM_LAST_OFFSET' | 'CONSUME_FROM_FIRST_OFFSET' | 'CONSUME_FROM_TIMESTAMP';

/** What a consumer group has once: handlers of one group that give different values are refused at boot. */
export interface ConsumerGroupOptions {
  /** @default 'CONSUME_FROM_LAST_OFFSET' */
  consumeFromWhere?: ConsumeFromWhere;
  /** With CONSUME_FROM_TIMESTAMP: `yyyyMMddHHmmss`, local time. @default 30 minutes ago */
  consumeTimestamp?: string;
  /** Redeliveries before a message rests in `%DLQ%group`. @default -1: the broker's 16 */
  maxReconsumeTimes?: number;
  /** Messages asked for in one pull. @default 32 */
  pullBatchSize?: number;
  /** Messages held for one queue before its pulls pause. @default 1000 */
  pullThresholdForQueue?: number;
  /** MiB held for one queue before its pulls pause. @default 100 */
  pullThresholdSizeForQueue?: number;
}

/** The names of `ConsumerGroupOptions`, for the code that merges them. */
export const CONSUMER_GROUP_OPTION_NAMES = [
  'consumeFromWhere',
  'consumeTimestamp',
  'maxReconsumeTimes',
  'pullBatchSize',
  'pullThresholdForQueue',
  'pullThresholdSizeForQueue',
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
