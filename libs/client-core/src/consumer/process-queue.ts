import type { MessageExt } from '@rocknest/protocol';
import type { ConsumeQueueRef } from './queue-ref.js';

/** A message that was pulled and is not settled: the unit that a consume service works on. */
export interface HeldMessage {
  readonly message: MessageExt;
  readonly sizeBytes: number;
  /** Position in the order of puts; only `ProcessQueue` reads it. */
  readonly sequence: number;
  /** ms of its hand-out to a concurrent listener that has not ended; 0 otherwise. */
  startedMs: number;
}

export interface ProcessQueueLimits {
  /** Messages held. */
  maxMessages: number;
  /** Body bytes held. */
  maxBytes: number;
  /** Offsets from the first message held to the last one that was put. */
  maxSpan: number;
}

/** Below this many empty places at the front the array is not shifted: moving costs more than it frees. */
const COMPACT_FROM = 64;

/**
 * The messages of one queue between pull and settlement, in offset order (RocketMQ: `impl/consumer/ProcessQueue.java`, a tree map there).
 *
 * Messages come in with rising offsets and are settled in any order, so an array with a front index is enough: `put`, `take` and
 * `settle` cost O(1) amortised however many are held, and the smallest unsettled offset, which is what may be committed, stands
 * at the front. A settled message leaves its place at once, so one that is stuck at the front pins no other's body.
 */
export class ProcessQueue {
  private places: (HeldMessage | undefined)[] = [];
  /** Sequence of `places[0]`. */
  private base = 0;
  /** Index of the first place that is not empty, or `places.length`. */
  private front = 0;
  /** Index of the first message that was not handed out. */
  private next = 0;
  private held = 0;
  private heldBytes = 0;
  /** Offset after the last message that was put, -1 before the first. */
  private nextOffset = -1;
  private isDropped = false;
  private lastResultsCount = false;
  /** True while none of its messages is to be handed out. */
  paused = false;
  /** ms of the last pull; tells a queue whose pulls have stopped. */
  lastPullMs: number;
  /** ms of the last hand-out to the listener. */
  lastConsumeMs: number;
  /** Orderly consumers: this member holds the queue's lock, as far as it knows. */
  locked = false;
  /** When the request that got the lock, or renewed it, was sent: the broker counts from later on. 0 = never. */
  lastLockMs = 0;
  /** How often the lock could not be given back because a handler ran. */
  tryUnlockTimes = 0;

  constructor(
    readonly queue: ConsumeQueueRef,
    private readonly limits: ProcessQueueLimits,
    nowMs = Date.now(),
  ) {
    this.lastPullMs = nowMs;
    this.lastConsumeMs = nowMs;
  }

  /** True once the queue belongs to another member or its offset was reset: none of its messages is handed out any more. */
  get dropped(): boolean {
    return this.isDropped;
  }

  /** True when what a handler returns counts no more. A dropped queue whose lock is still held takes the results of its last handlers. */
  get ignoresResults(): boolean {
    return this.isDropped && !this.lastResultsCount;
  }

  /** Messages that are held, handed out or not. */
  get messageCount(): number {
    return this.held;
  }

  get sizeBytes(): number {
    return this.heldBytes;
  }

  /** Messages that wait to be handed out. */
  get waitingCount(): number {
    return this.places.length - this.next;
  }

  /** Messages handed out and not settled. */
  get runningCount(): number {
    return this.held - this.waitingCount;
  }

  /** Offsets of the first message held and of the last one that was put, or undefined when nothing is held. */
  get range(): { minOffset: number; maxOffset: number } | undefined {
    const first = this.places[this.front];
    return first && { minOffset: first.message.queueOffset, maxOffset: this.nextOffset - 1 };
  }

  /** The first message that is not settled. */
  get head(): HeldMessage | undefined {
    return this.places[this.front];
  }

