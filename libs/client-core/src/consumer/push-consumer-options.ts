import { isSystemGroup, validateGroup, type ConsumeFromWhere } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import { resolveClientOptions, type ClientOptions, type ResolvedClientOptions } from '../options.js';
import { integerOption, invalidArgument } from '../support/check.js';
import { AllocateMessageQueueAveragely } from './allocate/allocate-averagely.js';
import type { AllocateMessageQueueStrategy } from './allocate/allocate-strategy.js';
import { consumeTimestampMs } from './consume-from-where.js';
import {
  resolveMessageModel,
  withStableInstance,
  type BroadcastFailures,
  type MessageModelOptions,
  type ResolvedMessageModel,
} from './message-model.js';
import { resolvePopOptions, type PopOptions, type ResolvedPopOptions } from './pop/pop-options.js';
import type { ProcessQueueLimits } from './process-queue.js';
import type { TopicLimits } from './queue-limits.js';

/** RocketMQ's names and defaults where it has them (`client/consumer/DefaultMQPushConsumer.java`). */
export interface PushConsumerOptions extends ClientOptions, PopOptions, MessageModelOptions {
  /** Members of one group share the queues; every group gets every message. */
  group: string;
  /** Where a group begins that has no offset yet: CONSUME_FROM_LAST_OFFSET. */
  consumeFromWhere?: ConsumeFromWhere;
  /** For CONSUME_FROM_TIMESTAMP: a Date, ms since 1970, or `yyyyMMddHHmmss` in local time. Default: 30 minutes before the consumer was made. */
  consumeTimestamp?: string | number | Date;
  /**
   * How messages come: `pull` (default: members share the queues out among themselves, and pull) or `pop` (brokers of 5.0 and later hand each
   * message out to some member and take single acknowledgements; any member may have messages of any queue).
   */
  mode?: 'pull' | 'pop';
  /** Handlers running at once, over all queues (`consumeThreadMax`): 20. */
  concurrency?: number;
  /** Messages for one call of the listener: 1. */
  consumeMessageBatchMaxSize?: number;
  /** Messages for one pull: 32. */
  pullBatchSize?: number;
  /** Body bytes for one pull, 5.x brokers: 256 KiB. */
  pullBatchSizeBytes?: number;
  /** Messages held for each queue before its pulls pause: 1,000. */
  pullThresholdForQueue?: number;
  /** MiB held for each queue before its pulls pause: 100. */
  pullThresholdSizeForQueueMiB?: number;
  /**
   * Messages held for all queues of a topic together before their pulls pause, shared out among the queues that this member has; overrules
   * `pullThresholdForQueue`. -1 (default): none.
   */
  pullThresholdForTopic?: number;
  /** The same in MiB; overrules `pullThresholdSizeForQueueMiB`. -1 (default): none. */
  pullThresholdSizeForTopicMiB?: number;
  /** Offsets between the first held message of a queue and the last one pulled, before its pulls pause: 2,000. */
  consumeConcurrentlyMaxSpan?: number;
  /** Redeliveries before the dead letter queue; -1 (default) means 16, and without end for an orderly listener. */
  maxReconsumeTimes?: number;
  /** Concurrent listeners that pull: ms that handling a message may take before it is sent back, and between two looks: 900,000 (15 minutes). */
  consumeTimeoutMs?: number;
  /**
   * BROADCASTING: what becomes of a message whose handler failed. DROP (default, as with Java): it is logged and gone. RETRY: this member handles it
   * again every 5 s, `maxReconsumeTimes` times, and drops it then.
   */
  broadcastFailure?: 'DROP' | 'RETRY';
  /** Orderly listeners: ms for which a queue rests after a failure, 10 to 30,000: 1,000. */
  suspendCurrentQueueTimeMillis?: number;
  /** Orderly listeners: ms between two renewals of the queue locks: 20,000. */
  rebalanceLockIntervalMs?: number;
  /** Orderly listeners: ms for which a lock is relied on after its last renewal, half of the broker's time: 30,000. */
  rebalanceLockMaxLiveMs?: number;
  /** ms between two rebalances: 20,000. */
  rebalanceIntervalMs?: number;
  /** How queues are shared out: averagely. Must be the same for all members. */
  allocateMessageQueueStrategy?: AllocateMessageQueueStrategy;
}

