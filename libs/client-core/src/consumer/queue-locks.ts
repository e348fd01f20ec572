import type { MessageQueue } from '@rocknest/protocol';
import {
  FIRST_LOCK_DELAY_MS,
  LOCK_REGAIN_DELAY_MS,
  LOCK_RETRY_DELAY_MS,
  UNLOCK_FORCED_AFTER_MS,
  UNLOCK_WAIT_MS,
} from '../defaults.js';
import { errorText } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import { PeriodicTask } from '../support/periodic-task.js';
import type { ProcessQueue } from './process-queue.js';
import type { QueueClaims } from './queue-claims.js';
import type { ConsumeQueueRef } from './queue-ref.js';

export interface QueueLocksOptions {
  group: string;
  /** LOCK_BATCH_MQ to the master of that name. @returns the queues that this client holds now. */
  lock(brokerName: string, queues: readonly MessageQueue[]): Promise<readonly MessageQueue[]>;
  /** UNLOCK_BATCH_MQ to the master of that name. */
  unlock(brokerName: string, queues: readonly MessageQueue[]): Promise<void>;
  /** ms between two renewals of all locks. */
  lockIntervalMs: number;
  /** ms after which a lock that was not renewed is not relied on. Must be below the broker's time. */
  lockMaxLiveMs: number;
  /** Resolves with true when no listener runs for the queue, with false when `timeoutMs` have passed before. */
  endedWithin(queue: ConsumeQueueRef, timeoutMs: number): Promise<boolean>;
  /** A lock that had run out is held again. */
  onRegained(processQueue: ProcessQueue): void;
  /** Another member has the lock: what is held of the queue is worthless. */
  onLost(processQueue: ProcessQueue): void;
  logger: ClientLogger;
  now?(): number;
}

/**
 * The locks of an orderly consumer (RocketMQ: `RebalanceImpl.lock`, `lockAll`, `unlock`, `RebalancePushImpl.removeUnnecessaryMessageQueue` of 5.2).
 * A queue is locked before it is consumed, renewed every 20 s, relied on for 30 s after the last success, and unlocked only when no handler
 * of it runs; the broker forgets it 60 s after the last renewal.
 */
export class QueueLocks implements QueueClaims {
  private readonly claimedMs = new Map<string, number>();
  private readonly held = new Set<ProcessQueue>();
  private readonly attempts = new Map<ProcessQueue, NodeJS.Timeout>();
  private readonly troubles = new LogLimiter();
  private readonly task: PeriodicTask;
  private readonly now: () => number;
  private stopped = false;

  constructor(private readonly options: QueueLocksOptions) {
    this.now = options.now ?? Date.now;
    this.task = new PeriodicTask(
      options.lockIntervalMs,
      () => this.lockAll(),
      (error) => options.logger.warn(`group ${options.group}: renewing queue locks failed: ${errorText(error)}`),
    );
  }

  start(): void {
    this.task.start(Math.min(FIRST_LOCK_DELAY_MS, this.options.lockIntervalMs));
  }

  /** No lock is renewed any more. After the last handler has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.attempts.values()) clearTimeout(timer);
    this.attempts.clear();
    await this.task.stop();
  }

  async claim(queues: readonly ConsumeQueueRef[]): Promise<ReadonlySet<string>> {
    const claimed = new Set<string>();
    await this.forEachBroker(queues, async (brokerName, own) => {
      const sentMs = this.now();
      const keys = await this.lock(brokerName, own);
      for (const { key } of own) {
        if (!keys?.has(key)) continue;
        claimed.add(key);
        this.claimedMs.set(key, sentMs);
      }
    });
    return claimed;
  }

  async disclaim(queue: ConsumeQueueRef): Promise<void> {
    this.claimedMs.delete(queue.key);
    await this.unlock(queue);
  }

  opened(processQueue: ProcessQueue): void {
    const { key } = processQueue.queue;
    processQueue.locked = true;
    processQueue.lastLockMs = this.claimedMs.get(key) ?? 0;
    this.claimedMs.delete(key);
    this.held.add(processQueue);
  }

  /** Whether the queue's handler may begin. When its lock has run out, it is asked for anew. */
  mayHandle(processQueue: ProcessQueue): boolean {
    if (this.isValid(processQueue)) return true;
    this.regain(processQueue, LOCK_REGAIN_DELAY_MS);
    return false;
  }

  async release(processQueue: ProcessQueue, beforeRelease: () => Promise<void>): Promise<boolean> {
    const { group, logger } = this.options;
    const { queue } = processQueue;
    if (!(await this.options.endedWithin(queue, UNLOCK_WAIT_MS))) {
      processQueue.tryUnlockTimes++;
      if (this.now() - processQueue.lastLockMs <= UNLOCK_FORCED_AFTER_MS) return false;
      logger.warn(
        `group ${group}: a handler of ${queue.key} still runs, long after the queue went to another member; ` +
          'the lock is given up and its result ignored, so two members may handle the queue for a while',
      );
    }
    await beforeRelease();
    this.forget(processQueue);
    await this.unlock(queue);
    return true;
  }

