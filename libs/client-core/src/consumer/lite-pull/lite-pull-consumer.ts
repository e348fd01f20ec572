import { ResponseCode, type ConsumerRunningInfo, type MessageExt, type MessageQueue } from '@rocknest/protocol';
import { errorText, MQClientError, MQClientErrorCode, responseCodeOf } from '../../errors.js';
import { clientInstances, type ClientInstanceRegistry } from '../../instance/client-instance-registry.js';
import type { ClientInstance } from '../../instance/client-instance.js';
import { integerOption, invalidArgument } from '../../support/check.js';
import { clientNames, type ClientNames } from '../../support/namespace.js';
import { ClientTelemetry, telemetryApiFor } from '../../telemetry/client-telemetry.js';
import { ReceiveSpans } from '../../telemetry/receive-spans.js';
import type { MessageSelector } from '../message-selector.js';
import { OFFSET_NOT_FOUND } from '../offset-store.js';
import { fetchSubscribeQueues } from '../queue-lookup.js';
import { ConsumeQueueRef } from '../queue-ref.js';
import { LiteOffsets, type CommitOptions, type QueueOffset } from './lite-offsets.js';
import { LitePullCore } from './lite-pull-core.js';
import {
  resolveLitePullOptions,
  type LitePullConsumerOptions,
  type ResolvedLitePullOptions,
} from './lite-pull-options.js';
import { LitePullSubscriptions } from './lite-pull-subscriptions.js';
import type { HandedOut } from './message-buffer.js';
import { MessageIterator } from './message-iterator.js';
import { TopicQueueWatch, type TopicMessageQueueChangeListener } from './topic-queue-watch.js';

type State = 'NEW' | 'STARTING' | 'RUNNING' | 'SHUT_DOWN';

/** What a loop over messages may be told. */
export interface IterationOptions {
  /** Ends the loop; what its body works on then is not consumed, unless the next message is asked for. */
  signal?: AbortSignal;
}

/**
 * A consumer that is asked for its messages (RocketMQ: `client/consumer/DefaultLitePullConsumer.java`): by `poll`, or by `for await`. It pulls ahead
 * within limits, shares the queues of the topics that it subscribes to with the other members of its group, or reads queues that it is assigned.
 *
 * With `autoCommit` (default) messages count as consumed when the next ones are asked for; without, when `commit` is called.
 */
export class LitePullConsumer implements AsyncIterable<MessageExt> {
  private readonly options: ResolvedLitePullOptions;
  private readonly subscriptions = new LitePullSubscriptions();
  private readonly names: ClientNames;
  private readonly watch: TopicQueueWatch;
  private state: State = 'NEW';
  private core: LitePullCore | undefined = undefined;
  private spans: ReceiveSpans | undefined = undefined;
  private starting: Promise<void> | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;
  /** What the last `poll` returned. */
  private polled: HandedOut[] = [];
  private assignmentListener: (queues: MessageQueue[]) => void = () => undefined;

  /** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
  constructor(
    options: LitePullConsumerOptions,
    private readonly registry: ClientInstanceRegistry = clientInstances,
  ) {
    this.options = resolveLitePullOptions(options);
    this.names = clientNames(this.options.client.namespace);
    this.watch = new TopicQueueWatch(
      this.options.metadataCheckIntervalMs,
      (topic) => this.fetchMessageQueues(topic),
      this.options.client.logger,
    );
  }

  /** As brokers know it: with its namespace. */
  get group(): string {
    return this.options.group;
  }

  /** The client id, once started. */
  get clientId(): string | undefined {
    return this.core?.instance.clientId;
  }

  /** True from `start` until `shutdown`. */
  get running(): boolean {
    return this.state === 'RUNNING';
  }

  /** The queues that this member reads now. */
  assignment(): MessageQueue[] {
    return this.names.outsideAll(this.core?.assignedQueues ?? []);
  }

  /** What this member holds, queue by queue; undefined unless it runs. */
  runningInfo(): ConsumerRunningInfo | undefined {
    return this.core?.runningInfo();
  }

  /** Told of this member's queues whenever they have changed. */
  onAssignment(listener: (queues: MessageQueue[]) => void): void {
    this.assignmentListener = listener;
  }

