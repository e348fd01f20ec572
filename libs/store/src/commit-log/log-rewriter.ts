import { syncData, syncFolder } from '../io/durable.js';
import type { FileSystem, StoreFile } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { copyRange, removeCopies } from '../io/replace-file.js';
import { writeAll } from '../io/transfer.js';
import type { LogSegment } from './log-segment.js';
import { replaceSegment } from './segment-copy.js';
import type { SegmentList } from './segment-list.js';
import type { TailCache } from './tail-cache.js';

/** No page size and no block of a file system is larger. */
const ALIGN_BYTES = 64 * 1024;

/** What was written is neither in memory nor whole in the file. */
export class LogBytesLostError extends Error {}

/** Checks the records from an offset that a record starts at, in the files. @returns where the row of whole records ends. */
export type CheckRecords = (fromOffset: number) => Promise<number>;

/**
 * Writes the end of the log once more, from the tail cache as far as that reaches, and syncs it. Never over the blocks whose write-back failed: ext4
 * takes them for written then, and shows zeros once they have left its memory, though every fdatasync since reported success.
 */
export class LogRewriter {
  constructor(
    private readonly segments: SegmentList,
    private readonly tail: TailCache,
    private readonly fileSystem: FileSystem,
    private readonly handles: HandlePool,
    private readonly checkRecords: CheckRecords,
    /** Up to here, where a record starts, log and queues are on stable storage. */
    private readonly checkpointOffset: () => number,
  ) {}

  /** Removes copies that a killed process left behind. */
  removeCopies(): void {
    const { folder } = this.segments;
    removeCopies(this.fileSystem, folder, this.fileSystem.list(folder));
  }

  /** By copies of the segments, which take their names. Rejects with what the file system says, or with `LogBytesLostError`; what was there before stays then. */
  async replace(fromOffset: number, toOffset: number): Promise<void> {
    const memoryFrom = this.memoryFrom(toOffset);
    await this.verify(fromOffset, memoryFrom);
    for (const segment of this.affected(fromOffset, toOffset)) {
      await replaceSegment(this.fileSystem, this.handles, segment, async (source, copy) => {
        await copyRange(source, copy, 0, Math.min(memoryFrom, segment.endOffset) - segment.startOffset);
        await this.writeFromMemory(segment, copy, segment.startOffset);
      });
    }
    await this.syncNames();
  }

  /**
   * In the same files, whose ends are cut off before: takes no space and no reading, for a disk that has neither for copies. Only where memory has all that
   * is cut off; a process that is killed right between the two leaves a shorter log.
   *
   * @returns false when memory has not.
   */
  async rewriteEnds(fromOffset: number, toOffset: number): Promise<boolean> {
    if (this.memoryFrom(toOffset) > fromOffset) return false;
    for (const segment of this.affected(fromOffset, toOffset)) {
      // A descriptor of its own: one that is opened after the failure reports what happens from now on.
      this.handles.forget(segment.path);
      const file = this.fileSystem.open(segment.path);
      try {
        // All blocks go that the flushed part has no share in: those reached the disk with it.
        const position = Math.max(0, fromOffset - segment.startOffset);
        file.truncate(position);
        file.truncate(segment.sizeBytes);
        await this.writeFromMemory(segment, file, segment.startOffset + position - (position % ALIGN_BYTES));
        await syncData(file);
      } finally {
        file.close();
      }
    }
    await this.syncNames();
    return true;
  }

  /** Segments with bytes in `[fromOffset, toOffset)`. */
  private affected(fromOffset: number, toOffset: number): LogSegment[] {
    return this.segments.all.filter(({ startOffset, endOffset }) => endOffset > fromOffset && startOffset < toOffset);
  }

  private memoryFrom(toOffset: number): number {
    return Math.min(toOffset, this.tail.writtenSince(0)[0]?.startOffset ?? toOffset);
  }

  /** What memory lacks is read from the files; it must be what was written. */
  private async verify(fromOffset: number, memoryFrom: number): Promise<void> {
    if (memoryFrom <= fromOffset) return;
    const checkFrom = Math.max(this.segments.minOffset, Math.min(fromOffset, this.checkpointOffset()));
    const endOffset = await this.checkRecords(checkFrom);
    if (endOffset >= memoryFrom) return;
    throw new LogBytesLostError(
      `after a failed fdatasync the commit log is damaged at offset ${endOffset}, and memory only holds it from offset ${memoryFrom} on: ` +
        'restart the broker to recover',
    );
  }

  private async writeFromMemory(segment: LogSegment, file: StoreFile, fromOffset: number): Promise<void> {
    for (const chunk of this.tail.writtenSince(fromOffset)) {
      if (chunk.startOffset >= segment.endOffset) break;
      const at = Math.max(0, fromOffset - chunk.startOffset);
      if (chunk.startOffset < segment.startOffset || at >= chunk.writtenBytes) continue;
      await writeAll(file, chunk.buffer, at, chunk.writtenBytes - at, chunk.startOffset + at - segment.startOffset);
    }
  }

  private async syncNames(): Promise<void> {
    await syncFolder(this.fileSystem, this.segments.folder);
    for (const segment of this.segments.all) segment.nameDurable = true;
  }
}
