import { PendingAppend } from '../commit-log/pending-append.js';
import type { DispatchRequest } from '../dispatch/dispatch-request.js';
import type { PutStatus } from '../types.js';

/** What happens to what the gate lets through. */
export interface ConfirmGateTargets {
  /** Makes puts visible, and answers those that were not answered before. */
  complete(appends: readonly PendingAppend[]): void;
  /** Makes records of a master visible. */
  replicated(requests: readonly DispatchRequest[]): void;
}

/**
 * Keeps what is written of the log from being seen, and its senders from being answered, until all that must have it do: a message that a consumer saw is
 * then never cut from the log by a fail-over, and its offset never given to another one. Everything passes in log order.
 *
 * Follows what RocketMQ calls the confirm offset (`DefaultMessageStore.getConfirmOffset`).
 */
export class ConfirmGate {
  private waiting: (PendingAppend | DispatchRequest)[] = [];
  private first = 0;
  private unanswered = 0;
  private confirmed = 0;
  private idleWaiters: (() => void)[] = [];
  /** Why nothing is waited for any more. */
  private openedReason: string | undefined = undefined;

  constructor(private readonly targets: ConfirmGateTargets) {}

  /** Everything before this offset may be seen. */
  get confirmedOffset(): number {
    return this.confirmed;
  }

  /** Records that nobody can see yet. */
  get pending(): number {
    return this.waiting.length - this.first;
  }

  /** Puts whose senders wait. */
  get pendingAnswers(): number {
    return this.unanswered;
  }

  /** Puts that were written. Those who do not wait for anybody (WAIT=false) are answered. */
  hold(appends: readonly PendingAppend[]): void {
    for (const append of appends) {
      // Its record is looked at when it is dispatched, which may be after more has been written.
      append.keepRecord();
      this.waiting.push(append);
      if (append.waitStoreOk) this.unanswered++;
      else append.answer();
    }
    this.release();
  }

  /** Records that came from a master and were written. */
  holdReplicated(requests: readonly DispatchRequest[]): void {
    for (const request of requests) {
      const isConfirmed = request.physicalOffset + request.sizeBytes <= this.confirmed;
      // The memory that the properties are a slice of is used again.
      this.waiting.push(isConfirmed ? request : { ...request, properties: Buffer.from(request.properties) });
    }
    this.release();
  }

  /** Lets through what ends at or before the offset. An offset below the last one changes nothing. */
  confirm(physicalOffset: number): void {
    if (physicalOffset <= this.confirmed) return;
    this.confirmed = physicalOffset;
    this.release();
  }

  /** Tells senders whose put began before `startedBeforeMs` that they need not wait any more. Their messages go on waiting. */
  giveUp(status: PutStatus, reason: string, startedBeforeMs = Infinity): void {
    for (let i = this.first; i < this.waiting.length && this.unanswered > 0; i++) {
      const append = this.waiting[i];
      if (!(append instanceof PendingAppend) || append.answered) continue;
      if (append.startedAtMs >= startedBeforeMs) return;
      append.status = status;
      append.reason = reason;
      this.unanswered--;
      append.answer();
    }
  }

  /** Resolves when nothing waits. */
  idle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  /**
   * Lets everything through, now and from now on, so that the queues are complete when the store is closed: for when nobody can read any more. Senders
   * are told that their messages are not confirmed.
   */
  open(reason: string): void {
    this.openedReason = reason;
    this.confirmed = Infinity;
    this.release();
  }

  private release(): void {
    const { waiting } = this;
    let end = this.first;
    while (end < waiting.length && waiting[end].physicalOffset + waiting[end].sizeBytes <= this.confirmed) end++;
    if (end > this.first) {
      const ready = waiting.slice(this.first, end);
      this.first = end;
      if (end === waiting.length || end > waiting.length / 2) {
        this.waiting = waiting.slice(end);
        this.first = 0;
      }
      this.pass(ready);
    }
    if (this.pending > 0) return;
    const waiters = this.idleWaiters;
    this.idleWaiters = [];
    for (const wake of waiters) wake();
  }

  private pass(ready: readonly (PendingAppend | DispatchRequest)[]): void {
    const appends: PendingAppend[] = [];
    const requests: DispatchRequest[] = [];
    for (const item of ready) {
      if (!(item instanceof PendingAppend)) {
        requests.push(item);
        continue;
      }
      if (!item.answered) {
        this.unanswered--;
        if (this.openedReason !== undefined) {
          item.status = 'SERVICE_NOT_AVAILABLE';
          item.reason = this.openedReason;
        }
      }
      appends.push(item);
    }
    if (appends.length > 0) this.targets.complete(appends);
    if (requests.length > 0) this.targets.replicated(requests);
  }
}