  /**
   * Takes a topic with the other members of the group, or changes which of its messages. Before or after `start`.
   *
   * @param selector `*` (default), tags like `created || paid`, or `MessageSelector.bySql(...)`.
   * @throws MQClientError INVALID_ARGUMENT (after `assign`, too).
   */
  async subscribe(topic: string, selector: string | MessageSelector = '*'): Promise<void> {
    const known = this.names.wrap(topic);
    this.subscriptions.subscribe(known, selector);
    await this.core?.subscriptionsChanged(known);
  }

  /** Gives a topic up; what was committed of it is written. */
  async unsubscribe(topic: string): Promise<void> {
    if (this.subscriptions.unsubscribe(this.names.wrap(topic))) await this.core?.subscriptionsChanged();
  }

  /**
   * Reads exactly these queues, whatever other members do. Each call replaces the queues of the one before.
   *
   * @throws MQClientError INVALID_ARGUMENT (after `subscribe`, too).
   */
  async assign(queues: Iterable<MessageQueue>): Promise<void> {
    this.subscriptions.assign(this.inside(queues));
    await this.core?.subscriptionsChanged();
  }

  /** Which messages of assigned queues are read; before `start`. */
  setSubExpressionForAssign(topic: string, selector: string | MessageSelector): void {
    if (this.state !== 'NEW') {
      throw new MQClientError(
        MQClientErrorCode.ALREADY_STARTED,
        'the expression of assigned queues is set before start()',
      );
    }
    this.subscriptions.filterAssigned(this.names.wrap(topic), selector);
  }

  /**
   * Connects, joins the group and takes its first queues. After a failure `start` may be called again.
   *
   * @throws MQClientError NAMESRV_UNREACHABLE, ALREADY_STARTED, SHUT_DOWN, SUBSCRIPTION_REFUSED, LOCAL_OFFSETS_UNREADABLE.
   */
  start(): Promise<void> {
    if (this.state !== 'NEW') {
      const code = this.state === 'SHUT_DOWN' ? MQClientErrorCode.SHUT_DOWN : MQClientErrorCode.ALREADY_STARTED;
      return Promise.reject(
        new MQClientError(code, `consumer ${this.group} is ${this.state}; a consumer is started once`),
      );
    }
    this.state = 'STARTING';
    this.starting = this.startNow();
    return this.starting;
  }

