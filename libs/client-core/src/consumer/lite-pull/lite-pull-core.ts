import {
  type ConsumeMessageDirectlyResult,
  type ConsumerData,
  type ConsumerRunningInfo,
  type MessageExt,
  type MessageQueue,
} from '@rocknest/protocol';
import {
  PULL_CONSUMER_SUSPEND_MAX_TIME_MS,
  REBALANCE_RETRY_INTERVAL_MS,
  ROUTE_QUERY_CONCURRENCY,
} from '../../defaults.js';
import { errorText, MQClientError, MQClientErrorCode } from '../../errors.js';
import type { ClientInstance } from '../../instance/client-instance.js';
import type { ConnectionStatus, InstanceConsumer } from '../../instance/client-members.js';
import { forEachLimited, settledWithin } from '../../support/concurrency.js';
import { PeriodicTask } from '../../support/periodic-task.js';
import { ConsumeTrace } from '../../trace/consume-trace.js';
import { createTraceDispatcher } from '../../trace/create-trace-dispatcher.js';
import type { TraceDispatcher } from '../../trace/trace-dispatcher.js';
import { computePullFromWhere } from '../consume-from-where.js';
import { ConsumerApi } from '../consumer-api.js';
import { membersOfGroup } from '../group-members.js';
import { allocateAll, createOffsetStore } from '../message-model.js';
import type { OffsetStore } from '../offset-store.js';
import { PullApi } from '../pull-api.js';
import { ConsumeQueueRef } from '../queue-ref.js';
import { Rebalance, type AssignedQueue } from '../rebalance.js';
import { checkSubscriptions } from '../subscription-check.js';
import { WantedTopics } from '../wanted-topics.js';
import type { LitePullSubscriptions } from './lite-pull-subscriptions.js';
import type { ResolvedLitePullOptions } from './lite-pull-options.js';
import { litePullRunningInfo } from './lite-pull-running-info.js';
import { LiteQueues } from './lite-queues.js';
import { MessageBuffer } from './message-buffer.js';

/** The running part of a lite pull consumer (RocketMQ: `impl/consumer/DefaultLitePullConsumerImpl.java`). */
export class LitePullCore implements InstanceConsumer {
  readonly instance: ClientInstance;
  readonly api: ConsumerApi;
  readonly buffer = new MessageBuffer();
  readonly queues: LiteQueues;
  readonly offsetStore: OffsetStore;
  /** What is handed out is written here; undefined when nothing is traced. */
  readonly trace: ConsumeTrace | undefined;
  private readonly traceDispatcher: TraceDispatcher | undefined;
  private readonly rebalance: Rebalance;
  private readonly rebalanceTask: PeriodicTask;
  private readonly persistTask: PeriodicTask;
  private readonly wanted: WantedTopics;
  private readonly startedMs = Date.now();
  private joined = false;
  private lastAssignment = '';
  private stopped = false;

