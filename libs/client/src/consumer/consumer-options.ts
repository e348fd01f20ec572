import type { AllocateMessageQueueStrategy, ConsumeFromWhere } from '@rocknest/client-core';
import type { RetryPolicy } from '../exceptions/retry-policy.js';
import type { BodyFormat } from '../serde/body-format.js';
import type { MessageDeserializer } from '../serde/message-deserializer.js';
import type { StandardSchema } from '../typed-topic/standard-schema.js';
import type { TypedTopic } from '../typed-topic/typed-topic.js';

/** What a consumer group has once: handlers of one group that give different values are refused at boot. */
export interface ConsumerGroupOptions {
  /**
   * How messages come: `pull` (members share the queues out and pull), or `pop` (brokers of 5.0 and later hand each message out to some member, which
   * acknowledges it by itself: more members than queues, and no queue that waits for one slow message).
   * @default 'pull'
   */
  mode?: 'pull' | 'pop';
  /** With `mode: 'pop'`: ms for which a message is this process's alone before the broker gives it to another, 5000 to 300000. @default 60000 */
  invisibleTimeMs?: number;
  /** With `mode: 'pop'`: ms for which that time is renewed while a handler runs; 0 for never. @default 900000 */
  renewInvisibleTimeForMs?: number;
  /** With `mode: 'pop'`: messages asked for in one pop, 1 to 32. @default 32 */
  popBatchNums?: number;
  /** With `mode: 'pop'`: messages held for one broker and topic before its pops pause. @default 96 */
  popThresholdForQueue?: number;
  /** With `mode: 'pop'`: members whose queues each member pops beside its own; up to 0 all. @default -1 */
  popShareQueueNum?: number;
  /** With `mode: 'pop'`: tell brokers that let the group pull to let it pop; false does what an administrator told them. @default true */
  setMessageRequestMode?: boolean;
  /**
   * CLUSTERING: the members of the group (all processes of the application) share the messages. BROADCASTING: each process gets every message, keeps
   * its own offsets in a file, and a message whose handler failed is logged and dropped.
   * @default 'CLUSTERING'
   */
  messageModel?: 'CLUSTERING' | 'BROADCASTING';
  /** BROADCASTING: folder of the offset files; the process needs the same `instanceName` (and `clientIp`) at its next start. @default `~/.rocketmq_offsets` */
  localOffsetStoreDir?: string;
  /** BROADCASTING: `RETRY` handles a failed message again in this process, `maxReconsumeTimes` times, before it is dropped. @default 'DROP' */
  broadcastFailure?: 'DROP' | 'RETRY';
  /**
   * Where a group that has no offsets yet begins; one that the broker knows goes on where it was, whatever this says. On a young
   * topic, whose first messages are all still there, the broker lets a new group begin at the first one.
   * @default 'CONSUME_FROM_LAST_OFFSET'
   */
  consumeFromWhere?: ConsumeFromWhere;
  /** With CONSUME_FROM_TIMESTAMP: a Date, ms since 1970, or `yyyyMMddHHmmss` in local time. @default 30 minutes ago */
  consumeTimestamp?: string | number | Date;
  /** Redeliveries before a message rests in `%DLQ%group`. @default -1: 16; orderly: it comes again until it is handled */
  maxReconsumeTimes?: number;
  /** Messages asked for in one pull. @default 32 */
  pullBatchSize?: number;
  /** Body bytes asked for in one pull (5.x brokers). @default 262144 */
  pullBatchSizeBytes?: number;
  /** Messages held for one queue before its pulls pause. @default 1000 */
  pullThresholdForQueue?: number;
  /** MiB held for one queue before its pulls pause. @default 100 */
  pullThresholdSizeForQueueMiB?: number;
  /** Messages held for all queues of a topic together, shared out among those of this member; overrules `pullThresholdForQueue`. @default -1: none */
  pullThresholdForTopic?: number;
  /** The same in MiB; overrules `pullThresholdSizeForQueueMiB`. @default -1: none */
  pullThresholdSizeForTopicMiB?: number;
  /**
   * Concurrent handlers: ms after which a message whose handler has not ended is sent back (delay level 3), so that it does not keep the offset of its
   * queue back; also the time between two looks. @default 900000
   */
  consumeTimeoutMs?: number;
  /** Offsets between the first and the last held message of a queue before its pulls pause. @default 2000 */
  consumeConcurrentlyMaxSpan?: number;
  /** Orderly: ms for which a queue rests after a failure, 10 to 30000. @default 1000 */
  suspendCurrentQueueTimeMillis?: number;
  /** ms between two looks at who shares the queues. @default 20000 */
  rebalanceIntervalMs?: number;
  /** How the members of the group share the queues out; the same for all members, in whatever language. @default averagely */
  allocateMessageQueueStrategy?: AllocateMessageQueueStrategy;
}

