import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import {
  LocalTransactionState,
  type MessageExt,
  type MessageInput,
  type MessageQueue,
  type QueryMessageOptions,
  type QueryResult,
  type ReplyInput,
  type RequestOptions,
  type SendCallback,
  type SendInBatchesOptions,
  type SendOptions,
  type SendResult,
  type TransactionListener,
  type TransactionSendOptions,
  type TransactionSendResult,
} from '@rocknest/client-core';
import { distinctUntilChanged, ReplaySubject, type Observable } from 'rxjs';
import { coreClientFactory, type ProducerPort } from '../core-port.js';
import { PRODUCER_GROUP, PRODUCER_NAME } from '../defaults.js';
import { RocketMQPluginError, RocketMQPluginErrorCode } from '../errors.js';
import { DefaultMessageSerializer, type MessageSerializer } from '../serde/message-serializer.js';
import { asError } from '../support/as-error.js';
import { BrokerLinks, type RocketMQStatus } from '../support/broker-links.js';
import { resolveConnection } from '../support/connection.js';
import {
  DATABASE_TRANSACTION,
  DatabaseWork,
  TRANSACTION_PROPERTY,
  TransactionCoordinator,
} from '../transaction/transaction-coordinator.js';
import type { TransactionManager } from '../transaction/transaction-database.js';
import { type Ended, TransactionOutcomes } from '../transaction/transaction-outcomes.js';
import { toMessageInput, type OutgoingMessage } from './outgoing-message.js';
import type { ProducerOptions } from './producer-options.js';

/**
 * Sends messages: `@InjectProducer() producer: RocketMQProducer`. It connects when its module is initialised (with `lazy`: at the first send) and
 * shuts down in `onApplicationShutdown`, after every consumer of the application has drained, so handlers can send to the end.
 */
export class RocketMQProducer implements OnModuleInit, OnApplicationShutdown {
  readonly name: string;
  readonly group: string;
  readonly namesrvAddr: string;
  /** Whether a broker is connected: Nest's `ClientProxy.status` shows it. */
  readonly status: Observable<RocketMQStatus>;
  private readonly reported = new ReplaySubject<RocketMQStatus>(1);
  private readonly lazy: boolean;
  private readonly serializer: MessageSerializer;
  private readonly create: () => ProducerPort;
  private readonly outcomes: TransactionOutcomes | undefined;
  private readonly coordinator: TransactionCoordinator;
  private port: ProducerPort | undefined = undefined;
  private starting: Promise<ProducerPort> | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;

  constructor(options: ProducerOptions & { name?: string } = {}) {
    const { name = PRODUCER_NAME, group = PRODUCER_GROUP, lazy = false, serializer, transactions, ...rest } = options;
    const { clientFactory = coreClientFactory, ...core } = resolveConnection(rest);
    this.status = this.reported.pipe(distinctUntilChanged());
    this.name = name;
    this.group = group;
    this.namesrvAddr = core.namesrvAddr;
    this.lazy = lazy;
    this.serializer = serializer ?? new DefaultMessageSerializer();
    const logger = new Logger(`${RocketMQProducer.name}:${name}`);
    this.outcomes = transactions && new TransactionOutcomes(transactions, logger);
    this.coordinator = new TransactionCoordinator(this.outcomes, (text) => logger.warn(text));
    this.create = () => {
      const { onStatus } = new BrokerLinks((status) => this.reported.next(status));
      return clientFactory.createProducer({ ...core, group, logger, onStatus, transactionListener: this.coordinator });
    };
  }

  async onModuleInit(): Promise<void> {
    if (!this.lazy) await this.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.shutdown();
  }

  /**
   * Connects, unless it has. Concurrent calls share one attempt; a failed attempt is not remembered, the next call tries again.
   *
   * @throws MQClientError NAMESRV_UNREACHABLE after `startAttempts` rounds.
   */
  async start(): Promise<void> {
    await this.started();
  }

  /** True while it is connected to the bus: what is sent goes out at once. */
  get ready(): boolean {
    return this.port !== undefined;
  }

  /** True once `shutdown()` was called: what is sent then is refused. */
  get closed(): boolean {
    return this.closing !== undefined;
  }

  /** Waits for sends under way and closes, for good. Idempotent, and right while the producer starts. */
  shutdown(): Promise<void> {
    this.port = undefined;
    this.reported.next('disconnected');
    return (this.closing ??= (this.starting ?? Promise.resolve(undefined)).then(
      (port) => port?.shutdown(),
      () => undefined,
    ));
  }