/** The options, checked and complete. */
export interface ResolvedPushConsumerOptions {
  model: ResolvedMessageModel;
  broadcastFailure: BroadcastFailures['broadcastFailure'];
  client: ResolvedClientOptions;
  group: string;
  consumeFromWhere: ConsumeFromWhere;
  /** ms since 1970. */
  timestampMs: () => number;
  concurrency: number;
  batchMaxSize: number;
  pullBatchSize: number;
  pullBatchSizeBytes: number;
  limits: ProcessQueueLimits;
  topicLimits: TopicLimits;
  consumeTimeoutMs: number;
  maxReconsumeTimes: number;
  suspendCurrentQueueMs: number;
  lockIntervalMs: number;
  lockMaxLiveMs: number;
  rebalanceIntervalMs: number;
  strategy: AllocateMessageQueueStrategy;
  /** Undefined with `mode: 'pull'`. */
  pop: ResolvedPopOptions | undefined;
}

const WHERES: readonly string[] = ['CONSUME_FROM_LAST_OFFSET', 'CONSUME_FROM_FIRST_OFFSET', 'CONSUME_FROM_TIMESTAMP'];
const MIB = 1024 * 1024;

/** @throws MQClientError INVALID_ARGUMENT for a group name that brokers refuse or that RocketMQ itself uses. */
export function checkGroup(group: string): void {
  const problem = validateGroup(group);
  if (problem !== undefined) throw invalidArgument(problem, { group });
  if (isSystemGroup(group))
    throw invalidArgument(`group ${group} belongs to RocketMQ itself; choose another name`, { group });
}

function strategyOf(strategy: AllocateMessageQueueStrategy | undefined): AllocateMessageQueueStrategy {
  if (strategy === undefined) return new AllocateMessageQueueAveragely();
  if (typeof strategy?.allocate === 'function' && typeof strategy.name === 'string') return strategy;
  throw invalidArgument('option allocateMessageQueueStrategy must be an object with a name and an allocate function');
}

/** A limit that -1 switches off. */
function topicLimit(name: string, value: number | undefined, max: number, unit = 1): number {
  const given = integerOption(name, value, -1, -1, max);
  if (given === 0) throw invalidArgument(`option ${name} is 0, must be -1 for none, or from 1 to ${max}`);
  return given < 0 ? Infinity : given * unit;
}

function resolveLockOptions(
  options: PushConsumerOptions,
): Pick<ResolvedPushConsumerOptions, 'suspendCurrentQueueMs' | 'lockIntervalMs' | 'lockMaxLiveMs'> {
  const lockMaxLiveMs = integerOption(
    'rebalanceLockMaxLiveMs',
    options.rebalanceLockMaxLiveMs,
    defaults.REBALANCE_LOCK_MAX_LIVE_MS,
    100,
  );
  return {
    suspendCurrentQueueMs: integerOption(
      'suspendCurrentQueueTimeMillis',
      options.suspendCurrentQueueTimeMillis,
      defaults.SUSPEND_CURRENT_QUEUE_MS,
      defaults.MIN_SUSPEND_CURRENT_QUEUE_MS,
      defaults.MAX_SUSPEND_CURRENT_QUEUE_MS,
    ),
    // A lock must be renewed while it is still relied on.
    lockIntervalMs: integerOption(
      'rebalanceLockIntervalMs',
      options.rebalanceLockIntervalMs,
      Math.min(defaults.REBALANCE_LOCK_INTERVAL_MS, Math.ceil((lockMaxLiveMs * 2) / 3)),
      10,
      lockMaxLiveMs - 1,
    ),
    lockMaxLiveMs,
  };
}

