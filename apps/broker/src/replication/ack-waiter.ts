import {
  type Clock,
  type HeldAnswers,
  type MessageStore,
  type PendingAppend,
  SystemClock,
  type Timer,
} from '@rocknest/store';
import type { BrokerConfig } from '../config/broker-settings.js';
import { SLAVE_RETURN_MS } from './defaults.js';
import type { HaService } from './ha-service.js';

/** What decides how many copies a message must have before its sender is answered. */
export type AckWaiterConfig = Pick<
  BrokerConfig,
  'inSyncReplicas' | 'minInSyncReplicas' | 'allAckInSyncStateSet' | 'enableAutoInSyncReplicas' | 'slaveTimeout'
>;

/**
 * Holds the answers of puts until enough slaves have them: the difference between SYNC_MASTER and ASYNC_MASTER. One row of puts in log order and one
 * look at the reports serve them all; no put has a promise or a timer of its own.
 *
 * Follows `store/ha/GroupTransferService.java`, and `handleHA` and `calcNeedAckNums` of `store/CommitLog.java`.
 */
export class AckWaiter implements HeldAnswers {
  private waiting: PendingAppend[] = [];
  private first = 0;
  private timer: Timer | undefined = undefined;
  /** Runs since the last slave went. */
  private goneTimer: Timer | undefined = undefined;
  private closed = false;

  constructor(
    private readonly slaves: Pick<HaService, 'inSyncSlaves' | 'ackedBy'>,
    private readonly store: Pick<MessageStore, 'replication'>,
    private readonly config: AckWaiterConfig,
    private readonly clock: Clock = new SystemClock(),
  ) {}

  /** Puts that wait for slaves. */
  get pending(): number {
    return this.waiting.length - this.first;
  }

  /** Why nothing may be put: too few copies would be left (minInSyncReplicas). Undefined: puts are taken. */
  readonly refusal = (): { status: 'IN_SYNC_REPLICAS_NOT_ENOUGH'; reason: string } | undefined => {
    const { minInSyncReplicas } = this.config;
    if (minInSyncReplicas <= 1) return undefined;
    const copies = 1 + this.slaves.inSyncSlaves;
    if (copies >= minInSyncReplicas) return undefined;
    return {
      status: 'IN_SYNC_REPLICAS_NOT_ENOUGH',
      reason: `${copies} of the group's brokers have the log, at least ${minInSyncReplicas} must (minInSyncReplicas)`,
    };
  };

  hold(appends: readonly PendingAppend[]): void {
    const { replication } = this.store;
    const { inSyncSlaves } = this.slaves;
    const needed = this.neededSlaves(inSyncSlaves);
    if (needed <= 0) {
      replication.answer(appends);
      return;
    }
    const acked = this.slaves.ackedBy(needed);
    const ready: PendingAppend[] = [];
    for (const append of appends) {
      if (append.waitStoreOk && append.endOffset > acked) {
        if (this.closed) {
          append.status = 'FLUSH_SLAVE_TIMEOUT';
          append.reason = 'the message is stored, but the broker stops, and waits for no slave to have it too';
        } else if (inSyncSlaves > 0) {
          // Its record is looked at when it is answered.
          append.keepRecord();
          this.waiting.push(append);
          continue;
        } else sayNotAvailable(append);
      }
      ready.push(append);
    }
    if (ready.length > 0) replication.answer(ready);
    if (this.pending > 0) this.startTimer();
  }

  /** A slave has more than before, came or went. */
  progress(): void {
    if (this.pending === 0) return;
    const { inSyncSlaves } = this.slaves;
    if (inSyncSlaves === 0) {
      this.goneTimer ??= this.clock.startTimer(() => this.giveUp(), SLAVE_RETURN_MS);
      return;
    }
    const needed = this.neededSlaves(inSyncSlaves);
    if (needed <= 0) {
      this.release(this.waiting.length);
      return;
    }
    const acked = this.slaves.ackedBy(needed);
    let end = this.first;
    while (end < this.waiting.length && this.waiting[end].endOffset <= acked) end++;
    this.release(end);
  }

  /** Nobody waits any more: those who do are told that the slaves do not have their messages yet. */
  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.goneTimer?.cancel();
    this.expire(Infinity);
  }

  /** The last slave has not come back: who waits is answered as who comes now, before senders give up. */
  private giveUp(): void {
    this.goneTimer = undefined;
    const { inSyncSlaves } = this.slaves;
    if (inSyncSlaves > 0 || this.pending === 0) return;
    if (this.neededSlaves(0) > 0)
      for (let at = this.first; at < this.waiting.length; at++) sayNotAvailable(this.waiting[at]);
    this.release(this.waiting.length);
  }

  private neededSlaves(inSyncSlaves: number): number {
    const { inSyncReplicas, minInSyncReplicas, allAckInSyncStateSet, enableAutoInSyncReplicas } = this.config;
    if (allAckInSyncStateSet) return Math.max(1, inSyncSlaves, minInSyncReplicas - 1);
    if (!enableAutoInSyncReplicas) return inSyncReplicas - 1;
    return Math.max(Math.min(inSyncReplicas, 1 + inSyncSlaves), minInSyncReplicas) - 1;
  }

  private release(end: number): void {
    if (end === this.first) return;
    const ready = this.waiting.slice(this.first, end);
    if (end === this.waiting.length) {
      this.waiting = [];
      this.first = 0;
    } else {
      this.first = end;
      // What was answered is given up now and then, not at each report.
      if (end > this.waiting.length / 2) {
        this.waiting = this.waiting.slice(end);
        this.first = 0;
      }
    }
    this.store.replication.answer(ready);
  }

  private startTimer(): void {
    this.timer ??= this.clock.startTimer(() => {
      this.timer = undefined;
      this.expire(this.clock.monotonicMs() - this.config.slaveTimeout);
      if (this.pending > 0 && !this.closed) this.startTimer();
    }, this.config.slaveTimeout / 10);
  }

  private expire(startedBeforeMs: number): void {
    let end = this.first;
    for (; end < this.waiting.length && this.waiting[end].startedAtMs < startedBeforeMs; end++) {
      const append = this.waiting[end];
      append.status = 'FLUSH_SLAVE_TIMEOUT';
      append.reason = `the message is stored, but not enough slaves had it within ${this.config.slaveTimeout} ms (slaveTimeout)`;
    }
    this.release(end);
  }
}

function sayNotAvailable(append: PendingAppend): void {
  append.status = 'SLAVE_NOT_AVAILABLE';
  append.reason = 'the message is stored, but no slave is there to have it too';
}