  /**
   * Sends a message, or an array of messages of one topic as one batch, and resolves when the broker has acknowledged it.
   *
   * @throws RocketMQPluginError SERIALIZE, PayloadValidationError, MQClientError of client-core.
   */
  send<P = unknown>(
    message: OutgoingMessage<P> | readonly OutgoingMessage<P>[],
    options?: SendOptions,
  ): Promise<SendResult> {
    const { port } = this;
    if (port !== undefined && !Array.isArray(message)) {
      // The common case without a microtask more than it needs.
      try {
        const input = toMessageInput(message as OutgoingMessage, this.serializer);
        if (!(input instanceof Promise)) return port.send(input, options);
        return input.then((ready) => port.send(ready, options));
      } catch (error) {
        return Promise.reject(asError(error));
      }
    }
    return this.sendWhenStarted(message, options);
  }

  /**
   * Sends any number of messages of one topic as batches of a size that brokers take, in their order, with a result for each batch.
   *
   * @throws RocketMQPluginError SERIALIZE, MQClientError: `details.messagesSent` says how many messages were stored before.
   */
  async sendInBatches<P = unknown>(
    messages: readonly OutgoingMessage<P>[],
    options?: SendInBatchesOptions,
  ): Promise<SendResult[]> {
    const port = await this.started();
    const inputs = messages.map(async (each) => toMessageInput(each, this.serializer));
    return port.sendInBatches(await Promise.all(inputs), options);
  }

  /** Sends a message and calls back, when the order of calls and their cost matter more than a promise. */
  sendAsync<P = unknown>(message: OutgoingMessage<P>, callback: SendCallback, options?: SendOptions): void {
    const send = (port: ProducerPort, input: MessageInput): void => port.sendAsync(input, callback, options);
    const { port } = this;
    try {
      const input = toMessageInput(message, this.serializer);
      if (port !== undefined && !(input instanceof Promise)) return send(port, input);
      Promise.all([this.started(), input]).then(
        ([started, ready]) => send(started, ready),
        (error: unknown) => callback.onException(asError(error)),
      );
    } catch (error) {
      queueMicrotask(() => callback.onException(asError(error)));
    }
  }

  /** Sends a message without an answer: it may be lost without anyone knowing. Resolves when it was handed to the socket. */
  async sendOneway<P = unknown>(message: OutgoingMessage<P>): Promise<void> {
    const port = await this.started();
    return port.sendOneway(await toMessageInput(message, this.serializer));
  }

  /**
   * Sends a message and waits for the reply of whoever handles it. `ClientProxy.send()` gives the payload of the reply instead of the message.
   *
   * @throws RocketMQPluginError SERIALIZE, MQClientError REQUEST_TIMEOUT and those of `send`.
   */
  async request(message: OutgoingMessage, options?: RequestOptions): Promise<MessageExt> {
    const port = await this.started();
    return port.request(await toMessageInput(message, this.serializer), options);
  }

  /**
   * Answers a request by hand: `request` is `context.getMessage()`. Handlers with `@MessagePattern` answer with what they return.
   *
   * @throws RocketMQPluginError SERIALIZE, MQClientError: INVALID_ARGUMENT when the message is no request, and when the client that asked is gone.
   */
  async reply(request: MessageExt, reply: Omit<OutgoingMessage, 'topic'>): Promise<void> {
    const port = await this.started();
    const { topic: _, ...input } = await toMessageInput({ ...reply, topic: request.topic }, this.serializer);
    return port.reply(request, input satisfies ReplyInput);
  }

  /**
   * Sends a message that consumers get exactly if the database transaction of `work` commits. Its half goes to the broker first, then `work` runs
   * in a transaction of the `dataSource` of the option `transactions`, whose outcome is written with it.
   *
   * @param work what it does through this manager is in the transaction; what it throws rolls back.
   * @returns what `work` returned.
   * @throws what `work` threw; what the database threw, where a failed commit is settled by the next check of the broker; MQClientError before `work` has begun.
   */
  async inTransaction<T, M = TransactionManager, P = unknown>(
    message: OutgoingMessage<P>,
    work: (manager: M) => Promise<T>,
    options?: TransactionSendOptions,
  ): Promise<T> {
    const { outcomes } = this;
    if (outcomes === undefined) {
      throw new RocketMQPluginError(
        RocketMQPluginErrorCode.TRANSACTION,
        `producer "${this.name}" has no database for inTransaction: give it the option transactions with the dataSource`,
      );
    }
    let ended: Ended<T> | undefined;
    const job = new DatabaseWork(async (id) => (ended = await outcomes.run(id, work)).state);
    const marked = {
      ...message,
      properties: { ...message.properties, [TRANSACTION_PROPERTY]: DATABASE_TRANSACTION },
    };
    const result = await this.halfAndEnd(marked, job, options);
    if (ended?.state === LocalTransactionState.COMMIT_MESSAGE) return ended.value;
    if (ended !== undefined) throw ended.error;
    throw new RocketMQPluginError(
      RocketMQPluginErrorCode.TRANSACTION,
      `the transaction was not begun: the broker answered ${result.status} to the half message, which may be lost with it`,
      { retriable: true },
    );
  }