  /** The connection to a broker broke: it may have been restarted without its locks, so none of them is relied on until it is confirmed. */
  doubt(brokerName: string): void {
    for (const processQueue of this.held) {
      if (processQueue.queue.brokerName === brokerName) processQueue.locked = false;
    }
    if (!this.stopped) void this.task.wake();
  }

  /** Renews every lock. */
  async lockAll(): Promise<void> {
    const byKey = new Map<string, ProcessQueue>();
    for (const processQueue of this.held) {
      if (processQueue.dropped) this.forgetUnlessRunning(processQueue);
      else byKey.set(processQueue.queue.key, processQueue);
    }
    const queues = [...byKey.values()].map(({ queue }) => queue);
    await this.forEachBroker(queues, async (brokerName, own) => {
      const sentMs = this.now();
      const keys = await this.lock(brokerName, own);
      if (keys) for (const { key } of own) this.answered(byKey.get(key)!, keys.has(key), sentMs);
    });
  }

  private isValid(processQueue: ProcessQueue): boolean {
    return processQueue.locked && this.now() - processQueue.lastLockMs <= this.options.lockMaxLiveMs;
  }

  private answered(processQueue: ProcessQueue, granted: boolean, sentMs: number): void {
    if (processQueue.dropped) return;
    // The broker's locks live twice as long as they are relied on here: past that somebody else may have had the queue, and what is held of it is old.
    const stale = sentMs - processQueue.lastLockMs > 2 * this.options.lockMaxLiveMs;
    if (granted && !stale) {
      const regained = !this.isValid(processQueue);
      processQueue.locked = true;
      processQueue.lastLockMs = sentMs;
      if (regained) this.options.onRegained(processQueue);
      return;
    }
    this.forget(processQueue);
    const { group, logger } = this.options;
    const why = granted ? 'was not renewed in time' : "is another member's now";
    logger.warn(
      `group ${group}: the lock of ${processQueue.queue.key} ${why}; the queue is given up, and taken anew when it can be`,
    );
    this.options.onLost(processQueue);
  }

  private regain(processQueue: ProcessQueue, delayMs: number): void {
    if (this.stopped || this.attempts.has(processQueue)) return;
    const attempt = async (): Promise<void> => {
      if (!processQueue.dropped && !this.isValid(processQueue)) {
        const { queue } = processQueue;
        const sentMs = this.now();
        const keys = await this.lock(queue.brokerName, [queue]);
        if (keys) this.answered(processQueue, keys.has(queue.key), sentMs);
      }
      this.attempts.delete(processQueue);
      if (!processQueue.dropped && !this.isValid(processQueue)) this.regain(processQueue, LOCK_RETRY_DELAY_MS);
    };
    this.attempts.set(
      processQueue,
      setTimeout(() => void attempt(), delayMs),
    );
  }

  /** @returns keys of the locked queues, or undefined when the broker could not be asked. */
  private async lock(brokerName: string, queues: readonly ConsumeQueueRef[]): Promise<Set<string> | undefined> {
    const { group, logger } = this.options;
    try {
      const locked = await this.options.lock(brokerName, queues);
      this.troubles.clear(`lock ${brokerName}`);
      const ids = new Set(locked.map(({ topic, queueId }) => `${topic} ${queueId}`));
      return new Set(queues.filter(({ topic, queueId }) => ids.has(`${topic} ${queueId}`)).map(({ key }) => key));
    } catch (error) {
      if (this.troubles.allows(`lock ${brokerName}`)) {
        logger.warn(
          `group ${group}: ${queues.length} queues of ${brokerName} not locked, tried again: ${errorText(error)}`,
        );
      }
      return undefined;
    }
  }

  private async unlock(queue: ConsumeQueueRef): Promise<void> {
    try {
      await this.options.unlock(queue.brokerName, [queue]);
    } catch (error) {
      if (!this.troubles.allows(`unlock ${queue.brokerName}`)) return;
      this.options.logger.warn(
        `group ${this.options.group}: ${queue.key} not unlocked; the broker frees it a minute after the last renewal: ${errorText(error)}`,
      );
    }
  }

  private async forEachBroker(
    queues: readonly ConsumeQueueRef[],
    work: (brokerName: string, queues: ConsumeQueueRef[]) => Promise<void>,
  ): Promise<void> {
    const byBroker = new Map<string, ConsumeQueueRef[]>();
    for (const queue of queues) {
      const own = byBroker.get(queue.brokerName);
      if (own) own.push(queue);
      else byBroker.set(queue.brokerName, [queue]);
    }
    await Promise.all([...byBroker].map(([brokerName, own]) => work(brokerName, own)));
  }

  /** A queue that was reset is dropped without a release; one that waits for its handler is forgotten by `release`. */
  private forgetUnlessRunning(processQueue: ProcessQueue): void {
    if (processQueue.ignoresResults) this.forget(processQueue);
  }

  private forget(processQueue: ProcessQueue): void {
    processQueue.locked = false;
    this.held.delete(processQueue);
    clearTimeout(this.attempts.get(processQueue));
    this.attempts.delete(processQueue);
  }
}
