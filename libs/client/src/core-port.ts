import {
  LitePullConsumer,
  Producer,
  PushConsumer,
  type ClientOptions,
  type ListenerTraits,
  type LitePullConsumerOptions,
  type MessageExt,
  type MessageInput,
  type MessageListener,
  type MessageListenerOrderly,
  type MessageQueue,
  type MessageSelector,
  type ProducerOptions,
  type PushConsumerOptions,
  type QueryMessageOptions,
  type QueueSelector,
  type QueryResult,
  type ReplyInput,
  type RequestOptions,
  type SendCallback,
  type SendInBatchesOptions,
  type SendOptions,
  type SendResult,
  type TransactionSendOptions,
  type TransactionSendResult,
} from '@rocknest/client-core';

/** What this package needs of client-core's `Producer`. */
export interface ProducerPort {
  start(): Promise<void>;
  shutdown(): Promise<void>;
  send(message: MessageInput | readonly MessageInput[], options?: SendOptions): Promise<SendResult>;
  sendInBatches(messages: readonly MessageInput[], options?: SendInBatchesOptions): Promise<SendResult[]>;
  sendAsync(message: MessageInput, callback: SendCallback, options?: SendOptions): void;
  sendOneway(message: MessageInput, options?: Pick<SendOptions, 'queue'>): Promise<void>;
  request(message: MessageInput, options?: RequestOptions): Promise<MessageExt>;
  reply(request: MessageExt, reply: ReplyInput, options?: Pick<SendOptions, 'timeoutMs'>): Promise<void>;
  sendMessageInTransaction(
    message: MessageInput,
    arg?: unknown,
    options?: TransactionSendOptions,
  ): Promise<TransactionSendResult>;
  recallMessage(topic: string, recallHandle: string): Promise<string>;
  fetchPublishMessageQueues(topic: string): Promise<MessageQueue[]>;
  queryMessage(topic: string, key: string, options?: QueryMessageOptions): Promise<QueryResult>;
  viewMessage(topic: string, msgId: string): Promise<MessageExt>;
}

/** What this package needs of client-core's `PushConsumer`. */
export interface PushConsumerPort {
  subscribe(topic: string, selector?: string | MessageSelector): void;
  registerMessageListener(listener: MessageListener, traits?: ListenerTraits): void;
  registerMessageListenerOrderly(listener: MessageListenerOrderly, traits?: ListenerTraits): void;
  start(): Promise<void>;
  readonly isSuspended: boolean;
  readonly pausedQueues: readonly QueueSelector[];
  /** No pull and no listener begins until `resume`. */
  suspend(): void;
  resume(): void;
  /** The same for topics or single queues. */
  pauseQueues(...selectors: readonly QueueSelector[]): void;
  /** Ends pauses of these, of all without an argument. */
  resumeQueues(...selectors: readonly QueueSelector[]): void;
  /** No further pull, and no message that the listener has not got yet is given to it; what runs goes on and counts. */
  stopIntake(): void;
  /** Waits at most `timeoutMs` for running listeners, commits offsets last. */
  shutdown(options?: { timeoutMs?: number }): Promise<void>;
}

/** client-core's `LitePullConsumer`, as applications see it. */
export type LitePullConsumerPort = Pick<LitePullConsumer, keyof LitePullConsumer>;

/** Makes the clients that talk to the bus. Tests of an application may put doubles in their place (`clientFactory`). */
export interface RocketMQClientFactory {
  createProducer(options: ProducerOptions): ProducerPort;
  createPushConsumer(options: PushConsumerOptions): PushConsumerPort;
  createLitePullConsumer(options: LitePullConsumerOptions): LitePullConsumerPort;
}

/** The real ones. */
export const coreClientFactory: RocketMQClientFactory = {
  createProducer: (options) => new Producer(options),
  createPushConsumer: (options) => new PushConsumer(options),
  createLitePullConsumer: (options) => new LitePullConsumer(options),
};

/** Options that this package sets itself. */
type OwnOptions = 'logger' | 'onStatus' | 'shutdownTimeoutMs';

/** Options of the connection that producers and consumers share; see `ClientOptions` of client-core for each. */
export interface ConnectionOptions extends Omit<ClientOptions, OwnOptions> {
  /** Doubles for tests. @default the real clients */
  clientFactory?: RocketMQClientFactory;
}

/** Options of a producer that go to client-core. */
export type CoreProducerOptions = Omit<ProducerOptions, OwnOptions | 'group' | 'transactionListener'>;
