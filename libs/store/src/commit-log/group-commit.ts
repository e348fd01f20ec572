import type { Clock } from '../io/clock.js';
import { errnoOf, isDiskFull } from '../io/file-system.js';
import { StoreError } from '../errors.js';
import type { PutStatus } from '../types.js';
import type { LogWriter, WriteFailure } from './log-writer.js';
import type { PendingAppend } from './pending-append.js';
import type { TailCache } from './tail-cache.js';

export interface GroupCommitEvents {
  /** These appends are written, in order. */
  written(appends: readonly PendingAppend[]): void;
  /** These were not and will not be; their offsets are free again once this returns. They are not answered yet. */
  rolledBack(appends: readonly PendingAppend[], failure: WriteFailure): void;
}

const NOTHING: readonly PendingAppend[] = [];

/**
 * Gathers the appends of one loop turn and writes them with one call; appends that come while an asynchronous write runs make the
 * next one. When a write fails, everything behind the last written record is taken back: those appends have offsets that follow
 * from the failed ones, so they cannot be stored without leaving a hole.
 */
export class GroupCommit {
  private encoded: PendingAppend[] = [];
  private inFlight: readonly PendingAppend[] = NOTHING;
  private scheduled = false;
  private idleWaiters: (() => void)[] = [];
  private failed:
    { status: PutStatus; reason: string; retryAtMs: number; failure: WriteFailure | undefined } | undefined = undefined;
  bufferedBytes = 0;
  commits = 0;

  constructor(
    private readonly tail: TailCache,
    private readonly writer: LogWriter,
    private readonly clock: Clock,
    private readonly retryIntervalMs: number,
    private readonly events: GroupCommitEvents,
  ) {}

  get pending(): number {
    return this.encoded.length + this.inFlight.length;
  }

  /** Takes an append whose record stands in the current chunk. */
  add(append: PendingAppend): void {
    this.encoded.push(append);
    this.bufferedBytes += append.sizeBytes;
    if (!this.scheduled && this.inFlight === NOTHING) {
      this.scheduled = true;
      this.clock.defer(this.run);
    }
  }

  /**
   * Why nothing can be appended after a failed write, or undefined when it can. Once the retry interval has passed, the bytes the
   * failed write may have left are wiped, and the next append tries the disk again.
   */
  refusal(): { status: PutStatus; reason: string } | undefined {
    const failed = this.failed;
    if (failed === undefined) return undefined;
    const now = this.clock.monotonicMs();
    if (now < failed.retryAtMs) return failed;
    if (failed.failure !== undefined) {
      try {
        this.writer.wipe(failed.failure.dirty);
      } catch {
        failed.retryAtMs = now + this.retryIntervalMs;
        return failed;
      }
    }
    this.failed = undefined;
    return undefined;
  }

  /** Before the end: removes what a failed write may have left. Where that fails again, those messages may be there after a restart. */
  tidy(): void {
    if (this.failed === undefined) return;
    this.failed.retryAtMs = -Infinity;
    this.refusal();
  }

  /** Resolves when nothing waits for a write. */
  idle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  private readonly run = (): void => {
    this.scheduled = false;
    if (this.inFlight !== NOTHING || this.encoded.length === 0) return;
    const appends = this.encoded;
    this.inFlight = appends;
    this.encoded = [];
    this.commits++;
    this.writer.write(this.tail.unwritten(), (failure) => {
      this.inFlight = NOTHING;
      if (failure === undefined) this.succeed(appends);
      else this.fail(appends, failure);
      if (this.encoded.length > 0 && !this.scheduled) {
        this.scheduled = true;
        this.clock.defer(this.run);
      }
      if (this.pending === 0) this.wakeIdleWaiters();
    });
  };

  private succeed(appends: readonly PendingAppend[]): void {
    const end = appends[appends.length - 1].endOffset;
    if (end > this.writer.writtenOffset) {
      // Never answer what is not written, whatever went wrong above.
      throw new StoreError(
        'STORE_IO',
        `the log is written to ${this.writer.writtenOffset}, but an append ends at ${end}`,
      );
    }
    for (const append of appends) this.bufferedBytes -= append.sizeBytes;
    this.events.written(appends);
  }

  private fail(appends: readonly PendingAppend[], failure: WriteFailure): void {
    const written: PendingAppend[] = [];
    const lost: PendingAppend[] = [];
    for (const append of appends) (append.endOffset <= this.writer.writtenOffset ? written : lost).push(append);
    lost.push(...this.encoded);
    this.encoded = [];
    this.bufferedBytes = 0;
    this.tail.dropUnwritten();
    const { status, reason } = describeFailure(failure);
    let leftover: WriteFailure | undefined;
    try {
      this.writer.wipe(failure.dirty);
    } catch {
      leftover = failure;
    }
    this.failed = { status, reason, retryAtMs: this.clock.monotonicMs() + this.retryIntervalMs, failure: leftover };
    this.events.rolledBack(lost, failure);
    this.events.written(written);
    for (const append of lost) {
      append.status = status;
      append.reason = reason;
      append.answer();
    }
  }

  private wakeIdleWaiters(): void {
    const waiters = this.idleWaiters;
    this.idleWaiters = [];
    for (const wake of waiters) wake();
  }
}

function describeFailure({ error, dirty }: WriteFailure): { status: PutStatus; reason: string } {
  const code = errnoOf(error);
  const where = `${dirty.segment.path} at ${dirty.fromPosition}`;
  if (isDiskFull(error)) {
    return {
      status: 'SERVICE_NOT_AVAILABLE',
      reason: `the disk is full (${code} in ${where}); messages are taken again when there is space`,
    };
  }
  return { status: 'UNKNOWN_ERROR', reason: `the write to ${where} failed: ${error.message}` };
}
