export { MQAdmin, type MQAdminOptions } from './admin/mq-admin.js';
export type { AdminTarget } from './admin/admin-context.js';
export type { ConsumeProgress } from './admin/group-admin.js';
export type { RollbackStats } from './admin/offset-admin.js';
export type { QueueStats, TopicOptions } from './admin/topic-admin.js';
export {
  AllocateMachineRoomNearby,
  type MachineRoomResolver,
} from './consumer/allocate/allocate-machine-room-nearby.js';
export { AllocateMessageQueueByConfig } from './consumer/allocate/allocate-by-config.js';
export { AllocateMessageQueueByMachineRoom } from './consumer/allocate/allocate-by-machine-room.js';
export {
  AllocateMessageQueueConsistentHash,
  type ConsistentHashFunction,
} from './consumer/allocate/allocate-consistent-hash.js';
export { AllocateMessageQueueAveragelyByCircle } from './consumer/allocate/allocate-averagely-by-circle.js';
export { AllocateMessageQueueAveragely } from './consumer/allocate/allocate-averagely.js';
export type { AllocateMessageQueueStrategy } from './consumer/allocate/allocate-strategy.js';
export {
  ConsumeOrderlyResult,
  ConsumeResult,
  type ConsumeContext,
  type ConsumeOrderlyContext,
  type HandOver,
  type ListenerResult,
  type ListenerTraits,
  type DirectReport,
  type MessageOutcome,
  type MessageListener,
  type MessageListenerOrderly,
  type OrderlyListenerResult,
} from './consumer/consume-types.js';
export { MessageSelector } from './consumer/message-selector.js';
export { PopConsumer, type PopConsumerOptions, type PopOptionsOfCall } from './consumer/pop/pop-consumer.js';
export type { PopOptions } from './consumer/pop/pop-options.js';
export type { QueueSelector } from './consumer/paused-queues.js';
export { LitePullConsumer, type IterationOptions } from './consumer/lite-pull/lite-pull-consumer.js';
export type { CommitOptions, QueueOffset } from './consumer/lite-pull/lite-offsets.js';
export type { LitePullConsumerOptions } from './consumer/lite-pull/lite-pull-options.js';
export type { TopicMessageQueueChangeListener } from './consumer/lite-pull/topic-queue-watch.js';
export type { MessageModelOptions } from './consumer/message-model.js';
export { PullConsumer, type PullOptionsOfCall, type PullResult } from './consumer/pull/pull-consumer.js';
export type { PullConsumerOptions } from './consumer/pull/pull-options.js';
export { PushConsumer } from './consumer/push-consumer.js';
export type { PushConsumerOptions } from './consumer/push-consumer-options.js';
export { MQBrokerError, MQClientError, MQClientErrorCode } from './errors.js';
export { ClientInstanceRegistry } from './instance/client-instance-registry.js';
export type { ConnectionStatus } from './instance/client-members.js';
export { consoleLogger, LogLimiter, silentLogger, type ClientLogger } from './logger.js';
export { withoutNamespace, wrapNamespace } from '@rocknest/protocol';
export { parseNamesrvAddr } from './namesrv/namesrv-addresses.js';
export type { ClientOptions } from './options.js';
export type { MessageInput } from './producer/message-input.js';
export { Producer, type TransactionSendOptions } from './producer/producer.js';
export type { ReplyInput, RequestOptions } from './producer/request-reply.js';
export type { SendInBatchesOptions, SendOptions } from './producer/message-sender.js';
export {
  selectMessageQueueByHash,
  selectMessageQueueByMachineRoom,
  selectMessageQueueByRandom,
  type MessageQueueSelector,
} from './producer/queue-selector.js';
export type { SendCallback } from './producer/send-engine.js';
export type { ProducerOptions } from './producer/producer-options.js';
export type { SendResult, SendStatus } from './producer/send-result.js';
export {
  LocalTransactionState,
  type TransactionListener,
  type TransactionMessage,
  type TransactionSendResult,
} from './producer/transaction-types.js';

export type { QueryMessageOptions, QueryResult } from './query/message-lookup.js';
export type { TraceEntry, TraceQueryOptions } from './query/trace-lookup.js';
export type { TraceOptions } from './trace/trace-options.js';

// What users of this room see of `@rocknest/protocol`: rooms above import this one only.
export {
  getKeys,
  getTags,
  getUniqKey,
  isRetryTopic,
  MessageConst,
  messageQueueKey,
  ConsumeReturnType,
  ResponseCode,
  responseCodeName,
  RocknestError,
  validateGroup,
  TraceMessageType,
  validateTopic,
  type ClusterInfo,
  type ConsumeFromWhere,
  type ConsumeMessageDirectlyResult,
  type ConsumerConnection,
  type ConsumerRunningInfo,
  type HAClientRuntimeInfo,
  type HAConnectionRuntimeInfo,
  type HARuntimeInfo,
  type Message,
  type MessageExt,
  type MessageQueue,
  type QueueTimeSpan,
  type SubscriptionGroupConfig,
  type TopicConfig,
  type TraceContext,
  type TopicRouteData,
} from '@rocknest/protocol';
