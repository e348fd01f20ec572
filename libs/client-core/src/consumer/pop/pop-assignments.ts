import { MASTER_ID, type MessageQueue, type SubscriptionData } from '@rocknest/protocol';
import { BROKER_SUSPEND_MAX_TIME_MS } from '../../defaults.js';
import { errorText } from '../../errors.js';
import type { ClientInstance } from '../../instance/client-instance.js';
import { LogLimiter } from '../../logger.js';
import type { ConsumeMessageService } from '../consume-message-service.js';
import { PausedQueues, type QueueSelector } from '../paused-queues.js';
import { ConsumeQueueRef } from '../queue-ref.js';
import type { PopAnswer, PopApi } from './pop-api.js';
import type { PopLease } from './pop-lease.js';
import { PopLoop, type PopLoopEvents } from './pop-loop.js';
import { PopProcessQueue } from './pop-process-queue.js';
import type { PopSettlement } from './pop-settlement.js';

export interface PopAssignmentsOptions {
  group: string;
  instance: Pick<ClientInstance, 'brokers' | 'heartbeats' | 'logger'>;
  api: Pick<PopApi, 'pop'>;
  settlement: Pick<PopSettlement, 'admit' | 'acknowledge' | 'release' | 'cameTooOften' | 'giveBack'>;
  service: Pick<ConsumeMessageService, 'submit'>;
  subscriptionOf(topic: string): SubscriptionData | undefined;
  /** Called with what a pop brought before it is handed out. */
  onPopped(topic: string, answer: PopAnswer, tookMs: number): void;
  batchNums: number;
  invisibleTimeMs: number;
  threshold: number;
  initMode: number;
}

interface Assigned {
  readonly processQueue: PopProcessQueue;
  readonly loop: PopLoop;
}

/** The queues that brokers let this member pop, each with its loop. Queue id -1 stands for all queues of a broker. */
export class PopAssignments {
  private readonly assigned = new Map<string, Assigned>();
  private readonly troubles = new LogLimiter();
  private readonly events: PopLoopEvents;
  private readonly paused = new PausedQueues();
  private suspended = false;
  private stopped = false;

  constructor(private readonly options: PopAssignmentsOptions) {
    const { group, instance, service, settlement } = options;
    this.events = {
      pop: (loop, callback) => this.pop(loop, callback),
      onMessages: (loop) => service.submit(loop.processQueue),
      onLate: (leases) => settlement.release(leases),
      onSubscriptionUnknown: async (loop) => {
        const broker = instance.brokers.find(loop.processQueue.queue.brokerName, MASTER_ID, true);
        if (broker) await instance.heartbeats.sendTo(broker.address);
      },
      onError: (loop, error) => {
        const { brokerName } = loop.processQueue.queue;
        if (this.troubles.allows(brokerName)) {
          instance.logger.warn(`group ${group}: ${errorText(error)}; popped again in a while`);
        }
      },
    };
  }

  get all(): IterableIterator<Assigned> {
    return this.assigned.values();
  }

  /** From now on exactly these queues of the topic are popped. What is held of others is handled all the same. */
  assign(topic: string, queues: readonly MessageQueue[]): void {
    if (this.stopped) return;
    const wanted = new Map(queues.map((queue) => ConsumeQueueRef.of(queue)).map((queue) => [queue.key, queue]));
    const nowMs = Date.now();
    for (const [key, { processQueue, loop }] of this.assigned) {
      if (processQueue.queue.topic !== topic || (wanted.has(key) && !loop.isStuck(nowMs))) continue;
      this.close(key, wanted.has(key) ? 'its pops have stopped; taken anew' : 'it is not assigned any more');
    }
    for (const [key, queue] of wanted) if (!this.assigned.has(key)) this.open(key, queue);
  }

  /** Gives up topics that are not subscribed to any more. */
  retain(topics: ReadonlySet<string>): void {
    for (const [key, { processQueue }] of this.assigned) {
      if (!topics.has(processQueue.queue.topic)) this.close(key, 'its topic is not subscribed to any more');
    }
  }

  /** Held pops of the topic have an old filter. */
  popAnew(topic: string): void {
    for (const { processQueue, loop } of this.assigned.values()) {
      if (processQueue.queue.topic === topic) loop.popAnew();
    }
  }

  suspend(): void {
    this.suspended = true;
    for (const { loop } of this.assigned.values()) loop.suspend();
  }

