import type { CheckpointService } from '../checkpoint/checkpoint-service.js';
import type { LogSegment } from '../commit-log/log-segment.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { Clock } from '../io/clock.js';
import type { FileSystem } from '../io/file-system.js';
import type { StoreLogger } from '../types.js';
import type { FileRemover } from './file-remover.js';

export interface SegmentCleanerOptions {
  /** Pause behind each removed file. */
  readonly pauseMs: number;
}

/** Whether the oldest segment may go; asked before each one, as each one that went changes how full the disk is. */
export type MayGo = (modifiedAtMs: number) => Promise<boolean>;

/**
 * Deletes segments of the log, oldest first, one at a time (RocketMQ's MappedFileQueue.deleteExpiredFileByTime).
 *
 * The one that takes messages stays, and every one that is not wholly behind the checkpoint: recovery starts there, and the queue offsets of
 * messages whose records are gone are known from the queue files alone. First the row forgets a segment, then its file goes, then the folder is
 * synced; a crash at any point leaves a row without gaps.
 */
export class SegmentCleaner {
  /** Out of the row, but their files could not be removed yet; oldest first. */
  private taken: LogSegment[] = [];
  private stopped = false;

  constructor(
    private readonly options: SegmentCleanerOptions,
    private readonly segments: SegmentList,
    private readonly checkpoints: CheckpointService,
    private readonly remover: FileRemover,
    private readonly fileSystem: FileSystem,
    private readonly writtenOffset: () => number,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
  ) {}

  /** Every segment that left the row left the disk too. */
  get isComplete(): boolean {
    return this.taken.length === 0;
  }

  stop(): void {
    this.stopped = true;
  }

  /** @returns how many files were removed. Rejects with what the file system says; what is left over is tried again the next time. */
  async clean(mayGo: MayGo, maxFiles: number): Promise<number> {
    let removed = 0;
    while (removed < maxFiles && !this.stopped) {
      if (this.taken.length === 0 && !(await this.takeNext(mayGo))) break;
      if (!(await this.removeTaken())) break;
      removed++;
      if (removed < maxFiles && !this.stopped) await this.clock.sleep(this.options.pauseMs);
    }
    return removed;
  }

  private async takeNext(mayGo: MayGo): Promise<boolean> {
    const segment = this.segments.first;
    if (segment === undefined || this.segments.all.length < 2 || segment.endOffset > this.writtenOffset()) return false;
    const modifiedAtMs = this.fileSystem.stat(segment.path)?.modifiedAtMs ?? 0;
    if (!(await mayGo(modifiedAtMs))) return false;
    if (!(await this.isBehindCheckpoint(segment)) || this.stopped) return false;
    // While this waited, nothing else took it: retention runs one at a time.
    const first = this.segments.takeFirst();
    if (first === undefined) return false;
    this.taken.push(first);
    return true;
  }

  private async isBehindCheckpoint(segment: LogSegment): Promise<boolean> {
    if (segment.endOffset <= this.checkpoints.physicalOffset) return true;
    try {
      await this.checkpoints.take();
    } catch (error) {
      this.logger.warn(
        `${segment.path} is kept: the checkpoint before its deletion failed: ${(error as Error).message}`,
      );
    }
    return segment.endOffset <= this.checkpoints.physicalOffset;
  }

  private async removeTaken(): Promise<boolean> {
    const segment = this.taken[0];
    if (!(await this.remover.remove(segment.path))) return false;
    this.taken.shift();
    await this.remover.syncFolder(this.segments.folder);
    return true;
  }
}
