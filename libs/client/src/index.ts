// Module and producers
export { RocketMQModule, type RocketMQFeature } from './module/rocketmq.module.js';
export type {
  ProducerAsyncDefinition,
  RocketMQModuleOptions,
  RocketMQOptionsFactory,
} from './module/rocketmq-module.options.js';
export { RocketMQProducer } from './producer/rocketmq.producer.js';
export type { OutgoingMessage } from './producer/outgoing-message.js';
export type { ProducerDefinition, ProducerOptions } from './producer/producer-options.js';
export { InjectClient, InjectProducer } from './producer/inject-producer.decorator.js';
export { getClientToken, getLitePullConsumerToken, getProducerToken, ROCKETMQ_TRANSPORT } from './tokens.js';

// Transactions
export { TransactionListener } from './transaction/transaction-listener.decorator.js';
export {
  createTransactionOutcomeTable,
  dropTransactionOutcomeTable,
  transactionOutcomeSchema,
  type OutcomeQueryRunner,
} from './transaction/outcome-table.js';
export type {
  TransactionDataSource,
  TransactionManager,
  TransactionOptions,
} from './transaction/transaction-database.js';
export {
  LocalTransactionState,
  type TransactionListener as RocketMQTransactionListener,
  type TransactionMessage,
  type TransactionSendOptions,
  type TransactionSendResult,
} from '@rocknest/client-core';

// Consumers
export { RocketMQConsumers } from './module/rocketmq-consumers.js';
export type { ConsumerTarget, PausedConsumer } from './server/consumer-target.js';
export { RocketMQServer } from './server/rocketmq.server.js';
export type { RocketMQStatus } from './support/broker-links.js';
export type { RocketMQServerOptions } from './server/rocketmq-server.options.js';
export { ConcurrentConsumer } from './consumer/concurrent-consumer.decorator.js';
export { OrderlyConsumer } from './consumer/orderly-consumer.decorator.js';
export type {
  ConcurrentConsumerOptions,
  ConsumerExtras,
  ConsumerGroupOptions,
  HandlerOptions,
  OrderlyConsumerOptions,
} from './consumer/consumer-options.js';
export {
  AllocateMachineRoomNearby,
  AllocateMessageQueueAveragely,
  AllocateMessageQueueAveragelyByCircle,
  AllocateMessageQueueByConfig,
  AllocateMessageQueueByMachineRoom,
  AllocateMessageQueueConsistentHash,
  type AllocateMessageQueueStrategy,
  type ConsistentHashFunction,
  type MachineRoomResolver,
} from '@rocknest/client-core';
export { RocketMQContext } from './context/rocketmq.context.js';

// ClientProxy
export { RocketMQClient, type RocketMQClientOptions } from './client-proxy/rocketmq.client.js';
export { RocketMQRecord, RocketMQRecordBuilder, type RocketMQRecordOptions } from './record/rocketmq-record.js';

// Messages that are asked for
export { InjectLitePullConsumer } from './lite-pull/inject-lite-pull-consumer.decorator.js';
export type { LitePullConsumerDefinition } from './lite-pull/lite-pull-options.js';
export { LitePullConsumer, type CommitOptions, type IterationOptions, type QueueOffset } from '@rocknest/client-core';
// Which queue a message goes to
export {
  selectMessageQueueByHash,
  selectMessageQueueByMachineRoom,
  selectMessageQueueByRandom,
  type MessageQueueSelector,
} from '@rocknest/client-core';
// Typed topics
export { defineTopic, TypedTopic } from './typed-topic/typed-topic.js';
export { PayloadValidationError, type PayloadIssue } from './typed-topic/payload-validation.error.js';
export type { StandardIssue, StandardResult, StandardSchema } from './typed-topic/standard-schema.js';

// Payloads
export { BODY_FORMAT_PROPERTY, type BodyFormat } from './serde/body-format.js';
export { DefaultMessageDeserializer, type MessageDeserializer } from './serde/message-deserializer.js';
export { DefaultMessageSerializer, type MessageSerializer, type SerializedBody } from './serde/message-serializer.js';

// Exceptions and errors
export { BatchFailure, RetryLater, SendToDlq, Skip, SuspendQueue } from './exceptions/outcome-exceptions.js';
export type { ErrorMatcher, RetryPolicy } from './exceptions/retry-policy.js';
export { FailureProperty, type MessageFailure } from './exceptions/failure-reason.js';
export { RocketMQException } from './exceptions/rocketmq.exception.js';
export { RocketMQExceptionFilter } from './exceptions/rocketmq-exception.filter.js';
export { RocketMQPluginError, RocketMQPluginErrorCode } from './errors.js';
export { MQBrokerError, MQClientError, MQClientErrorCode, RocknestError } from '@rocknest/client-core';

// The clients underneath, and how a test puts doubles in their place
export type {
  ConnectionOptions,
  ProducerPort,
  LitePullConsumerPort,
  PushConsumerPort,
  RocketMQClientFactory,
} from './core-port.js';
export type {
  ConsumeFromWhere,
  MessageExt,
  MessageQueue,
  QueryMessageOptions,
  QueryResult,
  SendCallback,
  SendInBatchesOptions,
  SendOptions,
  SendResult,
  SendStatus,
} from '@rocknest/client-core';
