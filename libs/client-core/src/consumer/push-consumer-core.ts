import {
  getTags,
  MessageConst,
  popRetryTopicOf,
  retryTopicOf,
  type ConsumeMessageDirectlyResult,
  type ConsumerData,
  type ConsumerRunningInfo,
  type MessageExt,
  type MessageQueue,
} from '@rocknest/protocol';
import { REBALANCE_AFTER_LOCK_FAILURE_MS, REBALANCE_RETRY_INTERVAL_MS, ROUTE_QUERY_CONCURRENCY } from '../defaults.js';
import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';
import type { ClientInstance } from '../instance/client-instance.js';
import type { ConnectionStatus, InstanceConsumer } from '../instance/client-members.js';
import { forEachLimited, settledWithin } from '../support/concurrency.js';
import { PeriodicTask } from '../support/periodic-task.js';
import { ClientTelemetry } from '../telemetry/client-telemetry.js';
import { ConsumeSpans } from '../telemetry/consume-spans.js';
import type { TelemetryApi } from '../telemetry/telemetry-api.js';
import { ConsumeTrace } from '../trace/consume-trace.js';
import { createTraceDispatcher } from '../trace/create-trace-dispatcher.js';
import type { TraceDispatcher } from '../trace/trace-dispatcher.js';
import { tracedRegistration } from '../trace/traced-listener.js';
import { computePullFromWhere } from './consume-from-where.js';
import type { ConsumeMessageService } from './consume-message-service.js';
import { ConsumeStats } from './consume-stats.js';
import type { ListenerRegistration } from './consume-types.js';
import { ConsumerApi } from './consumer-api.js';
import { createConsumption, type Consumption } from './consumption.js';
import { membersOfGroup } from './group-members.js';
import { allocateAll, createOffsetStore } from './message-model.js';
import { OFFSET_NOT_FOUND, type OffsetStore } from './offset-store.js';
import type { QueueSelector } from './paused-queues.js';
import { PullApi } from './pull-api.js';
import { KnownQueues } from './known-queues.js';
import type { ResolvedPushConsumerOptions } from './push-consumer-options.js';
import { QueueMoves } from './queue-moves.js';
import type { ConsumeQueueRef } from './queue-ref.js';
import { QueueLimits } from './queue-limits.js';
import { QueueSupply } from './queue-supply.js';
import { Rebalance } from './rebalance.js';
import { runningInfoOf } from './running-info.js';
import { checkSubscriptions } from './subscription-check.js';
import type { Subscriptions } from './subscriptions.js';
import { WantedTopics } from './wanted-topics.js';

/** The running part of a push consumer: what `start()` puts together (RocketMQ: `impl/consumer/DefaultMQPushConsumerImpl.java`). */
export class PushConsumerCore implements InstanceConsumer {
  readonly instance: ClientInstance;
  private readonly api: ConsumerApi;
  private readonly stats = new ConsumeStats();
  private readonly offsetStore: OffsetStore;
  private readonly service: ConsumeMessageService;
  private readonly consumption: Consumption;
  private readonly supply: QueueSupply;
  private readonly rebalance: Rebalance;
  private readonly moves: QueueMoves;
  private readonly rebalanceTask: PeriodicTask;
  private readonly persistTask: PeriodicTask;
  private readonly unreadable = new WeakMap<MessageExt, Error>();
  private readonly startedMs = Date.now();
  private readonly wanted: WantedTopics;
  private readonly known = new KnownQueues();
  private readonly trace: TraceDispatcher | undefined;
  private joined = false;
  private stopped = false;

