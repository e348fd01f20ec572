import { DELIVERY_BATCH_MESSAGES, MAX_TIMER_MS, RETRY_PAUSE_MS } from './defaults.js';
import type { DelayedMessageReader, DelayedMessageSink, DelayOffsets, ScheduleClock } from './ports.js';

/**
 * Delivers the messages of one delay level: one queue of SCHEDULE_TOPIC_XXXX, in order, each when its due time has come.
 *
 * All messages of a queue have the same delay, so the head is always due first and one timer for the head is enough: an
 * idle level costs nothing, unlike the reference, which looks every 100 ms. The offset moves only behind messages that
 * are in the log again; after a crash the ones between the stored offset and the crash are delivered twice, never lost.
 *
 * Source: `ScheduleMessageService.DeliverDelayedMessageTimerTask`.
 */
export class LevelWorker {
  private timer: unknown;
  private running = false;
  private stopped = false;
  private wakeAgain = false;
  private current: Promise<void> = Promise.resolve();

  constructor(
    readonly level: number,
    private readonly delayMs: number,
    private readonly reader: DelayedMessageReader,
    private readonly sink: DelayedMessageSink,
    private readonly offsets: DelayOffsets,
    private readonly clock: ScheduleClock,
    private readonly onError: (level: number, error: unknown) => void,
  ) {}

  /** Looks at the head of the queue now: at start, and when a message arrived while the level was idle. */
  wake(): void {
    if (this.stopped || this.timer !== undefined) return;
    if (this.running) {
      this.wakeAgain = true;
      return;
    }
    this.running = true;
    this.current = this.run();
  }

  /** Stops after the delivery under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.timer = undefined;
    await this.current;
  }

  private async run(): Promise<void> {
    let pauseMs: number | undefined;
    try {
      do {
        this.wakeAgain = false;
        pauseMs = await this.deliverDue();
      } while (this.wakeAgain && pauseMs === undefined && !this.stopped);
    } catch (error) {
      this.onError(this.level, error);
      pauseMs = RETRY_PAUSE_MS;
    }
    this.running = false;
    if (pauseMs !== undefined && !this.stopped) this.wakeIn(pauseMs);
  }

  private wakeIn(pauseMs: number): void {
    this.timer = this.clock.setTimer(
      () => {
        this.timer = undefined;
        this.wake();
      },
      Math.min(Math.max(pauseMs, 1), MAX_TIMER_MS),
    );
  }

  /** @returns milliseconds until the head must be looked at again, or undefined when the queue is empty. */
  private async deliverDue(): Promise<number | undefined> {
    for (;;) {
      if (this.stopped) return undefined;
      const offset = this.startOffset();
      const due: Promise<boolean>[] = [];
      let waitMs: number | undefined;
      for (let next = offset; due.length < DELIVERY_BATCH_MESSAGES; next++) {
        const entry = await this.reader.entry(this.level, next);
        if (entry === undefined) break;
        waitMs = this.msUntilDue(entry.deliverTimestamp);
        if (waitMs > 0) break;
        const record = await this.reader.record(entry.physicalOffset);
        // A record that can't be read any more (its segment was deleted) is passed over, as the reference does.
        due.push(record === undefined ? Promise.resolve(true) : this.deliver(record));
      }
      if (due.length === 0) return waitMs;
      const delivered = await this.settle(offset, due);
      if (delivered < due.length) return RETRY_PAUSE_MS;
      await this.clock.yieldToLoop();
    }
  }

  /** A stored offset outside of the queue (files deleted, a store put back) jumps to the nearest end, as the reference does. */
  private startOffset(): number {
    const stored = this.offsets.get(this.level);
    const min = this.reader.minOffset(this.level);
    const max = this.reader.maxOffset(this.level);
    const offset = Math.min(Math.max(stored, min), max);
    if (offset !== stored) this.offsets.set(this.level, offset);
    return offset;
  }

  /** A due time beyond now + delay (the clock went back, or the table changed) counts as due now. */
  private msUntilDue(deliverTimestamp: number): number {
    const now = this.clock.now();
    const latest = now + this.delayMs;
    return deliverTimestamp > latest ? 0 : Math.max(0, deliverTimestamp - now);
  }

  private async deliver(record: Buffer): Promise<boolean> {
    try {
      return await this.sink.deliver(record);
    } catch (error) {
      this.onError(this.level, error);
      return false;
    }
  }

  /** Moves the offset behind the messages that are in the log, up to the first one that failed. */
  private async settle(offset: number, due: readonly Promise<boolean>[]): Promise<number> {
    const results = await Promise.all(due);
    const firstFailed = results.indexOf(false);
    const delivered = firstFailed === -1 ? results.length : firstFailed;
    if (delivered > 0) this.offsets.set(this.level, offset + delivered);
    return delivered;
  }
}