  resume(): void {
    this.suspended = false;
    for (const { processQueue, loop } of this.assigned.values()) if (!processQueue.paused) loop.resume();
  }

  pause(selectors: readonly QueueSelector[]): void {
    for (const selector of selectors) this.paused.pause(selector);
    this.applyPauses();
  }

  goOn(selectors: readonly QueueSelector[]): void {
    for (const selector of selectors) this.paused.resume(selector);
    this.applyPauses();
  }

  /** No pop begins any more, and what no handler has begun with goes back. */
  stop(): void {
    this.stopped = true;
    for (const { loop, processQueue } of this.assigned.values()) {
      loop.stop();
      this.options.settlement.release(processQueue.releaseWaiting());
    }
  }

  /** Everything that is still held goes back: for the end, when no handler runs. */
  releaseAll(): void {
    for (const { processQueue } of this.assigned.values()) this.options.settlement.release(processQueue.releaseAll());
  }

  private open(key: string, queue: ConsumeQueueRef): void {
    const { settlement, instance, group, threshold } = this.options;
    const processQueue = new PopProcessQueue(queue, {
      onHandled: (lease) => settlement.acknowledge(lease),
      onExpired: (lease) => this.expired(lease),
      onRoom: () => loop.wakeIfRoom(),
    });
    const loop = new PopLoop(processQueue, threshold, this.events);
    this.assigned.set(key, { processQueue, loop });
    instance.logger.debug?.(`group ${group}: pops ${key}`);
    processQueue.paused = this.paused.covers(queue);
    if (this.suspended || processQueue.paused) loop.suspend();
    loop.start();
  }

  private applyPauses(): void {
    if (this.stopped) return;
    for (const { processQueue, loop } of this.assigned.values()) {
      const paused = this.paused.covers(processQueue.queue);
      if (paused === processQueue.paused) continue;
      processQueue.paused = paused;
      if (paused) loop.suspend();
      else {
        if (!this.suspended) loop.resume();
        this.options.service.submit(processQueue);
      }
    }
  }

  private close(key: string, why: string): void {
    const { loop, processQueue } = this.assigned.get(key)!;
    this.assigned.delete(key);
    this.options.instance.logger.debug?.(`group ${this.options.group}: pops ${key} no more: ${why}`);
    loop.stop();
    this.options.settlement.release(processQueue.releaseWaiting());
  }

  private expired({ message }: PopLease): void {
    if (!this.troubles.allows('expired')) return;
    const { instance, group, invisibleTimeMs } = this.options;
    instance.logger.warn(
      `group ${group}: message ${message.msgId} of ${message.topic} waited longer than its invisible time for a handler and comes again; ` +
        `raise invisibleTimeMs (${invisibleTimeMs}) or concurrency, or lower popThresholdForQueue`,
    );
  }

  private pop(loop: PopLoop, callback: Parameters<PopLoopEvents['pop']>[1]): void {
    const { queue } = loop.processQueue;
    const { group, settlement, batchNums, invisibleTimeMs, initMode } = this.options;
    const subscription = this.options.subscriptionOf(queue.topic);
    if (!subscription) {
      // The rebalance that follows takes the queue away.
      setImmediate(() => callback(new Error(`topic ${queue.topic} is not subscribed to`), undefined));
      return;
    }
    const startedMs = Date.now();
    this.options.api.pop(
      {
        group,
        queue,
        subscription,
        maxMessages: batchNums,
        invisibleTimeMs,
        pollTimeMs: BROKER_SUSPEND_MAX_TIME_MS,
        initMode,
        order: false,
        attemptId: undefined,
      },
      (error, answer) => {
        if (!answer) {
          callback(error, undefined);
          return;
        }
        this.options.onPopped(queue.topic, answer, Date.now() - startedMs);
        for (const lease of answer.filtered) settlement.acknowledge(lease);
        settlement.admit(answer.leases);
        const leases: PopLease[] = [];
        for (const lease of answer.leases) {
          if (settlement.cameTooOften(lease.message)) void settlement.giveBack(lease.message, queueOf(lease), -1);
          else leases.push(lease);
        }
        callback(undefined, { status: answer.status, leases });
      },
    );
  }
}

/** The queue that a popped message lies in, for requests about that message. */
export function queueOf({ message, receipt }: PopLease): MessageQueue {
  return { topic: message.topic, brokerName: receipt.info.brokerName, queueId: receipt.info.queueId };
}
