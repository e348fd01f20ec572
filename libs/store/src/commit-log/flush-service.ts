import type { Clock, Timer } from '../io/clock.js';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import type { LogSegment } from './log-segment.js';

export interface FlushServiceOptions {
  readonly folder: string;
  /** 0: an fdatasync follows each write at once (SYNC_FLUSH). */
  readonly intervalMs: number;
}

interface FlushWaiter {
  readonly physicalOffset: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Brings what was written to stable storage, off the event loop: one fdatasync at a time, which covers everything written before
 * it started. After a failed fdatasync the kernel may have dropped the pages, and a second try would report success for data that
 * is gone; so nothing is flushed, and no message taken, until `FlushRepair` has written the bytes once more.
 */
export class FlushService {
  /** Physical offset up to which the log is on stable storage. */
  flushedOffset = 0;
  flushes = 0;
  /** Why what was written cannot be trusted, until that is repaired: the last fdatasync failed, or a write. */
  failure: Error | undefined = undefined;
  /** After a failure: everything before it is on stable storage. */
  unflushedFrom = 0;
  private dirty = new Set<LogSegment>();
  private flushing: readonly LogSegment[] = [];
  private running = false;
  private timer: Timer | undefined = undefined;
  private waiters: FlushWaiter[] = [];
  /** A write failed while an fdatasync was under way, which may have taken its errors, or the other way round. */
  private doubt: Error | undefined = undefined;

  constructor(
    private readonly options: FlushServiceOptions,
    private readonly fileSystem: FileSystem,
    private readonly handles: HandlePool,
    private readonly clock: Clock,
    private readonly writtenOffset: () => number,
    private readonly onFlushed: (flushedOffset: number) => void,
    private readonly onFailed: (error: Error) => void,
  ) {}

  /** Bytes went into the segment: they are flushed after the interval, or at once when there is none. */
  markDirty(segment: LogSegment): void {
    this.dirty.add(segment);
    if (this.options.intervalMs > 0) this.startTimer();
  }

  /** Flushes now, or right after the flush under way. */
  flush(): void {
    if (this.running || this.failure !== undefined) return;
    if (this.dirty.size === 0 && this.waiters.length === 0) return;
    this.timer?.cancel();
    this.timer = undefined;
    this.running = true;
    const target = this.writtenOffset();
    const segments = [...this.dirty].sort((a, b) => a.startOffset - b.startOffset);
    this.dirty.clear();
    this.flushes++;
    this.flushing = segments;
    this.syncNext(segments, 0, target);
  }

  /** Resolves once everything before the offset is on stable storage; rejects when a flush failed. */
  flushedTo(physicalOffset: number): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (physicalOffset <= this.flushedOffset) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiters.push({ physicalOffset, resolve, reject });
      this.flush();
    });
  }

  /**
   * A write into the segment failed in a way that may have taken pages with it, of records before it too: what was written since the last good
   * fdatasync is to be trusted no more than after one that failed.
   */
  distrust(segment: LogSegment, error: Error): void {
    if (this.failure !== undefined) return;
    this.dirty.add(segment);
    if (this.running) this.doubt ??= error;
    else this.fail(error);
  }

  /** Ends the timer; what is flushed on request goes on. */
  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private startTimer(): void {
    this.timer ??= this.clock.startTimer(() => {
      this.timer = undefined;
      this.flush();
    }, this.options.intervalMs);
  }

  private syncNext(segments: readonly LogSegment[], index: number, target: number): void {
    if (index === segments.length) return this.finish(target);
    const segment = segments[index];
    // Retention only takes what was flushed before, and nobody else takes what holds a message.
    if (segment.removed) return this.syncNext(segments, index + 1, target);
    if (!segment.nameDurable) {
      // The name comes first: data in a file that nobody finds after a power loss is not stored.
      this.fileSystem.syncFolder(this.options.folder, (error) => {
        if (error !== undefined) return this.fail(error);
        segment.nameDurable = true;
        this.syncNext(segments, index, target);
      });
      return;
    }
    let lease;
    try {
      lease = this.handles.retain(segment.path);
    } catch (error) {
      return this.fail(error as Error);
    }
    lease.file.syncData((error) => {
      lease.release();
      if (error !== undefined) this.fail(error);
      else this.syncNext(segments, index + 1, target);
    });
  }

  /** After a failure: everything before the offset was written again, and is on stable storage. */
  repaired(flushedOffset: number): void {
    this.failure = undefined;
    this.dirty.clear();
    this.finish(flushedOffset);
  }

  private finish(target: number): void {
    if (this.doubt !== undefined) return this.fail(this.doubt);
    this.running = false;
    this.flushedOffset = target;
    const ready = this.waiters.filter((waiter) => waiter.physicalOffset <= target);
    this.waiters = this.waiters.filter((waiter) => waiter.physicalOffset > target);
    for (const waiter of ready) waiter.resolve();
    this.onFlushed(target);
    if (this.dirty.size === 0) return;
    if (this.options.intervalMs === 0 || this.waiters.length > 0) this.flush();
    else this.startTimer();
  }

  private fail(error: Error): void {
    this.running = false;
    this.doubt = undefined;
    this.failure = error;
    this.stop();
    const starts = [...this.flushing, ...this.dirty].map(({ startOffset }) => startOffset);
    this.unflushedFrom = Math.max(this.flushedOffset, Math.min(...starts));
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter.reject(error);
    this.onFailed(error);
  }
}

/** What senders are told while what was written is not trusted. */
export function notOnDisk(error: Error): string {
  return `what was written to the commit log may not be on the disk (${error.message}); messages are taken again once all of it is on stable storage`;
}
