import {
  type CheckTransactionStateRequest,
  type RemotingCommand,
  type MessageExt,
  type MessageQueue,
} from '@rocknest/protocol';
import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';
import { clientInstances, type ClientInstanceRegistry } from '../instance/client-instance-registry.js';
import type { ClientInstance } from '../instance/client-instance.js';
import type { ConnectionStatus, InstanceProducer } from '../instance/client-members.js';
import { MessageLookup, type QueryMessageOptions, type QueryResult } from '../query/message-lookup.js';
import { integerOption, invalidArgument } from '../support/check.js';
import { settledWithin } from '../support/concurrency.js';
import type { ClientNamespace } from '../support/namespace.js';
import { ClientTelemetry, telemetryApiFor } from '../telemetry/client-telemetry.js';
import { RequestSpans } from '../telemetry/request-spans.js';
import { SendSpans } from '../telemetry/send-spans.js';
import { TransactionSpans } from '../telemetry/transaction-spans.js';
import type { TelemetryApi } from '../telemetry/telemetry-api.js';
import { createTraceDispatcher } from '../trace/create-trace-dispatcher.js';
import { SendTrace } from '../trace/send-trace.js';
import type { TraceDispatcher } from '../trace/trace-dispatcher.js';
import type { MessageInput } from './message-input.js';
import { MessageSender, type SendInBatchesOptions, type SendOptions } from './message-sender.js';
import type { OutgoingMessage } from './outgoing-message.js';
import { RequestReply, type ReplyInput, type RequestOptions, type Submit } from './request-reply.js';
import { resolveProducerOptions, type ProducerOptions, type ResolvedProducerOptions } from './producer-options.js';
import { recallMessage } from './recall.js';
import type { SendCallback } from './send-engine.js';
import type { SendResult } from './send-result.js';
import { TransactionRunner } from './transaction-runner.js';
import type { TransactionSendResult } from './transaction-types.js';

export interface TransactionSendOptions extends SendOptions {
  /** Seconds that the transaction may take before the broker asks about it; its end is refused after them. Default: the broker's `transactionTimeOut`. */
  checkImmunityTimeSeconds?: number;
}

/**
 * Sends messages (RocketMQ: `client/producer/DefaultMQProducer.java`). Queues of all brokers take turns; after a failure another broker
 * is tried, all within one time-out. At most `maxInFlightSends` are on the wire; further sends wait in their order, and beyond
 * `maxPendingSends` or `maxPendingSendBytes` a send fails at once with TOO_MANY_PENDING_SENDS.
 */
export class Producer implements InstanceProducer {
  private readonly options: ResolvedProducerOptions;
  private instance: ClientInstance | undefined = undefined;
  private sender: MessageSender | undefined = undefined;
  private requests: RequestReply | undefined = undefined;
  private readonly transactions: TransactionRunner | undefined;
  private dispatcher: TraceDispatcher | undefined = undefined;
  private trace: SendTrace | undefined = undefined;
  private telemetry: ClientTelemetry | undefined = undefined;
  private starting: Promise<void> | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;

  /** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
  constructor(
    options: ProducerOptions,
    private readonly registry: ClientInstanceRegistry = clientInstances,
  ) {
    this.options = resolveProducerOptions(options);
    const { transactions } = this.options;
    if (transactions) {
      const { logger, namespace } = this.options.client;
      const listener = namespace?.transactionListener(transactions.listener) ?? transactions.listener;
      this.transactions = new TransactionRunner({ ...transactions, listener, group: this.group, logger });
    }
  }

  /** As brokers know it: with its namespace. */
  get group(): string {
    return this.options.engine.group;
  }

  /** The client id, once started. */
  get clientId(): string | undefined {
    return this.instance?.clientId;
  }

  /** Sends that have no end yet. */
  get pendingSends(): number {
    return this.sender ? this.sender.engine.gate.inFlight + this.sender.engine.gate.waitingCount : 0;
  }

  /** Entries of the message trace that were lost, because too many waited or brokers did not take them. */
  get droppedTraces(): number {
    return this.dispatcher?.dropped ?? 0;
  }