  constructor(
    private readonly options: ResolvedLitePullOptions,
    private readonly subscriptions: LitePullSubscriptions,
    acquire: (member: { consumer: InstanceConsumer }) => ClientInstance,
    private readonly onAssigned: (queues: MessageQueue[]) => void,
    private readonly onRoute: (topic: string) => void,
  ) {
    const { group, client } = options;
    this.instance = acquire({ consumer: this });
    const { instance } = this;
    const { clientId } = instance;
    this.api = new ConsumerApi(instance);
    this.offsetStore = createOffsetStore(options, this.instance.clientId, this.api);
    this.wanted = new WantedTopics(group, instance);
    this.traceDispatcher = client.trace && createTraceDispatcher(instance, client.trace, group, 'CONSUME');
    this.trace = this.traceDispatcher && new ConsumeTrace(this.traceDispatcher, group, Infinity);
    const pullApi = new PullApi(instance, {
      group,
      batchSize: options.pullBatchSize,
      batchSizeBytes: options.pullBatchSizeBytes,
      kind: 'LITE_PULL',
      suspendTimeoutMs: PULL_CONSUMER_SUSPEND_MAX_TIME_MS,
      brokerId: options.pullFromBrokerId,
      subscriptionOf: (topic) => subscriptions.of(topic),
      onPulled: (topic, { unreadable }) => {
        for (const [message, problem] of unreadable ?? []) {
          client.logger.warn(
            `group ${group}: body of message ${message.msgId} of ${topic} can't be read: ${errorText(problem)}`,
          );
        }
      },
    });
    this.queues = new LiteQueues({
      group,
      limits: options.limits,
      thresholdForAll: options.thresholdForAll,
      autoCommit: options.autoCommit,
      pull: pullApi.pull,
      buffer: this.buffer,
      offsetStore: this.offsetStore,
      instance,
      assigned: () => this.rebalance.queues,
    });
    const alone = (): boolean => options.model.messageModel === 'BROADCASTING' || subscriptions.mode === 'ASSIGN';
    this.rebalance = new Rebalance({
      group,
      clientId,
      strategy: {
        name: options.strategy.name,
        allocate: (...parts) => (alone() ? allocateAll : options.strategy).allocate(...parts),
      },
      offsetStore: this.offsetStore,
      topics: () => subscriptions.topics,
      queuesOf: (topic) => subscriptions.assignedOf(topic) ?? instance.routes.subscribeQueues(topic),
      membersOf: async (topic) => (alone() ? [clientId] : membersOfGroup(instance, this.api, group, topic)),
      startOffset: (queue) => this.startOffset(queue),
      open: (queue) => this.queues.open(queue),
      superseded: () => this.rebalanceTask.wakePending,
      logger: client.logger,
    });
    const complain = (what: string) => (error: unknown) =>
      client.logger.warn(`group ${group}: ${what} failed: ${errorText(error)}`);
    this.rebalanceTask = new PeriodicTask(
      options.rebalanceIntervalMs,
      () => this.rebalanceNow(),
      complain('rebalance'),
    );
    this.persistTask = new PeriodicTask(
      options.autoCommit ? options.autoCommitIntervalMs : client.persistConsumerOffsetIntervalMs,
      () => this.offsetStore.persistAll(),
      complain('writing offsets'),
    );
  }

  get group(): string {
    return this.options.group;
  }

  get assignedQueues(): MessageQueue[] {
    return this.assignedEntries.map(({ processQueue: { queue } }) => {
      const { topic, brokerName, queueId } = queue;
      return { topic, brokerName, queueId };
    });
  }

  async start(): Promise<void> {
    const { instance } = this;
    await this.offsetStore.load();
    await instance.start();
    const topics = [...this.subscriptions.topics];
    for (const topic of topics) this.wanted.add(topic);
    await forEachLimited(topics, ROUTE_QUERY_CONCURRENCY, (topic) => this.wanted.learn(topic));
    await checkSubscriptions(instance, this.group, this.subscriptions.ofHeartbeat);
    await instance.heartbeats.sendToAll();
    this.assertNotStopped();
    this.joined = true;
    await this.rebalanceTask.wake();
    this.assertNotStopped();
    this.persistTask.start();
  }

  /** Topics or queues were added or given up. Resolves when the queues were shared out anew. */
  async subscriptionsChanged(changed?: string): Promise<void> {
    if (!this.joined || this.stopped) return;
    const topics = new Set(this.subscriptions.topics);
    const fresh = [...topics].filter((topic) => !this.wanted.has(topic));
    for (const topic of fresh) this.wanted.add(topic);
    this.wanted.retain(topics);
    await forEachLimited(fresh, ROUTE_QUERY_CONCURRENCY, (topic) => this.wanted.learn(topic));
    await this.instance.heartbeats.sendToAll();
    for (const { processQueue, loop } of this.rebalance.queues) {
      if (processQueue.queue.topic === changed) loop.pullAnew();
    }
    await this.rebalanceTask.wake();
  }

  /** The queues that this member reads. */
  get assignedEntries(): AssignedQueue[] {
    return [...this.rebalance.queues].filter(({ processQueue }) => !processQueue.dropped);
  }

  /** Undefined for a queue that is not this member's. */
  assigned(queue: MessageQueue): AssignedQueue | undefined {
    const entry = this.rebalance.find(queue);
    return entry?.processQueue.dropped ? undefined : entry;
  }

  /** @throws MQClientError QUEUE_NOT_ASSIGNED. */
  find(queue: MessageQueue): AssignedQueue {
    const entry = this.assigned(queue);
    if (entry) return entry;
    const { topic, brokerName, queueId } = queue;
    const hint = this.subscriptions.mode === 'SUBSCRIBE' ? '; since the last rebalance it may be of another one' : '';
    throw new MQClientError(
      MQClientErrorCode.QUEUE_NOT_ASSIGNED,
      `group ${this.group}: queue ${topic} ${brokerName} ${queueId} is none of this member's${hint}`,
      { details: { topic, brokerName, queueId } },
    );
  }

