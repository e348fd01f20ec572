import { Backoff } from '../io/backoff.js';
import type { Clock, Timer } from '../io/clock.js';
import type { StoreLogger } from '../types.js';
import type { FlushService } from './flush-service.js';
import type { GroupCommit } from './group-commit.js';
import type { LogRewriter } from './log-rewriter.js';
import { LogBytesLostError } from './log-rewriter.js';
import type { LogWriter } from './log-writer.js';

export interface FlushRepairOptions {
  /** Pause before the second try; it doubles with each further one. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
}

/**
 * Brings the log back onto stable storage after a failed fdatasync, while no message is taken, and without a restart.
 *
 * The kernel reports a failed write-back once, calls the pages clean and may drop them: a second fdatasync would report success for bytes that are
 * nowhere. So everything behind the last good fdatasync is written once more, from memory, into copies of the segments on other blocks of the disk, and only
 * the fdatasync behind that counts. docs/decisions tells more.
 */
export class FlushRepair {
  private timer: Timer | undefined = undefined;
  private running: Promise<void> | undefined = undefined;
  private tries = 0;
  private readonly backoff: Backoff;
  private stopped = false;

  constructor(
    private readonly options: FlushRepairOptions,
    private readonly flush: FlushService,
    private readonly group: GroupCommit,
    private readonly rewriter: LogRewriter,
    private readonly writer: Pick<LogWriter, 'writtenOffset' | 'writingSinceMs'>,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
    /** Bytes are neither in memory nor in the file as they were: only recovery can tell what is left. */
    private readonly onLost: (reason: string) => void,
    /** Whether the next start is to distrust what the kernel shows. */
    private readonly doubt: { note(): void; settle(): Promise<void> },
  ) {
    this.backoff = new Backoff(options.retryMs, options.maxRetryMs);
  }

  /** An fdatasync failed, or a write that may have taken pages with it. Appends are refused from now on. */
  start(): void {
    if (this.stopped) return;
    this.beginAnew();
    this.begin();
  }

  /** Ends the tries; when the log still is not on stable storage, there is one more before that. */
  async stop(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    this.stopped = true;
    await this.running;
    if (this.flush.failure === undefined || this.tries === 0) return;
    await this.run();
  }

  private begin(): void {
    this.running ??= this.run().finally(() => {
      this.running = undefined;
    });
  }

  private async run(): Promise<void> {
    // What was encoded before the failure is still being written.
    await this.group.idle();
    const fromOffset = this.flush.unflushedFrom;
    const toOffset = this.writer.writtenOffset;
    this.tries++;
    this.doubt.note();
    try {
      // A copy needs space, and a disk on which all of the segment can be read: either may be what lacks.
      const isDone = this.tries % 2 === 0 && (await this.rewriter.rewriteEnds(fromOffset, toOffset));
      if (!isDone) await this.rewriter.replace(fromOffset, toOffset);
    } catch (error) {
      this.failed(error as Error);
      return;
    }
    // What a slave had taken before the failure may have gone into a file that has been replaced by now.
    if (this.writer.writtenOffset !== toOffset || this.writer.writingSinceMs !== undefined) {
      this.beginAnew();
      if (!this.stopped) this.tryAgainIn(this.options.retryMs);
      return;
    }
    await this.trustAgain(fromOffset, toOffset);
  }

  private async trustAgain(fromOffset: number, toOffset: number): Promise<void> {
    await this.doubt.settle();
    this.logger.warn(
      `the commit log is on stable storage again: offsets ${fromOffset} to ${toOffset} were written once more (try ${this.tries}); messages are taken`,
    );
    this.beginAnew();
    this.flush.repaired(toOffset);
  }

  private beginAnew(): void {
    this.tries = 0;
    this.backoff.reset();
  }

  private failed(error: Error): void {
    if (error instanceof LogBytesLostError) {
      this.onLost(error.message);
      return;
    }
    this.logger.error(`try ${this.tries} to bring the commit log onto stable storage failed: ${error.message}`);
    if (!this.stopped) this.tryAgainIn(this.backoff.next());
  }

  private tryAgainIn(delayMs: number): void {
    this.timer = this.clock.startTimer(() => {
      this.timer = undefined;
      this.begin();
    }, delayMs);
  }
}