  constructor(
    private readonly options: ResolvedPushConsumerOptions,
    private readonly subscriptions: Subscriptions,
    private readonly registration: ListenerRegistration,
    telemetry: TelemetryApi | undefined,
    acquire: (member: { consumer: InstanceConsumer }) => ClientInstance,
  ) {
    const { group, client } = options;
    this.instance = acquire({ consumer: this });
    const { instance } = this;
    this.api = new ConsumerApi(instance);
    this.offsetStore = createOffsetStore(options, instance.clientId, this.api);
    this.wanted = new WantedTopics(group, instance);
    this.trace = client.trace && createTraceDispatcher(instance, client.trace, group, 'CONSUME');
    const { messageModel } = options.model;
    const spans =
      telemetry && new ConsumeSpans(new ClientTelemetry(telemetry, instance.clientId, client), { group, messageModel });
    const spanned = spans?.registration(registration) ?? registration;
    this.consumption = createConsumption({
      options,
      registration: this.trace
        ? tracedRegistration(spanned, new ConsumeTrace(this.trace, group, options.consumeTimeoutMs))
        : spanned,
      instance,
      api: this.api,
      stats: this.stats,
      problemOf: (message) => this.unreadable.get(message),
      subscriptions,
      onPopped: (topic, { leases, unreadable }, tookMs) => this.pulled(topic, leases.length, unreadable, tookMs),
      pullsInsteadOfPops: (topic, pulls) => this.pullPopRetryTopic(topic, pulls),
      onSettled: ({ queue }, offset) => {
        // Popped messages have no offset to commit.
        if (offset < 0) return;
        this.offsetStore.update(queue, offset, true);
        this.rebalance.find(queue)?.loop.wakeIfRoom();
      },
      queues: () => this.rebalance.queues,
      orderly: {
        onLost: ({ queue }) => this.moves.lockLost(queue),
        onDroppedEnd: () => this.rebalanceSoon(),
      },
    });
    this.service = this.consumption.service;
    const pullApi = new PullApi(instance, {
      group,
      batchSize: options.pullBatchSize,
      batchSizeBytes: options.pullBatchSizeBytes,
      subscriptionOf: (topic) => subscriptions.of(topic),
      onPulled: (topic, { messages, unreadable }, tookMs) => this.pulled(topic, messages.length, unreadable, tookMs),
    });
    this.supply = new QueueSupply({
      group,
      instance,
      // One message at a time: a gap between offsets held is no sign of a handler that hangs.
      limits: new QueueLimits(
        this.orderly ? { ...options.limits, maxSpan: Infinity } : options.limits,
        options.topicLimits,
      ),
      pull: pullApi.pull,
      service: this.service,
      offsetStore: this.offsetStore,
      onOffsetIllegal: (queue, offset) => void this.moves.moveTo(queue, offset),
    });
    this.rebalance = new Rebalance({
      group,
      clientId: instance.clientId,
      strategy: this.broadcasts ? allocateAll : options.strategy,
      offsetStore: this.offsetStore,
      topics: () => subscriptions.topics,
      queuesOf: (topic) => this.known.seen(topic, instance.routes.subscribeQueues(topic)),
      membersOf: async (topic) =>
        this.broadcasts ? [instance.clientId] : membersOfGroup(instance, this.api, group, topic),
      ...(this.consumption.locks && { claims: this.consumption.locks }),
      ...(this.consumption.pop && { broker: this.consumption.pop }),
      startOffset: (queue) => this.startOffset(queue),
      open: (queue) => this.supply.open(queue),
      superseded: () => this.rebalanceTask.wakePending,
      logger: client.logger,
    });
    this.moves = new QueueMoves(this.rebalance, this.offsetStore, () => this.rebalanceSoon());
    const complain = (what: string) => (error: unknown) =>
      client.logger.warn(`group ${group}: ${what} failed: ${errorText(error)}`);
    this.rebalanceTask = new PeriodicTask(
      options.rebalanceIntervalMs,
      () => this.rebalanceNow(),
      complain('rebalance'),
    );
    this.persistTask = new PeriodicTask(
      client.persistConsumerOffsetIntervalMs,
      () => this.offsetStore.persistAll(),
      complain('writing offsets'),
    );
  }

  /** Every queue is this member's; nothing is asked of, or left at, the brokers. */
  private get broadcasts(): boolean {
    return this.options.model.messageModel === 'BROADCASTING';
  }

  private get orderly(): boolean {
    return this.registration.kind === 'ORDERLY';
  }

  get group(): string {
    return this.options.group;
  }

  get clientId(): string {
    return this.instance.clientId;
  }

