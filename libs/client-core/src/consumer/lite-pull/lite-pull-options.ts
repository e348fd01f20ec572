import type { ConsumeFromWhere } from '@rocknest/protocol';
import * as defaults from '../../defaults.js';
import type { ClientOptions, ResolvedClientOptions } from '../../options.js';
import { integerOption, invalidArgument } from '../../support/check.js';
import type { AllocateMessageQueueStrategy } from '../allocate/allocate-strategy.js';
import { resolveMessageModel, type MessageModelOptions, type ResolvedMessageModel } from '../message-model.js';
import { resolvePushConsumerOptions } from '../push-consumer-options.js';

/** RocketMQ's names and defaults (`client/consumer/DefaultLitePullConsumer.java`); times are ms. */
export interface LitePullConsumerOptions extends ClientOptions, MessageModelOptions {
  /** Members of one group share the queues of what they subscribe to; with `assign` it only names the offsets. */
  group: string;
  /** Where a queue begins that has no offset yet: CONSUME_FROM_LAST_OFFSET. */
  consumeFromWhere?: ConsumeFromWhere;
  /** For CONSUME_FROM_TIMESTAMP: a Date, ms since 1970, or `yyyyMMddHHmmss` in local time. Default: 30 minutes before the queue is taken. */
  consumeTimestamp?: string | number | Date;
  /** True (default): messages count as consumed when the next are asked for, and offsets are written by themselves. False: at `commit`. */
  autoCommit?: boolean;
  /** Between two writes of offsets with `autoCommit`: 5,000. */
  autoCommitIntervalMs?: number;
  /** Messages for one pull, and the most of one `poll`: 10. */
  pullBatchSize?: number;
  /** Body bytes for one pull, 5.x brokers: 256 KiB. */
  pullBatchSizeBytes?: number;
  /** How long `poll` waits when it is not told: 5,000. */
  pollTimeoutMs?: number;
  /** Messages of all queues that wait to be polled before pulls pause: 10,000. */
  pullThresholdForAll?: number;
  /** Messages held for each queue before its pulls pause: 1,000. */
  pullThresholdForQueue?: number;
  /** MiB held for each queue before its pulls pause: 100. */
  pullThresholdSizeForQueueMiB?: number;
  /** Offsets between the first held message of a queue and the last one pulled, before its pulls pause: 2,000. */
  consumeMaxSpan?: number;
  /** Between two rebalances: 20,000. */
  rebalanceIntervalMs?: number;
  /** Between two looks whether the queues of a listened topic changed: 30,000. */
  topicMetadataCheckIntervalMs?: number;
  /** How queues are shared out: averagely. Must be the same for all members. */
  allocateMessageQueueStrategy?: AllocateMessageQueueStrategy;
  /** Pulls go to the broker of this id (0 the master, from 1 on slaves), whatever the brokers suggest (`connectBrokerByUser`). */
  pullFromBrokerId?: number;
}

/** The options, checked and complete. */
export interface ResolvedLitePullOptions {
  client: ResolvedClientOptions;
  model: ResolvedMessageModel;
  group: string;
  consumeFromWhere: ConsumeFromWhere;
  timestampMs: () => number;
  autoCommit: boolean;
  autoCommitIntervalMs: number;
  pullBatchSize: number;
  pullBatchSizeBytes: number;
  pollTimeoutMs: number;
  thresholdForAll: number;
  limits: { maxMessages: number; maxBytes: number; maxSpan: number };
  rebalanceIntervalMs: number;
  metadataCheckIntervalMs: number;
  strategy: AllocateMessageQueueStrategy;
  pullFromBrokerId: number | undefined;
}

/** @throws MQClientError INVALID_ARGUMENT for what is no broker id. */
export function brokerIdOption(value: number | undefined): number | undefined {
  return value === undefined ? undefined : integerOption('pullFromBrokerId', value, 0, 0);
}

/** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
export function resolveLitePullOptions(options: LitePullConsumerOptions): ResolvedLitePullOptions {
  const { autoCommit = true } = options;
  if (typeof autoCommit !== 'boolean')
    throw invalidArgument(`option autoCommit is ${String(autoCommit)}, must be true or false`);
  // What both kinds of consumers have is checked in one place.
  const common = resolvePushConsumerOptions({
    ...options,
    pullBatchSize: options.pullBatchSize ?? defaults.LITE_PULL_BATCH_SIZE,
    ...(options.consumeMaxSpan !== undefined && { consumeConcurrentlyMaxSpan: options.consumeMaxSpan }),
  });
  return {
    client: common.client,
    model: resolveMessageModel(options),
    group: common.group,
    consumeFromWhere: common.consumeFromWhere,
    timestampMs: common.timestampMs,
    autoCommit,
    autoCommitIntervalMs: integerOption(
      'autoCommitIntervalMs',
      options.autoCommitIntervalMs,
      defaults.AUTO_COMMIT_INTERVAL_MS,
      10,
    ),
    pullBatchSize: common.pullBatchSize,
    pullBatchSizeBytes: common.pullBatchSizeBytes,
    pollTimeoutMs: integerOption('pollTimeoutMs', options.pollTimeoutMs, defaults.POLL_TIMEOUT_MS, 0),
    thresholdForAll: integerOption('pullThresholdForAll', options.pullThresholdForAll, defaults.PULL_THRESHOLD_FOR_ALL),
    limits: common.limits,
    rebalanceIntervalMs: common.rebalanceIntervalMs,
    metadataCheckIntervalMs: integerOption(
      'topicMetadataCheckIntervalMs',
      options.topicMetadataCheckIntervalMs,
      defaults.TOPIC_METADATA_CHECK_INTERVAL_MS,
      10,
    ),
    strategy: common.strategy,
    pullFromBrokerId: brokerIdOption(options.pullFromBrokerId),
  };
}
