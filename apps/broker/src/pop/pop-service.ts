import { popNormalTopicOf } from '@rocknest/protocol';
import type { Clock } from '../clock.js';
import { DeadlineBuckets } from '../pull/deadline-buckets.js';
import type { CheckPoints } from './check-points.js';
import { ORDER_INFO_CLEAN_INTERVAL_MS, POP_TICK_MS } from './defaults.js';
import type { MessageReviver } from './message-reviver.js';
import type { OrderInfos } from './order-infos.js';
import type { PopHoldService } from './pop-hold-service.js';
import type { ReviveReader } from './revive-reader.js';
import type { ReviveRecords } from './revive-records.js';

/** A queue popped in order that gives messages again at its deadline. */
interface BlockedQueue {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly deadlineMs: number;
}

export interface PopServiceOptions {
  readonly clock: Clock;
  /** False for queues whose topic, group or queue is gone. */
  readonly exists: (topic: string, group: string, queueId: number) => boolean;
  /** The timer has not delivered what is due. */
  readonly isTimerBehind: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** What POP does by itself: brings check points back at the start, looks after them every 250 ms, wakes pops when queues are free, and stops. */
export class PopService {
  private readonly blocked = new DeadlineBuckets<BlockedQueue>(POP_TICK_MS);
  private readonly blockedByKey = new Map<string, BlockedQueue>();
  private timer: NodeJS.Timeout | undefined = undefined;
  private reviving: Promise<void> | undefined = undefined;
  private cleanedMs = 0;

  constructor(
    private readonly checkPoints: CheckPoints,
    private readonly reviver: MessageReviver,
    private readonly reader: ReviveReader,
    private readonly records: ReviveRecords,
    private readonly orders: OrderInfos,
    private readonly holds: readonly PopHoldService[],
    private readonly options: PopServiceOptions,
  ) {}

  /** Reads what was pending. Before the broker serves anybody. */
  async recover(): Promise<void> {
    await this.reader.recover();
    for (const { topic, group, queueId } of this.orders.all()) this.orderChanged(topic, group, queueId);
  }

  start(): void {
    this.cleanedMs = this.options.clock();
    this.timer = setInterval(() => this.tick(), POP_TICK_MS).unref();
  }

  /** Answers what waits. */
  closeHolds(): void {
    for (const holds of this.holds) holds.close();
  }

  /** Writes what is pending; after the last request was answered. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.reader.stop();
    await this.reviving;
    await this.checkPoints.close();
  }

  /** The queue was popped in order, or is free at another time now. */
  orderChanged(topic: string, group: string, queueId: number): void {
    const key = `${topic}@${group}@${queueId}`;
    const old = this.blockedByKey.get(key);
    if (old !== undefined) this.blocked.delete(old);
    const deadlineMs = this.orders.blockedUntilMs(topic, group, queueId);
    if (deadlineMs === undefined) {
      this.blockedByKey.delete(key);
      return;
    }
    const queue = { topic, group, queueId, deadlineMs };
    this.blockedByKey.set(key, queue);
    this.blocked.add(queue);
  }

  /** Messages of a topic came back for a group, or a queue of it gives messages again. */
  wake(topic: string, group: string): void {
    const normalTopic = popNormalTopicOf(topic, group);
    for (const holds of this.holds) holds.wakeGroup(normalTopic, group);
  }

  /** One look at everything. */
  tick(): void {
    const nowMs = this.options.clock();
    try {
      this.reader.look(this.options.onError);
      this.records.waitForAcks(nowMs, this.options.isTimerBehind);
      if (this.checkPoints.hasWork) this.checkPoints.tend(nowMs);
      this.freeQueues(nowMs);
      if (nowMs - this.cleanedMs >= ORDER_INFO_CLEAN_INTERVAL_MS) {
        this.cleanedMs = nowMs;
        this.orders.clean(({ topic, group, queueId }) => this.options.exists(topic, group, queueId));
      }
    } catch (error) {
      this.options.onError(error);
    }
    if (this.reviving !== undefined || this.checkPoints.table.size === 0) return;
    this.reviving = this.reviver
      .reviveDue(nowMs)
      .catch(this.options.onError)
      .finally(() => {
        this.reviving = undefined;
      });
  }

  private freeQueues(nowMs: number): void {
    for (const queue of this.blocked.due(nowMs)) {
      this.blocked.delete(queue);
      this.blockedByKey.delete(`${queue.topic}@${queue.group}@${queue.queueId}`);
      // Renewed meanwhile, it is blocked on.
      this.orderChanged(queue.topic, queue.group, queue.queueId);
      if (!this.orders.isBlocked(undefined, queue.topic, queue.group, queue.queueId)) {
        this.wake(queue.topic, queue.group);
      }
    }
  }
}
