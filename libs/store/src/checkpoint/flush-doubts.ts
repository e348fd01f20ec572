import type { StoreLogger } from '../types.js';
import type { AbortFile } from './abort-file.js';

/** Names for what is kept in several files. */
export const LOG_DOUBT = 'the commit log';
export const QUEUE_DOUBT = 'the consume queues';
export const INDEX_DOUBT = 'the index';
export const TIMER_DOUBT = 'the timer';

/**
 * What a failed fdatasync leaves in doubt: the kernel may show what the disk does not have. As long as anything is, `abort` says so, and a start after
 * a kill trusts nothing but the checkpoint.
 */
export class FlushDoubts {
  private readonly doubted = new Set<string>();
  private isNoted = false;

  constructor(
    private readonly abort: Pick<AbortFile, 'noteFailedFlush' | 'create'>,
    private readonly logger: Pick<StoreLogger, 'warn'>,
  ) {}

  get isEmpty(): boolean {
    return this.doubted.size === 0;
  }

  has(what: string): boolean {
    return this.doubted.has(what);
  }

  /** @param what a name for `settle`. May be called again: a disk that refused the word of it may take it now. */
  note(what: string): void {
    this.doubted.add(what);
    if (!this.isNoted) this.isNoted = this.abort.noteFailedFlush();
  }

  /** Before the end of the process: the last chance to leave word of what is in doubt. */
  remind(): void {
    for (const what of this.doubted) this.note(what);
  }

  /** It was written again, and is on stable storage. Never rejects: when `abort` cannot be written, the next start only looks closer than it must. */
  async settle(what: string): Promise<void> {
    if (!this.doubted.delete(what) || this.doubted.size > 0) return;
    this.isNoted = false;
    try {
      await this.abort.create();
    } catch (error) {
      this.logger.warn(`abort still says that an fdatasync failed: ${(error as Error).message}`);
    }
    // What came meanwhile stands in the file that was replaced.
    if (this.doubted.size > 0) this.isNoted = this.abort.noteFailedFlush();
  }
}
