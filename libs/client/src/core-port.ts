import {
  Producer,
  PushConsumer,
  type ClientOptions,
  type ConsumeContext,
  type ConsumeResult,
  type MessageExt,
  type MessageInput,
  type MessageQueue,
  type SendResult,
} from '@rocknest/client-core';

/** NOT_CONSUMED: the intake stopped before the handler began. */
export type ListenerResult = ConsumeResult | 'NOT_CONSUMED';

/** Listener of a `PushConsumerPort`. */
export type MessageListener = (
  messages: readonly MessageExt[],
  context: ConsumeContext,
) => Promise<ListenerResult> | ListenerResult;

export interface SendOptions {
  timeoutMs?: number;
  queue?: MessageQueue;
}

/** Callback of an asynchronous send. */
export interface SendCallback {
  onSuccess(result: SendResult): void;
  onException(error: Error): void;
}

/** What this package needs of client-core's `Producer`. */
export interface ProducerPort {
  start(): Promise<void>;
  shutdown(): Promise<void>;
  send(message: MessageInput | MessageInput[], options?: SendOptions): Promise<SendResult>;
  sendAsync(message: MessageInput | MessageInput[], callback: SendCallback, options?: SendOptions): void;
  sendOneway(message: MessageInput): Promise<void>;
  fetchPublishMessageQueues(topic: string): Promise<MessageQueue[]>;
}

/** What this package needs of client-core's `PushConsumer`. */
export interface PushConsumerPort {
  subscribe(topic: string, expression?: string): void;
  registerMessageListener(listener: MessageListener): void;
  start(): Promise<void>;
  /** No further pull, and no message that the listener has not got yet is given to it; what runs goes on and counts. */
  stopIntake(): void;
  /** Waits at most `timeoutMs` for running listeners, commits offsets last. */
  shutdown(options?: { timeoutMs?: number }): Promise<void>;
}

export type ProducerCoreOptions = ConstructorParameters<typeof Producer>[0];
export type PushConsumerCoreOptions = ConstructorParameters<typeof PushConsumer>[0];

/** Makes the clients that talk to the bus. Tests of an application may put doubles in their place (`clientFactory`). */
export interface RocketMQClientFactory {
  createProducer(options: ProducerCoreOptions): ProducerPort;
  createPushConsumer(options: PushConsumerCoreOptions): PushConsumerPort;
}

/** The real ones. */
export const coreClientFactory: RocketMQClientFactory = {
  createProducer: (options) => new Producer(options),
  createPushConsumer: (options) => new PushConsumer(options),
};

/** Options of the connection that producers and consumers share; see client-core's `ClientOptions` for each. */
export type ConnectionOptions = Omit<ClientOptions, 'logger' | 'shutdownTimeoutMs'> & {
  /** Doubles for tests. @default the real clients */
  clientFactory?: RocketMQClientFactory;
};