  /** Which limit keeps the next pull back, or undefined when there is room. */
  get fullBecause(): 'count' | 'size' | 'span' | undefined {
    if (this.held > this.limits.maxMessages) return 'count';
    if (this.heldBytes > this.limits.maxBytes) return 'size';
    const first = this.places[this.front];
    if (first && this.nextOffset - 1 - first.message.queueOffset > this.limits.maxSpan) return 'span';
    return undefined;
  }

  /**
   * The offset that may be committed: the first one that is not settled, or the one after the last when all are.
   * -1 when no message was ever put.
   */
  get committableOffset(): number {
    return this.places[this.front]?.message.queueOffset ?? this.nextOffset;
  }

  /** Adds pulled messages. Those below the offset after the last one are known already and left out. Returns how many came in. */
  put(messages: readonly MessageExt[]): number {
    let added = 0;
    for (const message of messages) {
      if (message.queueOffset < this.nextOffset) continue;
      const sizeBytes = message.body.length;
      this.places.push({ message, sizeBytes, sequence: this.base + this.places.length, startedMs: 0 });
      this.nextOffset = message.queueOffset + 1;
      this.heldBytes += sizeBytes;
      added++;
    }
    this.held += added;
    return added;
  }

  /** Hands out up to `max` messages, the oldest first. */
  take(max: number): HeldMessage[] {
    const end = Math.min(this.next + max, this.places.length);
    const batch: HeldMessage[] = [];
    for (; this.next < end; this.next++) batch.push(this.places[this.next]!);
    return batch;
  }

  /** Hands out again, from the first of `batch` on, what was handed out and not settled. For orderly consumption. */
  putBack(batch: readonly HeldMessage[]): void {
    if (batch.length > 0) this.handOutAgain(Math.max(this.front, batch[0].sequence - this.base));
  }

  /** Hands out again everything that is not settled. For orderly consumption. */
  rollback(): void {
    this.handOutAgain(this.front);
  }

  /** Everything that was handed out and is not settled. For orderly consumption with manual commits. */
  handedOut(): HeldMessage[] {
    return this.places.slice(this.front, this.next).filter((entry) => entry !== undefined);
  }

  holds(entry: HeldMessage): boolean {
    const index = entry.sequence - this.base;
    return index >= 0 && this.places[index] === entry;
  }

  /** Forgets everything, for pulls from another offset on; what was handed out is settled without effect. */
  clear(): void {
    this.base += this.places.length;
    this.places = [];
    this.front = 0;
    this.next = 0;
    this.held = 0;
    this.heldBytes = 0;
    this.nextOffset = -1;
  }

  /**
   * Removes messages whose handling has an end.
   *
   * @returns the offset that may be committed now.
   */
  settle(batch: readonly HeldMessage[]): number {
    const { places } = this;
    for (const entry of batch) {
      if (!this.holds(entry)) continue;
      places[entry.sequence - this.base] = undefined;
      this.held--;
      this.heldBytes -= entry.sizeBytes;
    }
    while (this.front < places.length && places[this.front] === undefined) this.front++;
    if (this.front === places.length || (this.front >= COMPACT_FROM && this.front * 2 >= places.length)) this.compact();
    return this.committableOffset;
  }

  /**
   * From now on no message is handed out, and nothing of this queue counts: no commit, no send-back. With `lastResultsCount` what runs still
   * does, until `drop` is called without it.
   */
  drop(options: { lastResultsCount?: boolean } = {}): void {
    this.isDropped = true;
    this.lastResultsCount = options.lastResultsCount ?? false;
  }

  /** Places of settled messages are closed up: what waits has no gaps. */
  private handOutAgain(from: number): void {
    if (from >= this.next) return;
    const again = this.places.splice(from).filter((entry) => entry !== undefined);
    for (const { message, sizeBytes } of again) {
      this.places.push({ message, sizeBytes, sequence: this.base + this.places.length, startedMs: 0 });
    }
    this.next = from;
  }

  private compact(): void {
    this.places = this.places.slice(this.front);
    this.base += this.front;
    this.next -= this.front;
    this.front = 0;
  }
}
