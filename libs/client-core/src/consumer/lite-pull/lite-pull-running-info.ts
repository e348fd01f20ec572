import type { ConsumerRunningInfo, SubscriptionData } from '@rocknest/protocol';
import type { ConsumeQueueRef } from '../queue-ref.js';
import type { AssignedQueue } from '../rebalance.js';
import { queueInfo } from '../running-info.js';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';
import type { SubscriptionMode } from './lite-pull-subscriptions.js';

/** What GET_CONSUMER_RUNNING_INFO is answered with (RocketMQ: `DefaultLitePullConsumerImpl.consumerRunningInfo`). */
export function litePullRunningInfo(source: {
  options: ResolvedLitePullOptions;
  mode: SubscriptionMode;
  startedMs: number;
  subscriptions: SubscriptionData[];
  queues: readonly AssignedQueue[];
  offsetOf(queue: ConsumeQueueRef): number | undefined;
}): ConsumerRunningInfo {
  const { options } = source;
  return {
    properties: {
      PROP_CLIENT_VERSION: 'rocknest',
      PROP_CONSUMEORDERLY: 'false',
      PROP_CONSUMER_START_TIMESTAMP: String(source.startedMs),
      PROP_CONSUME_TYPE: 'CONSUME_ACTIVELY',
      PROP_NAMESERVER_ADDR: options.client.namesrvAddresses.join(';'),
      PROP_THREADPOOL_CORE_SIZE: '0',
      autoCommit: String(options.autoCommit),
      consumerGroup: options.group,
      consumeFromWhere: options.consumeFromWhere,
      messageModel: options.model.messageModel,
      pullBatchSize: String(options.pullBatchSize),
      pullThresholdForAll: String(options.thresholdForAll),
      pullThresholdForQueue: String(options.limits.maxMessages),
      subscriptionType: source.mode,
    },
    subscriptionSet: source.subscriptions,
    mqTable: source.queues.map((entry) => {
      const { topic, brokerName, queueId } = entry.processQueue.queue;
      const commitOffset = source.offsetOf(entry.processQueue.queue) ?? -1;
      return { queue: { topic, brokerName, queueId }, value: queueInfo(entry, commitOffset) };
    }),
    statusTable: {},
    userConsumerInfo: {},
  };
}