  stopIntake(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.rebalance.stop();
    for (const { loop } of this.rebalance.queues) loop.stop();
    this.buffer.close();
    this.wanted.close();
  }

  /** Waits for iterators whose loop body runs, then writes the offsets of what was consumed. After `stopIntake`. */
  async drain(timeoutMs: number): Promise<void> {
    const tasks = Promise.all([this.rebalanceTask.stop(), this.persistTask.stop()]);
    if (!(await this.buffer.idle(timeoutMs))) {
      this.instance.logger.warn(
        `group ${this.group}: ${this.buffer.heldCount} loops still work on messages ${timeoutMs} ms after the shutdown began; ` +
          'these messages will come again',
      );
    }
    await settledWithin(tasks, this.options.client.mqClientApiTimeoutMs);
    await this.traceDispatcher?.shutdown();
    await this.rebalance.releaseAll();
  }

  heartbeatData(): ConsumerData {
    return {
      groupName: this.group,
      consumeType: 'CONSUME_ACTIVELY',
      messageModel: this.options.model.messageModel,
      consumeFromWhere: this.options.consumeFromWhere,
      subscriptionDataSet: this.subscriptions.ofHeartbeat,
      unitMode: false,
    };
  }

  connectionChanged(status: ConnectionStatus, address: string): void {
    this.options.client.onStatus?.(status, address);
  }

  rebalanceSoon(): void {
    if (this.joined && !this.stopped) void this.rebalanceTask.wake();
  }

  routeChanged(topic: string): void {
    if (this.subscriptions.of(topic)) this.rebalanceSoon();
    this.onRoute(topic);
  }

  async resetOffsets(topic: string, offsets: readonly (readonly [MessageQueue, number])[]): Promise<void> {
    const target = new Map(offsets.map(([queue, offset]) => [ConsumeQueueRef.of(queue).key, offset]));
    const queues = offsets.map(([queue]) => queue).filter((queue) => queue.topic === topic);
    await this.rebalance.replace(queues, async (dropped) => {
      for (const { processQueue } of dropped) {
        const { queue } = processQueue;
        this.offsetStore.update(queue, target.get(queue.key)!, false);
        await this.offsetStore.persist(queue);
      }
    });
    this.rebalanceSoon();
  }

  consumerStatus(topic: string): [MessageQueue, number][] {
    return this.offsetStore.table(topic);
  }

  runningInfo(): ConsumerRunningInfo {
    return litePullRunningInfo({
      options: this.options,
      mode: this.subscriptions.mode,
      startedMs: this.startedMs,
      subscriptions: this.subscriptions.ofHeartbeat,
      queues: [...this.rebalance.queues],
      offsetOf: (queue) => this.offsetStore.inMemory(queue),
    });
  }

  consumeDirectly(message: MessageExt): Promise<ConsumeMessageDirectlyResult> {
    return Promise.reject(
      new MQClientError(
        MQClientErrorCode.INVALID_ARGUMENT,
        `group ${this.group} asks for its messages and has no listener that could be given ${message.msgId}`,
      ),
    );
  }

  private async rebalanceNow(): Promise<void> {
    const balanced = await this.rebalance.run();
    const { rebalanceIntervalMs } = this.options;
    this.rebalanceTask.intervalMs = balanced
      ? rebalanceIntervalMs
      : Math.min(rebalanceIntervalMs, REBALANCE_RETRY_INTERVAL_MS);
    const queues = this.assignedQueues;
    const text = queues
      .map((queue) => ConsumeQueueRef.of(queue).key)
      .sort()
      .join(' ');
    if (text === this.lastAssignment) return;
    this.lastAssignment = text;
    this.onAssigned(queues);
  }

  private async startOffset(queue: ConsumeQueueRef): Promise<number> {
    const { consumeFromWhere, timestampMs } = this.options;
    const stored = await this.offsetStore.read(queue);
    return computePullFromWhere(queue, stored, consumeFromWhere, timestampMs, this.api, this.instance.logger);
  }

  private assertNotStopped(): void {
    if (this.stopped)
      throw new MQClientError(MQClientErrorCode.SHUT_DOWN, `consumer ${this.group} was shut down while it started`);
  }
}
