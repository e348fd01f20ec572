import type { ConsumerRunningInfo, ProcessQueueInfo, SubscriptionData } from '@rocknest/protocol';
import type { ConsumeStats } from './consume-stats.js';
import type { PopConsumption } from './pop/pop-consumption.js';
import type { ResolvedPushConsumerOptions } from './push-consumer-options.js';
import type { ConsumeQueueRef } from './queue-ref.js';
import type { AssignedQueue } from './rebalance.js';

export interface RunningInfoSource {
  options: ResolvedPushConsumerOptions;
  orderly: boolean;
  startedMs: number;
  subscriptions: SubscriptionData[];
  queues: readonly AssignedQueue[];
  /** What is popped; undefined with `mode: 'pull'`. */
  pops: PopConsumption['queues'] | undefined;
  offsetOf(queue: ConsumeQueueRef): number | undefined;
  stats: ConsumeStats;
  runningCount: number;
}

const MIB = 1024 * 1024;

/** One pulled queue, as tools see it. */
export function queueInfo({ processQueue }: AssignedQueue, commitOffset: number): ProcessQueueInfo {
  const range = processQueue.range;
  return {
    commitOffset,
    cachedMsgMinOffset: range?.minOffset ?? 0,
    cachedMsgMaxOffset: range?.maxOffset ?? 0,
    cachedMsgCount: processQueue.messageCount,
    cachedMsgSizeInMiB: Math.floor(processQueue.sizeBytes / MIB),
    transactionMsgMinOffset: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgCount: 0,
    locked: processQueue.locked,
    tryUnlockTimes: processQueue.tryUnlockTimes,
    lastLockTimestamp: processQueue.lastLockMs,
    droped: processQueue.dropped,
    lastPullTimestamp: processQueue.lastPullMs,
    lastConsumeTimestamp: processQueue.lastConsumeMs,
  };
}

/** What GET_CONSUMER_RUNNING_INFO is answered with (RocketMQ: `DefaultMQPushConsumerImpl.consumerRunningInfo`). */
export function runningInfoOf(source: RunningInfoSource): ConsumerRunningInfo {
  const { options, stats } = source;
  return {
    properties: {
      PROP_CLIENT_VERSION: 'rocknest',
      PROP_CONSUMEORDERLY: String(source.orderly),
      PROP_CONSUMER_START_TIMESTAMP: String(source.startedMs),
      PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
      PROP_NAMESERVER_ADDR: options.client.namesrvAddresses.join(';'),
      PROP_THREADPOOL_CORE_SIZE: String(options.concurrency),
      consumerGroup: options.group,
      consumeFromWhere: options.consumeFromWhere,
      consumeMessageBatchMaxSize: String(options.batchMaxSize),
      maxReconsumeTimes: String(options.maxReconsumeTimes),
      messageModel: options.model.messageModel,
      pullBatchSize: String(options.pullBatchSize),
      pullThresholdForQueue: String(options.limits.maxMessages),
      runningHandlers: String(source.runningCount),
    },
    subscriptionSet: source.subscriptions,
    mqTable: source.queues.map((entry) => {
      const { topic, brokerName, queueId } = entry.processQueue.queue;
      return {
        queue: { topic, brokerName, queueId },
        value: queueInfo(entry, source.offsetOf(entry.processQueue.queue) ?? -1),
      };
    }),
    ...(source.pops && {
      mqPopTable: source.pops.map(({ queue, held, lastPopMs }) => ({
        queue,
        value: { waitAckCount: held, droped: false, lastPopTimestamp: lastPopMs },
      })),
    }),
    statusTable: Object.fromEntries(source.subscriptions.map(({ topic }) => [topic, stats.status(topic)])),
    userConsumerInfo: {},
  };
}