  get droppedTraces(): number {
    return this.trace?.dropped ?? 0;
  }

  get assignedQueues(): MessageQueue[] {
    const entries = [...this.rebalance.queues].filter(({ processQueue }) => !processQueue.dropped);
    const pulled = entries.map(({ processQueue: { queue } }) => {
      const { topic, brokerName, queueId } = queue;
      return { topic, brokerName, queueId };
    });
    return [...pulled, ...(this.consumption.pop?.queues ?? []).map(({ queue }) => queue)];
  }

  async start(): Promise<void> {
    const { instance } = this;
    await this.offsetStore.load();
    await instance.start();
    for (const topic of this.subscriptions.topics) this.wanted.add(topic);
    await forEachLimited([...this.subscriptions.topics], ROUTE_QUERY_CONCURRENCY, (topic) => this.wanted.learn(topic));
    await checkSubscriptions(instance, this.group, this.subscriptions.all);
    await instance.heartbeats.sendToAll();
    this.assertNotStopped();
    this.joined = true;
    await this.rebalanceTask.wake();
    this.assertNotStopped();
    this.persistTask.start();
    this.consumption.locks?.start();
    this.consumption.expired?.start();
  }

  /** A topic was added, or its tags changed: brokers are told, and held pulls, which have the old tags, are sent anew. */
  subscriptionChanged(topic: string): void {
    if (!this.joined) return;
    const known = this.wanted.has(topic) ? Promise.resolve() : this.wanted.learn(topic);
    this.wanted.add(topic);
    void known
      .then(() => this.instance.heartbeats.sendToAll())
      .then(() => {
        for (const { processQueue, loop } of this.rebalance.queues) {
          if (processQueue.queue.topic === topic) loop.pullAnew();
        }
        this.consumption.pop?.popAnew(topic);
        this.rebalanceSoon();
      });
  }

  topicGivenUp(topic: string): void {
    if (!this.joined) return;
    this.wanted.remove(topic);
    this.known.forget(topic);
    void this.instance.heartbeats.sendToAll();
    this.rebalanceSoon();
  }

  suspend(): void {
    this.service.suspend();
    this.supply.suspend(this.rebalance.queues);
    this.consumption.pop?.suspend();
  }

  resume(): void {
    if (this.stopped) return;
    this.service.resume();
    this.supply.resume(this.rebalance.queues);
    this.consumption.pop?.resume();
  }

  pause(selectors: readonly QueueSelector[]): void {
    this.supply.pause(selectors, this.rebalance.queues);
    this.consumption.pop?.pause(selectors);
  }

  goOn(selectors: readonly QueueSelector[]): void {
    if (this.stopped) return;
    this.supply.goOn(selectors, this.rebalance.queues);
    this.consumption.pop?.goOn(selectors);
  }

  stopIntake(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.service.stop();
    this.rebalance.stop();
    for (const { loop } of this.rebalance.queues) loop.stop();
    this.consumption.pop?.stop();
    this.wanted.close();
  }

  /** What runs may end within `timeoutMs`; then the queues are given up with their offsets written. After `stopIntake`. */
  async drain(timeoutMs: number): Promise<void> {
    const tasks = Promise.all([this.rebalanceTask.stop(), this.persistTask.stop(), this.consumption.expired?.stop()]);
    const idle = await this.service.idle(timeoutMs);
    if (!idle) {
      this.instance.logger.warn(
        `group ${this.group}: ${this.service.runningCount} handlers still run ${timeoutMs} ms after the shutdown began; ` +
          'their messages will come again',
      );
    }
    const { mqClientApiTimeoutMs } = this.options.client;
    if ((await this.consumption.pop?.drain(idle, mqClientApiTimeoutMs)) === false) {
      this.instance.logger.warn(
        `group ${this.group}: not every acknowledgement was answered; those messages may come again`,
      );
    }
    await settledWithin(tasks, mqClientApiTimeoutMs);
    await this.trace?.shutdown();
    await this.rebalance.releaseAll();
    await this.consumption.locks?.stop();
  }

