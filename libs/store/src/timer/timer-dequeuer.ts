import { decodeMessage, MessageConst, type MessageExt, TIMER_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import { Backoff } from '../io/backoff.js';
import type { Clock, Timer } from '../io/clock.js';
import type { MessageStore } from '../message-store.js';
import type { StoreLogger } from '../types.js';
import { type Cancellation, type DueEntry, DueHeap } from './due-heap.js';
import { DeliveredCopies } from './delivered-copies.js';
import type { Delivered } from './timer-checkpoint.js';
import { MAGIC_DELETE, MAGIC_ROLL, SLOT_MS, slotOf, type TimerUnit, WHEEL_SLOTS } from './timer-layout.js';
import type { TimerLog } from './timer-log.js';
import { cancelledKeyOf, deleteKeyOf, putOf, STORED, undeliverable } from './timer-message.js';
import type { TimerMetrics } from './timer-metrics.js';
import type { TimerWheel } from './timer-wheel.js';

/** Longest pause of one timer: then the clock is looked at again, so that a change of the wall clock is noticed. */
const MAX_SLEEP_MS = 60_000;

/** Log and wheel contradict each other. */
class TimerDamage extends Error {}

/**
 * Delivers what is due: takes the seconds of the wheel that are near into a heap, and puts its messages back into the log at their ms, in batches. One timer, set to
 * the next of them, serves all.
 *
 * Plays the parts of `TimerDequeueGetService`, `TimerDequeueGetMessageService` and `TimerDequeuePutMessageService`.
 */
export class TimerDequeuer {
  private readonly heap = new DueHeap();
  private readonly cancelled = new Map<string, Cancellation>();
  private timer: Timer | undefined = undefined;
  private timerAtMs = Infinity;
  private running = false;
  private again = false;
  private stopped = true;
  private current: Promise<void> = Promise.resolve();
  /** Slots before it are in the heap, or done. */
  private loadedUntilMs = 0;
  /** The next start reads no slots before it, though the clock may show an earlier time: it was set back, or the last run stopped in this second. */
  doneBeforeMs = 0;
  /** The slot that is being read, and the unit to go on with. */
  private loading: { readonly slotMs: number; position: number } | undefined = undefined;
  /** What was taken off the heap and is not all in the log yet. */
  private batch: readonly DueEntry[] = [];
  /** The end of the log when it was taken. */
  private batchFrom = 0;
  private copies: DeliveredCopies | undefined = undefined;
  /** What is due later was not delivered by an earlier run. */
  private copiesUntilMs = 0;
  private forgottenUntilMs = 0;
  private readonly backoff = new Backoff(defaults.TIMER_RETRY_MS, defaults.TIMER_MAX_RETRY_MS);
  private popped: Delivered = { dueMs: 0, position: -1 };
  private done: Delivered = { dueMs: 0, position: -1 };
  dequeued = 0;
  recalled = 0;
  dropped = 0;

  constructor(
    private readonly store: MessageStore,
    private readonly wheel: TimerWheel,
    private readonly log: TimerLog,
    private readonly metrics: TimerMetrics,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
    private readonly events: {
      /** Messages are about to be delivered. */
      readonly delivering: () => Promise<void>;
      /** The timer log can't be read as the wheel says. */
      readonly damaged: (problem: string) => void;
    },
  ) {}

  /** What was delivered. */
  get delivered(): Delivered {
    return this.done;
  }

  /** What was delivered since stands in the log from there on. */
  get deliveredFrom(): number {
    return this.batch.length > 0 ? this.batchFrom : this.store.maxPhysicalOffset;
  }

  /** The log may still tell of messages that need not be delivered. */
  get hasCopies(): boolean {
    // What the batch under way found there counts as delivered with the batch only.
    if (this.isIdle && (this.copies?.size === 0 || this.readTimeMs > this.copiesUntilMs)) this.copies = undefined;
    return this.copies !== undefined;
  }

  /** Nothing is on its way into the log. */
  get isIdle(): boolean {
    return this.batch.length === 0;
  }

  get loaded(): number {
    return this.heap.size;
  }

  get memoryBytes(): number {
    return this.heap.memoryBytes;
  }

  /** Anything given to `offer` from now on must be due at this time or later. */
  get earliestDueMs(): number {
    return Math.max(this.popped.dueMs, this.doneBeforeMs) + 1;
  }

  /** Slots before this time are done. */
  get readTimeMs(): number {
    const next = Math.min(this.heap.topDueMs, this.popped === this.done ? Infinity : this.done.dueMs);
    return Math.min(slotOf(this.clock.nowMs()), this.loadedUntilMs, this.loading?.slotMs ?? Infinity, slotOf(next));
  }

  /** @param copies what was delivered though `delivered` does not say so. */
  begin(readTimeMs: number, delivered: Delivered, copies?: DeliveredCopies): void {
    this.loadedUntilMs = this.doneBeforeMs = readTimeMs;
    this.popped = delivered;
    this.done = delivered;
    this.copies = copies;
    this.copiesUntilMs = this.clock.nowMs() + defaults.TIMER_MARGIN_MS;
  }

  start(): void {
    this.stopped = false;
    this.wake();
  }

  /** Stops behind the batch under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer();
    await this.current;
  }

  /** A new unit. `deleteKey` when it cancels another message. */
  offer(unit: TimerUnit, position: number, deleteKey: string | undefined): void {
    const slotMs = slotOf(unit.dueMs);
    if (slotMs >= this.loadedUntilMs) return;
    if (deleteKey !== undefined) this.cancelled.set(deleteKey, unit);
    else this.heap.push({ ...unit, position });
  }

  /** Units due at this time or later were committed. */
  noteEarliest(dueMs: number): void {
    const wakeAtMs = slotOf(dueMs) < this.loadedUntilMs ? dueMs : slotOf(dueMs) - defaults.TIMER_READ_AHEAD_MS;
    if (wakeAtMs >= this.timerAtMs) return;
    if (this.running || wakeAtMs <= this.clock.nowMs()) this.wake();
    else this.sleepUntil(wakeAtMs);
  }

  /** When stopped: what is left of a slot that is partly delivered. Undefined when that is not known. */
  leftOf(slotMs: number): { messages: DueEntry[]; cancellations: Cancellation[] } | undefined {
    if (this.popped !== this.done || this.loading !== undefined || slotMs >= this.loadedUntilMs) return undefined;
    const messages: DueEntry[] = [];
    while (this.heap.size > 0 && slotOf(this.heap.topDueMs) <= slotMs) messages.push(this.heap.pop()!);
    const cancellations = [...this.cancelled.values()].filter(({ dueMs }) => slotOf(dueMs) === slotMs);
    return { messages, cancellations };
  }

  private wake(): void {
    if (this.stopped) return;
    if (this.running) {
      this.again = true;
      return;
    }
    this.cancelTimer();
    this.running = true;
    this.current = this.run().finally(() => {
      this.running = false;
      if (this.again) {
        this.again = false;
        this.wake();
      }
    });
  }

  private sleepUntil(timeMs: number): void {
    this.cancelTimer();
    if (this.stopped) return;
    this.timerAtMs = timeMs;
    this.timer = this.clock.startTimer(
      () => {
        this.cancelTimer();
        this.wake();
      },
      Math.min(Math.max(timeMs - this.clock.nowMs(), 1), MAX_SLEEP_MS),
    );
  }

  private cancelTimer(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.timerAtMs = Infinity;
  }

  private async run(): Promise<void> {
    try {
      for (;;) {
        if (this.stopped) return;
        await this.loadNear();
        if (this.batch.length === 0) this.batch = this.takeDue();
        if (this.batch.length === 0) break;
        await this.events.delivering();
        await this.deliver(this.batch);
        this.batch = [];
        this.backoff.reset();
        this.forgetOldCancellations();
        await this.turn();
      }
      this.sleep();
    } catch (error) {
      if (error instanceof TimerDamage) {
        this.stopped = true;
        this.events.damaged(error.message);
        return;
      }
      const pauseMs = this.backoff.next();
      this.logger.warn(`the timer can't go on: ${String(error)}; trying again in ${pauseMs} ms`);
      this.sleepUntil(this.clock.nowMs() + pauseMs);
    }
  }

  /** Sets the timer to what comes next. Without anything that waits there is none. */
  private sleep(): void {
    const { heap, wheel } = this;
    // The first one may still be on its way into the timer log; its commit wakes.
    let nextMs = heap.topPosition < this.log.committedEnd ? heap.topDueMs : Infinity;
    const untilMs = Math.min(nextMs + defaults.TIMER_READ_AHEAD_MS, this.loadedUntilMs + WHEEL_SLOTS * SLOT_MS);
    const slotMs = wheel.nextUsed(this.loadedUntilMs, untilMs);
    if (slotMs !== undefined) nextMs = Math.min(nextMs, slotMs - defaults.TIMER_READ_AHEAD_MS);
    if (nextMs < Infinity) this.sleepUntil(nextMs);
  }

  private async loadNear(): Promise<void> {
    await this.load();
    const untilMs = slotOf(this.clock.nowMs() + defaults.TIMER_READ_AHEAD_MS) + SLOT_MS;
    while (this.loadedUntilMs < untilMs && this.heap.size < defaults.TIMER_MAX_LOADED && !this.stopped) {
      const slotMs = this.wheel.nextUsed(this.loadedUntilMs, untilMs);
      // From here on what is new in these slots comes by `offer`.
      this.loadedUntilMs = slotMs === undefined ? untilMs : slotMs + SLOT_MS;
      if (slotMs === undefined) return;
      this.loading = { slotMs, position: this.wheel.lastOf(slotMs) };
      await this.load();
    }
  }

  /** Takes a slot into memory: its cancellations by the names of what they cancel, all else into the heap. */
  private async load(): Promise<void> {
    const { loading } = this;
    if (loading === undefined) return;
    const { slotMs } = loading;
    for (let count = 1; loading.position >= this.log.start; count++) {
      const { position } = loading;
      if (position >= this.log.committedEnd) await this.committed(position);
      const unit = await this.log.read(position);
      if (unit === undefined || slotOf(unit.dueMs) !== slotMs || unit.previous >= position) {
        throw new TimerDamage(`the timer log has no unit of ${new Date(slotMs).toISOString()} at ${position}`);
      }
      if (!this.isDone(unit.dueMs, position)) await this.take(unit, position);
      loading.position = unit.previous;
      if (count % defaults.TIMER_CHAIN_SLICE === 0) await this.turn();
    }
    this.loading = undefined;
  }

  private async take(unit: TimerUnit, position: number): Promise<void> {
    if ((unit.magic & (MAGIC_DELETE | MAGIC_ROLL)) !== MAGIC_DELETE) {
      this.heap.push({ ...unit, position });
      return;
    }
    const message = (await this.read({ ...unit, position }))?.message;
    const key = message && cancelledKeyOf(message.properties);
    if (key !== undefined) this.cancelled.set(key, unit);
  }

  private isDone(dueMs: number, position: number): boolean {
    return dueMs < this.done.dueMs || (dueMs === this.done.dueMs && position <= this.done.position);
  }

  private takeDue(): DueEntry[] {
    const { heap } = this;
    const nowMs = this.clock.nowMs();
    const batch: DueEntry[] = [];
    let bytes = 0;
    while (
      heap.topDueMs <= nowMs &&
      heap.topPosition < this.log.committedEnd &&
      batch.length < defaults.TIMER_DELIVERY_BATCH_MESSAGES &&
      bytes < defaults.TIMER_DELIVERY_BATCH_BYTES
    ) {
      const entry = heap.pop()!;
      bytes += entry.sizeBytes;
      batch.push(entry);
    }
    const last = batch.at(-1);
    if (last !== undefined) this.popped = { dueMs: last.dueMs, position: last.position };
    this.batchFrom = this.store.maxPhysicalOffset;
    return batch;
  }

  /** Puts the messages of a batch into the log. Comes back once each of them is there, or can never be. */
  private async deliver(batch: readonly DueEntry[]): Promise<void> {
    const nowMs = this.clock.nowMs();
    const found = await Promise.all(batch.map((entry) => this.read(entry)));
    let left = found.flatMap((record, index) => (record === undefined ? [] : [{ ...record, entry: batch[index] }]));
    left = left.filter(({ message, entry }) => this.isWanted(message, entry));
    const wanted = left;
    while (left.length > 0) {
      const results = await Promise.all(
        left.map(({ message, record, entry }) => this.put(message, record, (entry.magic & MAGIC_ROLL) !== 0, nowMs)),
      );
      left = left.filter((_, index) => !results[index]);
      if (left.length > 0) {
        if (this.stopped) throw new Error('the store takes no messages');
        await this.clock.sleep(defaults.TIMER_RETRY_MS);
        // A put that failed in fdatasync may stand in the log all the same.
        const copies = await this.copiesOf(wanted);
        left = left.filter((one) => !copies.has(one));
      }
    }
    this.done = this.popped;
  }

  /** What of a batch stands in the log by now. */
  private async copiesOf<T extends { message: MessageExt; entry: DueEntry }>(batch: readonly T[]): Promise<Set<T>> {
    while (!this.stopped) {
      try {
        const copies = await DeliveredCopies.find(this.store, this.batchFrom);
        return new Set(batch.filter(({ message, entry }) => copies.take(message, (entry.magic & MAGIC_ROLL) !== 0)));
      } catch (error) {
        this.logger.warn(`the timer can't see what it delivered: ${String(error)}; trying again`);
        await this.clock.sleep(defaults.TIMER_RETRY_MS);
      }
    }
    throw new Error('the timer stops within a batch');
  }

  private async read(entry: DueEntry): Promise<{ message: MessageExt; record: Buffer } | undefined> {
    const record = await this.store.messageByPhysicalOffset(entry.physicalOffset);
    const message = record?.length === entry.sizeBytes ? decodeMessage(record, 0, { inflate: false }) : undefined;
    if (record !== undefined && message?.topic === TIMER_TOPIC) return { message, record };
    this.drop(`the message at ${entry.physicalOffset}`, 'it is no longer in the log');
    return undefined;
  }

  private isWanted(message: MessageExt, entry: DueEntry): boolean {
    if ((entry.magic & MAGIC_DELETE) === 0) {
      this.metrics.add(message.properties[MessageConst.REAL_TOPIC] ?? '', -1, this.clock.nowMs());
    }
    const isRoll = (entry.magic & MAGIC_ROLL) !== 0;
    if (this.copies?.take(message, isRoll) === true) return false;
    if (isRoll) return true;
    const key = this.cancelled.size === 0 ? undefined : deleteKeyOf(message.properties);
    if (key !== undefined && this.cancelled.has(key)) {
      this.recalled++;
      return false;
    }
    const problem = undeliverable(message);
    if (problem !== undefined) this.drop(message.msgId, problem);
    return problem === undefined;
  }

  private put(message: MessageExt, record: Buffer, isRoll: boolean, nowMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.store.putMessage(putOf(message, record, isRoll, nowMs), ({ status, reason }) => {
        // Tried again for ever, one such message would hold up all others.
        const isHopeless = status === 'MESSAGE_ILLEGAL' || status === 'PROPERTIES_SIZE_EXCEEDED';
        if (isHopeless) this.drop(message.msgId, reason ?? status);
        else if (STORED.has(status)) this.dequeued++;
        resolve(isHopeless || STORED.has(status));
      });
    });
  }

  private drop(what: string, why: string): void {
    this.dropped++;
    this.logger.warn(`a timer message (${what}) cannot be delivered and is dropped: ${why}`);
  }

  private forgetOldCancellations(): void {
    if (this.cancelled.size === 0) return;
    const { readTimeMs } = this;
    if (readTimeMs <= this.forgottenUntilMs) return;
    this.forgottenUntilMs = readTimeMs;
    for (const [key, { dueMs }] of this.cancelled) if (slotOf(dueMs) < readTimeMs) this.cancelled.delete(key);
  }

  private async committed(position: number): Promise<void> {
    const backoff = new Backoff(1, defaults.TIMER_RETRY_MS);
    while (position >= this.log.committedEnd && !this.stopped) await this.clock.sleep(backoff.next());
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => {
      this.clock.defer(resolve);
    });
  }
}
