import { retryTopicOf, type ConsumerRunningInfo, type MessageQueue } from '@rocknest/protocol';
import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';
import { clientInstances, type ClientInstanceRegistry } from '../instance/client-instance-registry.js';
import type { ClientInstance } from '../instance/client-instance.js';
import { invalidArgument } from '../support/check.js';
import type { ClientNamespace } from '../support/namespace.js';
import { telemetryApiFor } from '../telemetry/client-telemetry.js';
import type { ListenerRegistration, ListenerTraits, MessageListener, MessageListenerOrderly } from './consume-types.js';
import type { MessageSelector } from './message-selector.js';
import { PausedQueues, type QueueSelector } from './paused-queues.js';
import { PushConsumerCore } from './push-consumer-core.js';
import {
  resolvePushConsumerOptions,
  type PushConsumerOptions,
  type ResolvedPushConsumerOptions,
} from './push-consumer-options.js';
import { Subscriptions } from './subscriptions.js';

type State = 'NEW' | 'STARTING' | 'RUNNING' | 'SHUT_DOWN';

/**
 * A member of a consumer group that gets its messages handed to a listener (RocketMQ: `client/consumer/DefaultMQPushConsumer.java`),
 * concurrently and at least once: an offset is committed only when every message before it was handled, sent back, or filtered out.
 *
 * Order: construct, `subscribe`, `registerMessageListener`, `start`; `shutdown` at the end.
 */
export class PushConsumer {
  private readonly options: ResolvedPushConsumerOptions;
  private readonly subscriptions: Subscriptions;
  private registration: ListenerRegistration | undefined = undefined;
  private state: State = 'NEW';
  private core: PushConsumerCore | undefined = undefined;
  private starting: Promise<void> | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;
  private suspended = false;
  private readonly paused = new PausedQueues();

  /** @throws MQClientError INVALID_ARGUMENT or INVALID_NAMESRV_ADDR. */
  constructor(
    options: PushConsumerOptions,
    private readonly registry: ClientInstanceRegistry = clientInstances,
  ) {
    this.options = resolvePushConsumerOptions(options);
    this.subscriptions = new Subscriptions(options.messageModel === 'BROADCASTING' ? undefined : this.group);
  }

  /** As brokers know it: with its namespace. */
  get group(): string {
    return this.options.group;
  }

  /** The client id, once started. */
  get clientId(): string | undefined {
    return this.core?.clientId;
  }

  /** Entries of the message trace that were lost, because too many waited or brokers did not take them. */
  get droppedTraces(): number {
    return this.core?.droppedTraces ?? 0;
  }

  /** The queues that this member consumes now. */
  get assignedQueues(): MessageQueue[] {
    const { namespace } = this;
    const queues = this.core?.assignedQueues ?? [];
    return namespace ? queues.map((queue) => namespace.outside(queue)) : queues;
  }

  /** What this member holds and does, queue by queue, as tools get it from GET_CONSUMER_RUNNING_INFO; undefined unless it runs. */
  runningInfo(): ConsumerRunningInfo | undefined {
    return this.core?.runningInfo();
  }

  /**
   * Takes a topic, or changes which of its messages. Before or after `start`; a running consumer tells the brokers at once.
   *
   * @param selector `*` (default), tags like `created || paid`, or `MessageSelector.bySql(...)`.
   * @throws MQClientError INVALID_ARGUMENT; for a wrong SQL92 expression it names the place.
   */
  subscribe(topic: string, selector: string | MessageSelector = '*'): void {
    this.assertNotShutDown();
    const known = this.known(topic);
    this.subscriptions.put(known, selector);
    this.core?.subscriptionChanged(known);
  }

  /** Gives a topic up: its offsets are committed, and what was pulled and not begun is left to the next consumer. */
  unsubscribe(topic: string): void {
    const known = this.known(topic);
    if (known === retryTopicOf(this.group))
      throw invalidArgument(`the retry topic of group ${this.group} can't be unsubscribed`);
    if (this.subscriptions.remove(known)) this.core?.topicGivenUp(known);
  }

  /**
   * The listener gets messages concurrently, in no order. The last registration counts.
   *
   * @throws MQClientError ALREADY_STARTED.
   */
  registerMessageListener(listener: MessageListener, traits: ListenerTraits = {}): void {
    this.register({ kind: 'CONCURRENTLY', listener, ...traits });
  }

  /**
   * The listener gets the messages of each queue in their order, one call after the other, and no two members of the group have a queue at the
   * same time (RocketMQ: `MessageListenerOrderly`). All members must be orderly. The last registration counts.
   *
   * @throws MQClientError ALREADY_STARTED.
   */
  registerMessageListenerOrderly(listener: MessageListenerOrderly, traits: ListenerTraits = {}): void {
    if (this.options.pop) {
      throw invalidArgument(
        "mode: 'pop' hands messages out in no order; an orderly listener needs mode: 'pull', or pop with order: true of a PopConsumer",
      );
    }
    this.register({ kind: 'ORDERLY', listener, ...traits });
  }

