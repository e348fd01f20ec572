import { Fifo } from '../../support/fifo.js';
import type { HeldQueue } from '../consume-message-service.js';
import type { HeldMessage } from '../process-queue.js';
import type { ConsumeQueueRef } from '../queue-ref.js';
import type { PopLease } from './pop-lease.js';

interface PoppedMessage extends HeldMessage {
  readonly lease: PopLease;
}

export interface PopProcessQueueEvents {
  /** The message was settled and not given back before: it is to be acknowledged. */
  onHandled(lease: PopLease): void;
  /** Its time ran out before a handler could begin: it is another member's, or soon will be. */
  onExpired(lease: PopLease): void;
  /** There may be room again. */
  onRoom(): void;
}

/**
 * The messages of one pop assignment between pop and acknowledgement (RocketMQ: `impl/consumer/PopProcessQueue.java`, a counter there).
 * They come from several queues and from the retry topic, in no order, and each is settled by itself, so there is no offset.
 */
export class PopProcessQueue implements HeldQueue {
  /** An acknowledgement needs no assignment: what a handler returns counts also after the queue was given to others. */
  readonly dropped = false;
  paused = false;
  lastConsumeMs: number;
  /** ms of the last pop; tells a queue whose pops have stopped. */
  lastPopMs: number;
  private waiting = new Fifo<PoppedMessage>();
  private readonly held = new Set<HeldMessage>();
  private sequence = 0;

  constructor(
    readonly queue: ConsumeQueueRef,
    private readonly events: PopProcessQueueEvents,
    nowMs = Date.now(),
  ) {
    this.lastConsumeMs = nowMs;
    this.lastPopMs = nowMs;
  }

  /** Messages that are held, handed out or not. */
  get messageCount(): number {
    return this.held.size;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  put(leases: readonly PopLease[]): void {
    for (const lease of leases) {
      const { message } = lease;
      lease.holder = this;
      const entry = { message, sizeBytes: message.body.length, sequence: this.sequence++, startedMs: 0, lease };
      this.held.add(entry);
      this.waiting.push(entry);
    }
  }

  take(max: number): HeldMessage[] {
    const nowMs = Date.now();
    const batch: PoppedMessage[] = [];
    while (batch.length < max) {
      const entry = this.waiting.shift();
      if (!entry) break;
      if (entry.lease.hasExpired(nowMs)) {
        this.forget(entry);
        this.events.onExpired(entry.lease);
        continue;
      }
      entry.lease.state = 'RUNNING';
      batch.push(entry);
    }
    if (batch.length === 0) this.events.onRoom();
    return batch;
  }

  holds(entry: HeldMessage): boolean {
    return this.held.has(entry);
  }

  settle(batch: readonly HeldMessage[]): number {
    for (const entry of batch as readonly PoppedMessage[]) {
      if (!this.held.delete(entry)) continue;
      if (entry.lease.state === 'SETTLED') continue;
      entry.lease.state = 'SETTLED';
      this.events.onHandled(entry.lease);
    }
    this.events.onRoom();
    return -1;
  }

  /** Takes out what no handler has begun with. */
  releaseWaiting(): PopLease[] {
    const leases: PopLease[] = [];
    for (let entry = this.waiting.shift(); entry; entry = this.waiting.shift()) {
      this.forget(entry);
      leases.push(entry.lease);
    }
    return leases;
  }

  /** Takes out everything. */
  releaseAll(): PopLease[] {
    const leases = this.releaseWaiting();
    for (const entry of this.held as Set<PoppedMessage>) {
      if (entry.lease.state !== 'SETTLED') leases.push(entry.lease);
      entry.lease.state = 'SETTLED';
    }
    this.held.clear();
    return leases;
  }

  private forget(entry: PoppedMessage): void {
    this.held.delete(entry);
    entry.lease.state = 'SETTLED';
  }
}