function resolveBroadcastFailure({
  messageModel,
  mode,
  broadcastFailure = 'DROP',
}: PushConsumerOptions): BroadcastFailures['broadcastFailure'] {
  if (broadcastFailure !== 'DROP' && broadcastFailure !== 'RETRY') {
    throw invalidArgument(`option broadcastFailure is "${String(broadcastFailure)}", must be DROP or RETRY`);
  }
  if (messageModel === 'BROADCASTING' && mode === 'pop') {
    throw invalidArgument("messageModel BROADCASTING pulls; with mode: 'pop' brokers hand each message to one member");
  }
  return broadcastFailure;
}

/** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
export function resolvePushConsumerOptions(options: PushConsumerOptions): ResolvedPushConsumerOptions {
  checkGroup(options.group);
  const consumeFromWhere = options.consumeFromWhere ?? 'CONSUME_FROM_LAST_OFFSET';
  if (!WHERES.includes(consumeFromWhere)) {
    throw invalidArgument(`option consumeFromWhere is "${consumeFromWhere}", must be one of ${WHERES.join(', ')}`);
  }
  const strategy = strategyOf(options.allocateMessageQueueStrategy);
  // The default counts from here on, not from when a queue is taken: a queue taken late misses nothing.
  const startMs = consumeTimestampMs(options.consumeTimestamp);
  const client = resolveClientOptions(withStableInstance(options));
  return {
    model: resolveMessageModel(options),
    broadcastFailure: resolveBroadcastFailure(options),
    client,
    group: client.namespace?.wrap(options.group) ?? options.group,
    consumeFromWhere,
    timestampMs: () => startMs,
    concurrency: integerOption('concurrency', options.concurrency, defaults.CONSUME_THREAD_MAX, 1, 100_000),
    batchMaxSize: integerOption(
      'consumeMessageBatchMaxSize',
      options.consumeMessageBatchMaxSize,
      defaults.CONSUME_MESSAGE_BATCH_MAX_SIZE,
      1,
      1_024,
    ),
    pullBatchSize: integerOption('pullBatchSize', options.pullBatchSize, defaults.PULL_BATCH_SIZE, 1, 1_024),
    pullBatchSizeBytes: integerOption('pullBatchSizeBytes', options.pullBatchSizeBytes, defaults.PULL_BATCH_SIZE_BYTES),
    limits: {
      maxMessages: integerOption(
        'pullThresholdForQueue',
        options.pullThresholdForQueue,
        defaults.PULL_THRESHOLD_FOR_QUEUE,
        1,
        65_535,
      ),
      maxBytes:
        integerOption(
          'pullThresholdSizeForQueueMiB',
          options.pullThresholdSizeForQueueMiB,
          defaults.PULL_THRESHOLD_SIZE_FOR_QUEUE_MIB,
          1,
          1_024,
        ) * MIB,
      maxSpan: integerOption(
        'consumeConcurrentlyMaxSpan',
        options.consumeConcurrentlyMaxSpan,
        defaults.CONSUME_CONCURRENTLY_MAX_SPAN,
        1,
        65_535,
      ),
    },
    topicLimits: {
      maxMessages: topicLimit('pullThresholdForTopic', options.pullThresholdForTopic, 6_553_500),
      maxBytes: topicLimit('pullThresholdSizeForTopicMiB', options.pullThresholdSizeForTopicMiB, 102_400, MIB),
    },
    consumeTimeoutMs: integerOption('consumeTimeoutMs', options.consumeTimeoutMs, defaults.CONSUME_TIMEOUT_MS, 10),
    maxReconsumeTimes: integerOption('maxReconsumeTimes', options.maxReconsumeTimes, -1, -1),
    ...resolveLockOptions(options),
    rebalanceIntervalMs: integerOption(
      'rebalanceIntervalMs',
      options.rebalanceIntervalMs,
      defaults.REBALANCE_INTERVAL_MS,
      10,
    ),
    strategy,
    pop: resolvePopOptions(options, consumeFromWhere, strategy.name),
  };
}