  /**
   * Joins the group. Resolves when brokers know this member and its first queues are taken, as far as the topics exist: what is sent
   * from then on is seen with CONSUME_FROM_LAST_OFFSET too. After a failure `start` may be called again.
   *
   * @throws MQClientError NAMESRV_UNREACHABLE, ALREADY_STARTED, INVALID_ARGUMENT (no listener), SHUT_DOWN, SUBSCRIPTION_REFUSED (a broker can't filter as
   *   the consumer asks).
   */
  start(): Promise<void> {
    if (this.state !== 'NEW') {
      const error = new MQClientError(
        this.state === 'SHUT_DOWN' ? MQClientErrorCode.SHUT_DOWN : MQClientErrorCode.ALREADY_STARTED,
        `consumer ${this.group} is ${this.state}; a consumer is started once`,
      );
      return Promise.reject(error);
    }
    if (!this.registration)
      return Promise.reject(
        invalidArgument('registerMessageListener or registerMessageListenerOrderly comes before start()'),
      );
    this.state = 'STARTING';
    this.starting = this.startNow(this.registration);
    return this.starting;
  }

  /** No pull and no handler begins until `resume`; what runs goes on. */
  suspend(): void {
    this.suspended = true;
    this.core?.suspend();
  }

  /** Ends `suspend`; queues that rest by `pause` go on resting. */
  resume(): void {
    this.suspended = false;
    this.core?.resume();
  }

  /** True from `suspend` to `resume`. */
  get isSuspended(): boolean {
    return this.suspended;
  }

  /**
   * Topics, or single queues, that rest until `resumeQueues`: nothing is pulled from them and none of their messages is handed out; what runs goes
   * on, and the queues stay with this member. Counts for queues that come later too. Messages of the topic that failed come again through the
   * retry topic, whose queues are not those of the topic.
   *
   * @throws MQClientError INVALID_ARGUMENT for a single queue with `mode: 'pop'`, where queues belong to no member: topics rest as a whole there.
   */
  pauseQueues(...selectors: readonly QueueSelector[]): void {
    const single = selectors.find(({ queueId }) => queueId !== undefined);
    if (this.options.pop && single) {
      throw invalidArgument(
        `mode: 'pop' consumes no single queues that could rest, as queue ${single.queueId} of ${single.topic}; pause the topic`,
      );
    }
    const known = this.knownAll(selectors);
    for (const selector of known) this.paused.pause(selector);
    this.core?.pause(known);
  }

  /** Ends pauses of these, of all without an argument. */
  resumeQueues(...selectors: readonly QueueSelector[]): void {
    const ended = selectors.length === 0 ? this.paused.all : this.knownAll(selectors);
    for (const selector of ended) this.paused.resume(selector);
    this.core?.goOn(ended);
  }

  /** What rests by `pauseQueues`. */
  get pausedQueues(): readonly QueueSelector[] {
    const { namespace } = this;
    return namespace ? this.paused.all.map((selector) => namespace.outside(selector)) : this.paused.all;
  }

  /** The first step of a shutdown, for signal handlers: no pull is sent and no handler begins any more; what runs goes on and counts. */
  stopIntake(): void {
    this.state = 'SHUT_DOWN';
    this.core?.stopIntake();
  }

  /**
   * Leaves the group: stops the intake, waits for running handlers and their send-backs, commits the offsets of what was finished, takes leave
   * of the brokers. A handler that ends after `timeoutMs` (default `shutdownTimeoutMs`) is ignored: its message comes again elsewhere.
   * Never rejects; further calls return the same promise.
   */
  shutdown(options: { timeoutMs?: number } = {}): Promise<void> {
    this.stopIntake();
    this.closing ??= this.close(options.timeoutMs ?? this.options.client.shutdownTimeoutMs);
    return this.closing;
  }

  private get namespace(): ClientNamespace | undefined {
    return this.options.client.namespace;
  }

  /** The topic as brokers know it. */
  private known(topic: string): string {
    return this.namespace?.wrap(topic) ?? topic;
  }

  private knownAll(selectors: readonly QueueSelector[]): readonly QueueSelector[] {
    const { namespace } = this;
    return namespace ? selectors.map((selector) => namespace.inside(selector)) : selectors;
  }

  private register(registration: ListenerRegistration): void {
    if (this.state !== 'NEW') {
      throw new MQClientError(MQClientErrorCode.ALREADY_STARTED, 'a listener is registered before start()');
    }
    this.registration = this.namespace?.registration(registration) ?? registration;
  }

  private async startNow(registration: ListenerRegistration): Promise<void> {
    let instance: ClientInstance | undefined;
    let core: PushConsumerCore | undefined;
    try {
      const loading = telemetryApiFor(this.options.client);
      const telemetry = loading && (await loading);
      if (loading) this.assertNotShutDown();
      core = new PushConsumerCore(this.options, this.subscriptions, registration, telemetry, (member) => {
        instance = this.registry.acquire(this.options.client, member);
        return instance;
      });
      this.core = core;
      if (this.suspended) core.suspend();
      core.pause(this.paused.all);
      await core.start();
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

  private assertNotShutDown(): void {
    if (this.state === 'SHUT_DOWN')
      throw new MQClientError(MQClientErrorCode.SHUT_DOWN, `consumer ${this.group} was shut down`);
  }
}