  heartbeatData(): ConsumerData {
    return {
      groupName: this.group,
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: this.options.model.messageModel,
      consumeFromWhere: this.options.consumeFromWhere,
      subscriptionDataSet: this.subscriptions.all,
      unitMode: false,
    };
  }

  connectionChanged(status: ConnectionStatus, address: string): void {
    const { locks } = this.consumption;
    if (locks && status === 'disconnected') {
      for (const [name, , known] of this.instance.brokers.all()) if (known === address) locks.doubt(name);
    }
    this.options.client.onStatus?.(status, address);
  }

  rebalanceSoon(): void {
    if (this.joined && !this.stopped) void this.rebalanceTask.wake();
  }

  routeChanged(topic: string): void {
    if (this.subscriptions.of(topic)) this.rebalanceSoon();
  }

  resetOffsets(topic: string, offsets: readonly (readonly [MessageQueue, number])[]): Promise<void> {
    return this.moves.reset(topic, offsets);
  }

  consumerStatus(topic: string): [MessageQueue, number][] {
    return this.offsetStore.table(topic);
  }

  runningInfo(): ConsumerRunningInfo {
    return runningInfoOf({
      options: this.options,
      orderly: this.orderly,
      startedMs: this.startedMs,
      subscriptions: this.subscriptions.all,
      queues: [...this.rebalance.queues],
      pops: this.consumption.pop?.queues,
      offsetOf: (queue) => this.offsetStore.inMemory(queue),
      stats: this.stats,
      runningCount: this.service.runningCount,
    });
  }

  consumeDirectly(message: MessageExt, brokerName: string | undefined): Promise<ConsumeMessageDirectlyResult> {
    const queue = { topic: message.topic, brokerName: brokerName ?? '', queueId: message.queueId };
    const origin = message.properties[MessageConst.RETRY_TOPIC];
    if (origin !== undefined && message.topic === retryTopicOf(this.group)) message.topic = origin;
    this.instance.logger.log(
      `group ${this.group} consumes message ${message.msgId} (${getTags(message) ?? 'no tag'}) on request`,
    );
    return this.service.consumeDirectly(message, queue);
  }

  private pulled(topic: string, count: number, unreadable: Map<MessageExt, Error> | undefined, tookMs: number): void {
    this.stats.pulled(topic, count, tookMs);
    for (const [message, problem] of unreadable ?? []) this.unreadable.set(message, problem);
  }

  /** What a group popped and did not acknowledge lies in a retry topic of its own; once brokers let the group pull, it is pulled too. */
  private pullPopRetryTopic(topic: string, pulls: boolean): void {
    const retryTopic = popRetryTopicOf(topic, this.group, 1);
    if (pulls === (this.subscriptions.of(retryTopic) !== undefined)) return;
    if (pulls) {
      this.subscriptions.put(retryTopic, '*');
      this.subscriptionChanged(retryTopic);
    } else if (this.subscriptions.remove(retryTopic)) {
      this.topicGivenUp(retryTopic);
    }
  }

  private async rebalanceNow(): Promise<void> {
    const balanced = await this.rebalance.run();
    this.supply.queuesChanged(this.rebalance.queues);
    const { rebalanceIntervalMs } = this.options;
    this.rebalanceTask.intervalMs = balanced
      ? rebalanceIntervalMs
      : Math.min(rebalanceIntervalMs, this.orderly ? REBALANCE_AFTER_LOCK_FAILURE_MS : REBALANCE_RETRY_INTERVAL_MS);
  }

  private async startOffset(queue: ConsumeQueueRef): Promise<number> {
    const { consumeFromWhere, timestampMs } = this.options;
    const stored = await this.offsetStore.read(queue);
    if (stored === OFFSET_NOT_FOUND && this.known.isNew(queue)) return 0;
    return computePullFromWhere(queue, stored, consumeFromWhere, timestampMs, this.api, this.instance.logger);
  }

  private assertNotStopped(): void {
    if (this.stopped)
      throw new MQClientError(MQClientErrorCode.SHUT_DOWN, `consumer ${this.group} was shut down while it started`);
  }
}