  /**
   * Sends a message in a transaction of the class with `@TransactionListener()`.
   *
   * @param arg goes to its `executeLocalTransaction`
   */
  async sendMessageInTransaction<P = unknown>(
    message: OutgoingMessage<P>,
    arg?: unknown,
    options?: TransactionSendOptions,
  ): Promise<TransactionSendResult> {
    if (this.coordinator.listener === undefined) {
      throw new RocketMQPluginError(
        RocketMQPluginErrorCode.TRANSACTION,
        `producer "${this.name}" has no provider with @TransactionListener()`,
      );
    }
    return this.halfAndEnd(message, arg, options);
  }

  /** For `RocketMQModule`: the provider with `@TransactionListener()`. */
  attachTransactionListener(listener: TransactionListener): void {
    this.coordinator.listener = listener;
  }

  /**
   * Takes back a timer message (`delayTimeSec`, `delayTimeMs`, `deliverTimeMs`) that is not due yet.
   *
   * @param recallHandle of its `SendResult`.
   * @returns its `msgId`.
   * @throws MQBrokerError when it is due already (604), or the broker recalls nothing (16).
   */
  async recallMessage(topic: string, recallHandle: string): Promise<string> {
    return (await this.started()).recallMessage(topic, recallHandle);
  }

  /** The queues that messages of the topic go to, for `send(message, { queue })`. */
  async fetchPublishMessageQueues(topic: string): Promise<MessageQueue[]> {
    return (await this.started()).fetchPublishMessageQueues(topic);
  }

  /** Stored messages that have the key among their KEYS, from all brokers of the topic, as they were stored: bodies are bytes. */
  async queryMessage(topic: string, key: string, options?: QueryMessageOptions): Promise<QueryResult> {
    return (await this.started()).queryMessage(topic, key, options);
  }

  /**
   * A stored message by the `msgId` or the `offsetMsgId` of its `SendResult`.
   *
   * @throws MQClientError NO_MESSAGE.
   */
  async viewMessage(topic: string, msgId: string): Promise<MessageExt> {
    return (await this.started()).viewMessage(topic, msgId);
  }

  /** The producer of client-core; undefined until it has started. */
  unwrap(): ProducerPort | undefined {
    return this.port;
  }

  private async sendWhenStarted(
    message: OutgoingMessage | readonly OutgoingMessage[],
    options: SendOptions | undefined,
  ): Promise<SendResult> {
    const port = await this.started();
    if (!Array.isArray(message))
      return port.send(await toMessageInput(message as OutgoingMessage, this.serializer), options);
    const inputs = (message as readonly OutgoingMessage[]).map(async (each) => toMessageInput(each, this.serializer));
    return port.send(await Promise.all(inputs), options);
  }

  private async halfAndEnd(
    message: OutgoingMessage,
    arg: unknown,
    options: TransactionSendOptions | undefined,
  ): Promise<TransactionSendResult> {
    const port = await this.started();
    return port.sendMessageInTransaction(await toMessageInput(message, this.serializer), arg, options);
  }

  private started(): Promise<ProducerPort> {
    if (this.closing !== undefined) {
      return Promise.reject(
        new RocketMQPluginError(
          RocketMQPluginErrorCode.CLOSED,
          `producer "${this.name}" is shut down. Send before onApplicationShutdown has run, where producers close`,
        ),
      );
    }
    return (this.starting ??= this.connect());
  }

  private async connect(): Promise<ProducerPort> {
    const port = this.create();
    try {
      await port.start();
    } catch (error) {
      this.starting = undefined;
      await port.shutdown().catch(() => undefined);
      throw error;
    }
    if (this.closing === undefined) {
      this.port = port;
      this.reported.next('connected');
    }
    return port;
  }
}