  /**
   * The next messages of one queue, up to `pullBatchSize`; an empty list when there are none for `timeoutMs` (default `pollTimeoutMs`). With
   * `autoCommit` what the poll before returned is consumed now.
   *
   * @throws MQClientError NOT_STARTED, SHUT_DOWN, INVALID_ARGUMENT.
   */
  async poll(timeoutMs: number = this.options.pollTimeoutMs): Promise<MessageExt[]> {
    const { buffer, queues, trace } = this.runningCore;
    const startedMs = Date.now();
    const deadlineMs = startedMs + integerOption('timeoutMs', timeoutMs, 0, 0);
    for (const handed of this.polled) queues.settle(handed);
    this.polled = [];
    for (;;) {
      const handed = buffer.take(this.options.pullBatchSize);
      if (handed) {
        this.polled.push(handed);
        queues.madeRoom();
        const messages = handed.entries.map(({ message }) => message);
        trace?.taken(messages);
        this.spans?.received(messages, startedMs);
        return this.outside(messages);
      }
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0 || buffer.closed) return [];
      await buffer.wait(leftMs);
    }
  }

  /** Message by message: `for await (const message of consumer)`. See `messages`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<MessageExt, undefined> {
    return this.messages();
  }

  /**
   * Message by message, each taken when it is asked for. A message counts as consumed when the next one is asked for; one whose loop was left comes
   * first in the next loop. The loop ends at `shutdown`, which waits for its body, and when the signal aborts. Several loops share the messages.
   *
   * @throws MQClientError NOT_STARTED or SHUT_DOWN.
   */
  messages(options: IterationOptions = {}): AsyncIterableIterator<MessageExt, undefined> {
    return this.iterate(1, ([message]) => message, options);
  }

  /** The same with lists of up to `maxMessages` (default `pullBatchSize`) messages of one queue. */
  batches(options: IterationOptions & { maxMessages?: number } = {}): AsyncIterableIterator<MessageExt[], undefined> {
    const max = integerOption('maxMessages', options.maxMessages, this.options.pullBatchSize);
    return this.iterate(max, (messages) => messages, options);
  }

  /** No pull of these queues begins until `resume`; what was pulled already is still handed out. Queues of other members are left out. */
  pause(queues: Iterable<MessageQueue>): void {
    for (const queue of this.inside(queues)) this.runningCore.assigned(queue)?.loop.suspend();
  }

  resume(queues: Iterable<MessageQueue>): void {
    for (const queue of this.inside(queues)) this.runningCore.assigned(queue)?.loop.resume();
  }

  /**
   * Goes on at another offset of a queue: what was pulled of it and not handed out is forgotten, and the offset is the queue's progress at once.
   *
   * @throws MQClientError QUEUE_NOT_ASSIGNED; INVALID_ARGUMENT for an offset that is not in the queue.
   */
  async seek(queue: MessageQueue, offset: number): Promise<void> {
    const known = this.names.inside(queue);
    await this.offsets.seek(known, offset);
    this.polled = this.polled.filter(({ processQueue }) => processQueue.queue.key !== ConsumeQueueRef.of(known).key);
  }

  /** To the first offset that the broker has. */
  async seekToBegin(queue: MessageQueue): Promise<void> {
    await this.seek(queue, await this.minOffset(queue));
  }

  /** Behind the last message. */
  async seekToEnd(queue: MessageQueue): Promise<void> {
    await this.seek(queue, await this.maxOffset(queue));
  }

  /** The offset that the group has committed, -1 for none. */
  async committed(given: MessageQueue): Promise<number> {
    const { api, offsetStore } = this.runningCore;
    const queue = this.names.inside(given);
    const ref = this.runningCore.assigned(queue)?.processQueue.queue;
    const known = ref && offsetStore.inMemory(ref);
    if (known !== undefined) return known;
    if (this.options.model.messageModel === 'BROADCASTING') return offsetStore.read(ConsumeQueueRef.of(queue));
    try {
      return await api.queryConsumerOffset(this.group, queue);
    } catch (error) {
      if (responseCodeOf(error) === ResponseCode.QUERY_NOT_FOUND) return OFFSET_NOT_FOUND;
      throw error;
    }
  }

  /**
   * Everything that was handed out so far, in loops too, counts as consumed; resolves when it is written. With queues: of these only.
   *
   * @throws MQClientError OFFSET_NOT_WRITTEN; QUEUE_NOT_ASSIGNED for a queue that was named.
   */
  async commit(queues?: Iterable<MessageQueue>, options: CommitOptions = {}): Promise<void> {
    await this.offsets.commit(queues && this.inside(queues), options);
  }

  /**
   * These offsets, behind the last message consumed of each queue, are the group's progress. The queues must be this member's.
   *
   * @throws MQClientError OFFSET_NOT_WRITTEN, QUEUE_NOT_ASSIGNED, INVALID_ARGUMENT.
   */
  async commitOffsets(offsets: Iterable<QueueOffset>, options: CommitOptions = {}): Promise<void> {
    const known = Array.from(offsets, ([queue, offset]): QueueOffset => [this.names.inside(queue), offset]);
    await this.offsets.commitOffsets(known, options);
  }

  /** The queues of a topic that may be read. @throws MQClientError NO_ROUTE. */
  async fetchMessageQueues(topic: string): Promise<MessageQueue[]> {
    return this.names.outsideAll(await fetchSubscribeQueues(this.runningCore.instance, this.names.wrap(topic)));
  }

  /** The first offset of a queue at a time (ms since 1970). */
  async offsetForTimestamp(queue: MessageQueue, timestampMs: number): Promise<number> {
    return this.runningCore.api.searchOffset(this.names.inside(queue), timestampMs);
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    return this.runningCore.api.minOffset(this.names.inside(queue));
  }

  /** The offset that the next message of the queue will get. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    return this.runningCore.api.maxOffset(this.names.inside(queue));
  }

  /** Told when a topic got other queues, looked for every `topicMetadataCheckIntervalMs`; for consumers that assign queues themselves. */
  async registerTopicMessageQueueChangeListener(
    topic: string,
    listener: TopicMessageQueueChangeListener,
  ): Promise<void> {
    if (typeof listener !== 'function') throw invalidArgument("the listener of a topic's queues must be a function");
    this.watch.listen(topic, listener);
    if (this.running) await this.watch.learn(topic);
  }

  /** The first step of a shutdown: no pull is sent any more, polls that wait return, loops end after their body. */
  stopIntake(): void {
    this.state = 'SHUT_DOWN';
    this.core?.stopIntake();
  }

  /**
   * Leaves the group: stops the intake, waits for the bodies of loops within `timeoutMs` (default `shutdownTimeoutMs`), writes the offsets of what
   * was consumed. Inside of a loop's body: leave the loop first. What the last `poll` returned comes again unless it was committed. Never rejects.
   */
  shutdown(options: { timeoutMs?: number } = {}): Promise<void> {
    this.stopIntake();
    this.closing ??= this.close(options.timeoutMs ?? this.options.client.shutdownTimeoutMs);
    return this.closing;
  }

  private get runningCore(): LitePullCore {
    if (this.core && (this.state === 'RUNNING' || this.state === 'STARTING')) return this.core;
    throw this.state === 'SHUT_DOWN'
      ? new MQClientError(MQClientErrorCode.SHUT_DOWN, `consumer ${this.group} was shut down`)
      : new MQClientError(MQClientErrorCode.NOT_STARTED, `consumer ${this.group} is not started; await start() first`);
  }

  private get offsets(): LiteOffsets {
    return new LiteOffsets(this.group, this.runningCore);
  }

  private inside(queues: Iterable<MessageQueue>): MessageQueue[] {
    return Array.from(queues, (queue) => this.names.inside(queue));
  }

  /** What was pulled as the application gets it: copies where there is a namespace, what becomes of a message is done with the name that brokers know. */
  private outside(messages: MessageExt[]): MessageExt[] {
    return this.options.client.namespace ? this.names.outsideAll(messages) : messages;
  }

  private iterate<T>(
    max: number,
    valueOf: (messages: MessageExt[]) => T,
    { signal }: IterationOptions,
  ): AsyncIterableIterator<T, undefined> {
    const { buffer, queues, trace } = this.runningCore;
    const taken = (messages: MessageExt[]): T => {
      trace?.taken(messages);
      this.spans?.received(messages);
      return valueOf(this.outside(messages));
    };
    return new MessageIterator({ buffer, max, valueOf: taken, settle: (handed) => queues.settle(handed), signal });
  }

  private async startNow(): Promise<void> {
    let instance: ClientInstance | undefined;
    let core: LitePullCore | undefined;
    try {
      const { client } = this.options;
      const loading = telemetryApiFor(client);
      const api = loading && (await loading);
      if (this.state !== 'STARTING')
        throw new MQClientError(MQClientErrorCode.SHUT_DOWN, `consumer ${this.group} was shut down`);
      core = new LitePullCore(
        this.options,
        this.subscriptions,
        (member) => (instance = this.registry.acquire(this.options.client, member)),
        (queues) => this.assignmentListener(this.names.outsideAll(queues)),
        (topic) => this.watch.lookSoon(this.names.without(topic)),
      );
      const { clientId } = core.instance;
      this.spans = api && new ReceiveSpans(new ClientTelemetry(api, clientId, client), this.group);
      this.core = core;
      await core.start();
      await this.watch.start();
    } catch (error) {
      this.core = undefined;
      core?.stopIntake();
      if (instance && core) await this.registry.release(instance, { consumer: core });
      if (this.state === 'STARTING') this.state = 'NEW';
      throw error;
    }
    if (this.state === 'STARTING') this.state = 'RUNNING';
  }

  private async close(timeoutMs: number): Promise<void> {
    // A start under way sees the stop and ends soon, well or badly.
    await this.starting?.catch(() => {});
    await this.watch.stop();
    const { core } = this;
    if (!core) return;
    try {
      await core.drain(timeoutMs);
      this.registry.deregister(core.instance, { consumer: core });
      await core.instance.unregister({ consumerGroup: this.group });
    } catch (error) {
      this.options.client.logger.warn(`shutdown of consumer ${this.group}: ${errorText(error)}`);
    } finally {
      await this.registry.release(core.instance, { consumer: core });
    }
  }
}
