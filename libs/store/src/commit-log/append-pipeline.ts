import type { DispatchService } from '../dispatch/dispatch-service.js';
import type { Clock, Timer } from '../io/clock.js';
import type { FlushDiskType } from '../types.js';
import type { FlushService } from './flush-service.js';
import type { PendingAppend } from './pending-append.js';

export interface AppendPipelineOptions {
  readonly flushDiskType: FlushDiskType;
  readonly syncFlushTimeoutMs: number;
}

/**
 * What happens to appends once they are written. ASYNC_FLUSH: dispatched and answered at once. SYNC_FLUSH: dispatched and answered
 * when an fdatasync covered them, in order; only those that don't wait (`waitStoreOk` false) are answered before. A message that
 * no fdatasync covers is never visible to a consumer in SYNC_FLUSH: it could be lost, and its offset given to another one.
 */
export class AppendPipeline {
  private waiting: PendingAppend[] = [];
  /** Why no fdatasync covers what is written now, or undefined. */
  private failedReason: string | undefined = undefined;
  private first = 0;
  private timer: Timer | undefined = undefined;

  constructor(
    private readonly options: AppendPipelineOptions,
    private readonly flush: FlushService,
    private readonly dispatch: DispatchService,
    private readonly clock: Clock,
  ) {}

  /** Appends that wait for an fdatasync. */
  get pending(): number {
    return this.waiting.length - this.first;
  }

  written(appends: readonly PendingAppend[]): void {
    if (appends.length === 0) return;
    if (this.options.flushDiskType === 'ASYNC_FLUSH') return this.dispatch.complete(appends);
    for (const append of appends) {
      append.keepRecord();
      this.waiting.push(append);
    }
    if (this.failedReason !== undefined) return this.failed(this.failedReason);
    this.flush.flush();
    for (const append of appends) if (!append.waitStoreOk) append.answer();
    this.startTimer();
  }

  /** Everything before the offset is on stable storage. */
  flushed(flushedOffset: number): void {
    const { waiting } = this;
    this.failedReason = undefined;
    let end = this.first;
    while (end < waiting.length && waiting[end].endOffset <= flushedOffset) end++;
    if (end === this.first) return;
    const ready = waiting.slice(this.first, end);
    this.first = end;
    if (end === waiting.length) {
      this.waiting = [];
      this.first = 0;
    }
    this.dispatch.complete(ready);
  }

  /**
   * The fdatasync that was to cover them failed. Their senders hear so; their records stay in the log, where others may follow that were answered
   * already, and consumers see them once the log is on stable storage.
   */
  failed(reason: string): void {
    this.failedReason = reason;
    for (const append of this.waiting.slice(this.first)) {
      if (append.answered) continue;
      append.status = 'UNKNOWN_ERROR';
      append.reason = reason;
      append.answer();
    }
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private startTimer(): void {
    this.timer ??= this.clock.startTimer(() => {
      this.timer = undefined;
      this.answerLate();
      if (this.pending > 0) this.startTimer();
    }, this.options.syncFlushTimeoutMs / 10);
  }

  /** The disk takes longer than the time-out: the caller learns that its message is written but not flushed. */
  private answerLate(): void {
    const before = this.clock.monotonicMs() - this.options.syncFlushTimeoutMs;
    for (let i = this.first; i < this.waiting.length && this.waiting[i].startedAtMs < before; i++) {
      const append = this.waiting[i];
      if (append.answered) continue;
      append.status = 'FLUSH_DISK_TIMEOUT';
      append.reason = `fdatasync took more than ${this.options.syncFlushTimeoutMs} ms`;
      append.answer();
    }
  }
}