/** The names of `ConsumerGroupOptions`, for the code that merges them. */
export const CONSUMER_GROUP_OPTION_NAMES = [
  'mode',
  'invisibleTimeMs',
  'renewInvisibleTimeForMs',
  'popBatchNums',
  'popThresholdForQueue',
  'popShareQueueNum',
  'setMessageRequestMode',
  'messageModel',
  'localOffsetStoreDir',
  'broadcastFailure',
  'consumeFromWhere',
  'consumeTimestamp',
  'maxReconsumeTimes',
  'pullBatchSize',
  'pullBatchSizeBytes',
  'pullThresholdForQueue',
  'pullThresholdSizeForQueueMiB',
  'pullThresholdForTopic',
  'pullThresholdSizeForTopicMiB',
  'consumeTimeoutMs',
  'consumeConcurrentlyMaxSpan',
  'suspendCurrentQueueTimeMillis',
  'rebalanceIntervalMs',
  'allocateMessageQueueStrategy',
] as const satisfies readonly (keyof ConsumerGroupOptions)[];

/** What each handler has for itself. */
export interface HandlerOptions {
  /** Consumer group. @default the `group` of the `RocketMQServer` */
  group?: string;
  /** Tags to receive: `'created'`, `'created || paid'`, `['created', 'paid']`, `'*'`. @default '*': all */
  tags?: string | readonly string[];
  /**
   * SQL92 expression over the properties, instead of tags: `"region = 'eu' AND amount > 100"`. Checked at boot. Only one handler of a group may take a
   * topic by it. @default none
   */
  sql?: string;
  /** Messages that this handler works on at once in this process; orderly: one for each queue at most. @default 20 */
  concurrency?: number;
  /** What becomes of messages whose handling failed, by the error. @default every error is retried at the usual pace */
  retry?: RetryPolicy;
  /**
   * The handler gets arrays of up to `maxMessages` payloads. Such a handler needs a group of its own. It fails on single messages by returning the
   * array of `Promise.allSettled`, or by throwing `BatchFailure`.
   */
  batch?: { maxMessages: number };
  /** How the body becomes the payload. @default that of the `RocketMQServer` */
  deserializer?: BodyFormat | MessageDeserializer;
  /**
   * What payloads must fit, of any Standard Schema library; the handler gets what the schema makes of them. What does not fit is dead-lettered with
   * its reason. @default that of the topic, when it is one of `defineTopic`
   */
  schema?: StandardSchema;
}

/** The `extras` of `@EventPattern(pattern, extras)` and `@MessagePattern(pattern, extras)` that this transport reads. */
export interface ConsumerExtras extends ConsumerGroupOptions, HandlerOptions {
  /** True: as with `@OrderlyConsumer`. The handlers of a group agree in this. @default false */
  orderly?: boolean;
}

/** Options of `@ConcurrentConsumer`. */
export interface ConcurrentConsumerOptions extends Omit<ConsumerExtras, 'orderly' | 'suspendCurrentQueueTimeMillis'> {
  /** A name, or a topic of `defineTopic`. */
  topic: string | TypedTopic;
  /** `transportId` of the `RocketMQServer` that the handler belongs to, when an application has several. @default ROCKETMQ_TRANSPORT */
  transport?: symbol;
}

/** Options of `@OrderlyConsumer`. */
export interface OrderlyConsumerOptions extends Omit<
  ConsumerExtras,
  'orderly' | 'consumeConcurrentlyMaxSpan' | 'consumeTimeoutMs'
> {
  /** A name, or a topic of `defineTopic`. */
  topic: string | TypedTopic;
  /** `transportId` of the `RocketMQServer` that the handler belongs to, when an application has several. @default ROCKETMQ_TRANSPORT */
  transport?: symbol;
}