  /**
   * Connects. Calls while it is under way or done return the same promise; after a failure the next call tries anew.
   *
   * @throws MQClientError NAMESRV_UNREACHABLE, ALREADY_STARTED (the named instance has this group), SHUT_DOWN.
   */
  start(): Promise<void> {
    if (this.closing) return Promise.reject(this.notUsable());
    this.starting ??= this.startNow().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  /**
   * Sends one message, or an array of messages of one topic as a batch.
   *
   * @throws MQClientError MESSAGE_ILLEGAL, NO_ROUTE, TIMEOUT, CONNECTION_FAILED, TOO_MANY_PENDING_SENDS, NOT_STARTED, SHUT_DOWN;
   *   MQBrokerError for what the broker refused.
   */
  send(message: MessageInput | readonly MessageInput[], options?: SendOptions): Promise<SendResult> {
    return new Promise((resolve, reject) => {
      this.submit(message, options, this.options.retryTimesWhenSendFailed, { onSuccess: resolve, onException: reject });
    });
  }

  /**
   * Sends any number of messages of one topic as batches of a size that brokers take, one after another in their order. Without `queue` or `selector` each batch
   * goes to the queue whose turn it is.
   *
   * @returns a result for each batch
   * @throws MQClientError as `send`. Batches before the one that failed are stored: `details.results` has their results, `details.messagesSent` how many messages
   *   they had. MESSAGE_ILLEGAL comes before anything is sent.
   */
  async sendInBatches(messages: readonly MessageInput[], options: SendInBatchesOptions = {}): Promise<SendResult[]> {
    return this.running().sender.sendInBatches(messages, options);
  }

  /** The same with callbacks, which are never called within this call. Whatever is wrong comes to `onException`. */
  sendAsync(message: MessageInput | readonly MessageInput[], callback: SendCallback, options?: SendOptions): void {
    this.submit(message, options, this.options.retryTimesWhenSendAsyncFailed, callback);
  }

  /**
   * Sends without waiting for an answer: resolves when the message was handed to the connection. It may be lost on the way.
   *
   * @throws MQClientError as `send`, as far as it can be known.
   */
  async sendOneway(message: MessageInput, options?: Pick<SendOptions, 'queue'>): Promise<void> {
    return this.running().sender.sendOneway(message, options?.queue);
  }

  /**
   * Sends a message and waits for the reply of whoever handles it.
   *
   * @returns the reply: its body, tags, keys and properties are those that the replier gave.
   * @throws MQClientError REQUEST_TIMEOUT; as `send`, when the request itself failed.
   */
  async request(message: MessageInput, options: RequestOptions = {}): Promise<MessageExt> {
    const { namespace } = this;
    const reply = await this.running().requests.request(namespace?.inside(message) ?? message, options);
    return namespace?.outside(reply) ?? reply;
  }

  /**
   * Answers a request that a consumer has received.
   *
   * @throws MQClientError INVALID_ARGUMENT when the message is no request; MQBrokerError when the client that asked is gone; as `send`.
   */
  async reply(request: MessageExt, reply: ReplyInput, options: Pick<SendOptions, 'timeoutMs'> = {}): Promise<void> {
    return this.running().requests.reply(request, reply, options.timeoutMs);
  }

  /** For the client instance: a broker brings a reply. */
  replyArrived(reply: MessageExt): boolean {
    return this.requests?.replyArrived(reply) ?? false;
  }

  /**
   * Sends a message that consumers get when, and only if, the local transaction commits (RocketMQ: `TransactionMQProducer`): first its half,
   * then `executeLocalTransaction` of the `transactionListener`, then the end. When the end is lost, the broker asks a member of the group.
   *
   * @param arg goes to `executeLocalTransaction`
   * @throws MQClientError as `send`, before anything local has happened; INVALID_ARGUMENT without a `transactionListener`.
   */
  async sendMessageInTransaction(
    message: MessageInput,
    arg?: unknown,
    options: TransactionSendOptions = {},
  ): Promise<TransactionSendResult> {
    const { transactions } = this;
    if (!transactions) {
      throw invalidArgument(`producer ${this.group} has no transactionListener, which a transaction needs`);
    }
    const { checkImmunityTimeSeconds: immunity, ...sendOptions } = options;
    if (immunity !== undefined) integerOption('checkImmunityTimeSeconds', immunity, 0, 0, 999_999_999);
    const sent = await new Promise<SendResult>((resolve, reject) => {
      const callback = { onSuccess: resolve, onException: reject };
      const asHalf = (outgoing: OutgoingMessage): OutgoingMessage => transactions.asHalf(message, outgoing, immunity);
      this.submit(message, sendOptions, this.options.retryTimesWhenSendFailed, callback, asHalf);
    });
    return transactions.run(this.namespace?.inside(message) ?? message, sent, arg, (command) =>
      this.sendToMaster(sent.messageQueue.brokerName, command),
    );
  }

  /** For the client instance: the broker asks about a transaction of this group. */
  checkTransactionState(
    message: MessageExt,
    header: CheckTransactionStateRequest,
    answer: (command: RemotingCommand) => void,
  ): void {
    if (this.transactions) this.transactions.check(message, header, answer);
    else {
      this.options.client.logger.warn(
        `the broker asks about transaction ${message.msgId}, but producer ${this.group} has no transactionListener`,
      );
    }
  }

  /**
   * Takes back a timer message that is not due yet. That it is still there is not looked up: a recall in the last ms may come too late.
   *
   * @param recallHandle of its `SendResult`
   * @returns its `msgId`
   * @throws MQClientError INVALID_ARGUMENT, BROKER_NOT_FOUND, NO_ROUTE, TIMEOUT, CONNECTION_FAILED; MQBrokerError 604 when it is due already, 16 when the broker recalls nothing.
   */
  async recallMessage(topic: string, recallHandle: string): Promise<string> {
    const { instance } = this.running();
    const { group, trace, telemetry } = this;
    const { sendMsgTimeoutMs: timeoutMs } = this.options;
    const known = this.known(topic);
    const recall = recallMessage(instance, { group, topic: known, recallHandle, timeoutMs, telemetry });
    return trace ? trace.recalled(known, recallHandle, recall) : recall;
  }

  /**
   * The queues of a topic that may be sent to; for a topic that does not exist yet those that a send would create.
   *
   * @throws MQClientError NO_ROUTE or NAMESRV_UNREACHABLE.
   */
  async fetchPublishMessageQueues(topic: string): Promise<MessageQueue[]> {
    const { instance } = this.running();
    const { defaultTopic, defaultTopicQueueNums } = this.options.engine;
    const info = await instance.routes.findPublishInfo(this.known(topic), defaultTopic, defaultTopicQueueNums);
    return info.queues.map((queue) => this.namespace?.outside(queue) ?? { ...queue });
  }

  /** Messages that have the key among their KEYS, from all brokers of the topic (`DefaultMQProducer.queryMessage`). */
  async queryMessage(topic: string, key: string, options?: QueryMessageOptions): Promise<QueryResult> {
    const result = await this.lookup.queryMessage(this.known(topic), key, options);
    const { namespace } = this;
    return namespace ? { ...result, messages: result.messages.map((message) => namespace.outside(message)) } : result;
  }

  /**
   * A message of a topic by its `msgId` or its `offsetMsgId`.
   *
   * @throws MQClientError NO_MESSAGE.
   */
  async viewMessage(topic: string, msgId: string): Promise<MessageExt> {
    const message = await this.lookup.viewMessage(this.known(topic), msgId);
    return this.namespace?.outside(message) ?? message;
  }

  /** The first (LOWER) or last (UPPER) offset of the queue at a time, ms since 1970. */
  async searchOffset(queue: MessageQueue, timestampMs: number, boundary: 'LOWER' | 'UPPER' = 'LOWER'): Promise<number> {
    return this.lookup.searchOffset(this.knownQueue(queue), timestampMs, boundary);
  }

  /** The offset that the next message of the queue gets. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    return this.lookup.maxOffset(this.knownQueue(queue));
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    return this.lookup.minOffset(this.knownQueue(queue));
  }

  /** ms since 1970 at which the oldest message of the queue was stored, -1 when it is empty. */
  async earliestMsgStoreTime(queue: MessageQueue): Promise<number> {
    return this.lookup.earliestMsgStoreTime(this.knownQueue(queue));
  }

  /**
   * Takes no further send, waits for those under way (at most `timeoutMs`, default `shutdownTimeoutMs`), takes leave of the brokers. Never
   * rejects; further calls return the same promise.
   */
  shutdown(options: { timeoutMs?: number } = {}): Promise<void> {
    this.closing ??= this.close(options.timeoutMs ?? this.options.client.shutdownTimeoutMs);
    return this.closing;
  }

  connectionChanged(status: ConnectionStatus, address: string): void {
    this.options.client.onStatus?.(status, address);
  }

  private submit(
    message: MessageInput | readonly MessageInput[],
    options: SendOptions | undefined,
    retries: number,
    callback: SendCallback,
    asHalf?: (outgoing: OutgoingMessage) => OutgoingMessage,
  ): void {
    const { sender } = this;
    if (sender && !this.closing) sender.submit(message, options, retries, callback, asHalf, asHalf !== undefined);
    else queueMicrotask(() => callback.onException(this.notUsable()));
  }

  private get namespace(): ClientNamespace | undefined {
    return this.options.client.namespace;
  }

  /** The topic as brokers know it. */
  private known(topic: string): string {
    return this.namespace?.wrap(topic) ?? topic;
  }

  private knownQueue(queue: MessageQueue): MessageQueue {
    return this.namespace?.inside(queue) ?? queue;
  }

  private async sendToMaster(brokerName: string, command: RemotingCommand): Promise<void> {
    const { instance } = this;
    const address = instance?.brokers.master(brokerName);
    if (!instance || address === undefined) {
      throw new MQClientError(MQClientErrorCode.BROKER_NOT_FOUND, `no master of broker ${brokerName} is known`);
    }
    await instance.transport.invokeOneway(address, command);
  }

  private async startNow(): Promise<void> {
    const instance = this.registry.acquire(this.options.client, { producer: this });
    let api: TelemetryApi | undefined;
    try {
      api = await telemetryApiFor(this.options.client);
      await instance.start();
      if (this.closing) throw this.notUsable();
    } catch (error) {
      await this.registry.release(instance, { producer: this });
      throw error;
    }
    const telemetry = (this.telemetry = api && new ClientTelemetry(api, instance.clientId, this.options.client));
    const spans = telemetry && new SendSpans(telemetry);
    this.instance = instance;
    const trace = (this.trace = this.startTrace(instance));
    const sender = new MessageSender(instance, this.options, trace && trace.sent.bind(trace), spans);
    this.sender = sender;
    const { retryTimesWhenSendAsyncFailed: retries } = this.options;
    if (this.transactions && telemetry) this.transactions.spans = new TransactionSpans(telemetry);
    const submit: Submit = (message, options, callback, change) =>
      sender.submit(message, options, retries, callback, change);
    const requestSpans = telemetry && new RequestSpans(telemetry);
    this.requests = new RequestReply(instance, this.options, sender.engine.gate, submit, requestSpans);
    await instance.heartbeats.sendToAll();
  }

  private startTrace(instance: ClientInstance): SendTrace | undefined {
    const { trace: options } = this.options.client;
    if (!options) return undefined;
    this.dispatcher = createTraceDispatcher(instance, options, this.group, 'PRODUCE');
    const trace = new SendTrace(this.dispatcher, this.group, options.topic);
    if (this.transactions) this.transactions.onEnd = (ended) => trace.transactionEnded(ended);
    return trace;
  }

  private async close(timeoutMs: number): Promise<void> {
    await this.starting?.catch(() => {});
    const { instance, sender } = this;
    if (!instance || !sender) return;
    const { logger } = this.options.client;
    const deadlineMs = performance.now() + timeoutMs;
    if (!(await settledWithin(sender.idle(), timeoutMs))) {
      logger.warn(`producer ${this.group} shuts down with ${this.pendingSends} sends under way; they fail`);
    }
    if (this.requests && !(await settledWithin(this.requests.idle(), deadlineMs - performance.now()))) {
      logger.warn(`producer ${this.group} shuts down with requests whose replies have not come; they fail`);
    }
    this.requests?.close(this.notUsable());
    if (this.transactions && !(await settledWithin(this.transactions.idle(), deadlineMs - performance.now()))) {
      logger.warn(`producer ${this.group} shuts down with transactions under way; the broker will ask about them`);
    }
    await sender.close();
    await this.dispatcher?.shutdown();
    try {
      this.registry.deregister(instance, { producer: this });
      await instance.unregister({ producerGroup: this.group });
    } catch (error) {
      logger.warn(`shutdown of producer ${this.group}: ${errorText(error)}`);
    } finally {
      await this.registry.release(instance, { producer: this });
    }
  }

  private get lookup(): MessageLookup {
    return new MessageLookup(this.running().instance);
  }

  private running(): { instance: ClientInstance; sender: MessageSender; requests: RequestReply } {
    const { instance, sender, requests } = this;
    if (!instance || !sender || !requests || this.closing) throw this.notUsable();
    return { instance, sender, requests };
  }

  private notUsable(): MQClientError {
    return this.closing
      ? new MQClientError(MQClientErrorCode.SHUT_DOWN, `producer ${this.group} was shut down`)
      : new MQClientError(MQClientErrorCode.NOT_STARTED, `producer ${this.group} is not started; await start() first`);
  }
}
