import { syncData, syncFolder } from '../io/durable.js';
import type { FileSystem, StoreFile } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFully, writeFully } from '../io/transfer.js';
import type { LogSegment } from './log-segment.js';
import type { SegmentList } from './segment-list.js';
import type { TailCache } from './tail-cache.js';

/** Rewriting begins at a multiple of this: no page size and no block of a file system is larger. */
const ALIGN_BYTES = 64 * 1024;
const PIECE_BYTES = 1024 * 1024;
/** No segment has such a name: recovery passes it over. */
const COPY_SUFFIX = '.copy';

/** What was written is neither in memory nor whole in the file. */
export class LogBytesLostError extends Error {}

/** Checks the records from an offset that a record starts at, in the files. @returns where the row of whole records ends. */
export type CheckRecords = (fromOffset: number) => Promise<number>;

/** Writes the end of the log once more, from the tail cache as far as that reaches, and syncs it. */
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
    for (const { name, isFolder } of this.fileSystem.list(this.segments.folder))
      if (!isFolder && name.endsWith(COPY_SUFFIX)) this.fileSystem.remove(`${this.segments.folder}/${name}`);
  }

  /** In place. Rejects with what the file system says, or with `LogBytesLostError`. */
  async rewrite(fromOffset: number, toOffset: number): Promise<void> {
    const memoryFrom = this.memoryFrom(toOffset);
    await this.verify(fromOffset, memoryFrom);
    for (const segment of this.affected(fromOffset, toOffset)) {
      // A descriptor of its own: one that is opened after the failure reports what happens from now on.
      this.handles.forget(segment.path);
      const file = this.fileSystem.open(segment.path);
      try {
        const from = rewriteStart(segment, fromOffset);
        await copyRange(
          file,
          file,
          from - segment.startOffset,
          Math.min(memoryFrom, segment.endOffset) - segment.startOffset,
        );
        await this.writeFromMemory(segment, file, from);
        await syncData(file);
      } finally {
        file.close();
      }
    }
    await this.syncNames();
  }

  /** By copies of the segments on other blocks, which take their names. Rejects as `rewrite`; what was there before stays then. */
  async replace(fromOffset: number, toOffset: number): Promise<void> {
    const memoryFrom = this.memoryFrom(toOffset);
    await this.verify(fromOffset, memoryFrom);
    for (const segment of this.affected(fromOffset, toOffset)) {
      const path = `${segment.path}${COPY_SUFFIX}`;
      try {
        await this.copySegment(segment, path, Math.min(memoryFrom, segment.endOffset));
      } catch (error) {
        this.fileSystem.remove(path);
        throw error;
      }
      this.fileSystem.rename(path, segment.path);
      // Who still reads the old file reads the same bytes.
      this.handles.forget(segment.path);
    }
    await this.syncNames();
  }

  private async copySegment(segment: LogSegment, path: string, memoryFrom: number): Promise<void> {
    const source = this.handles.retain(segment.path);
    try {
      this.fileSystem.remove(path);
      const copy = this.fileSystem.open(path, { create: true });
      try {
        copy.truncate(segment.sizeBytes);
        await copyRange(source.file, copy, 0, memoryFrom - segment.startOffset);
        await this.writeFromMemory(segment, copy, segment.startOffset);
        await syncData(copy);
      } finally {
        copy.close();
      }
    } finally {
      source.release();
    }
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
      await write(file, chunk.buffer, at, chunk.writtenBytes - at, chunk.startOffset + at - segment.startOffset);
    }
  }

  private async syncNames(): Promise<void> {
    await syncFolder(this.fileSystem, this.segments.folder);
    for (const segment of this.segments.all) segment.nameDurable = true;
  }
}

/** The block that the first byte stands in may have been lost as a whole, with what was flushed before. */
function rewriteStart(segment: LogSegment, fromOffset: number): number {
  const position = Math.max(0, fromOffset - segment.startOffset);
  return segment.startOffset + position - (position % ALIGN_BYTES);
}

const ZEROS = Buffer.alloc(PIECE_BYTES);

/** Copies `[from, to)`. Long zeros are left out: the end of a full segment is a hole, which reads the same and takes no space. */
async function copyRange(source: StoreFile, target: StoreFile, from: number, to: number): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(PIECE_BYTES, to - from)));
  for (let position = from; position < to;) {
    const length = await readFully(source, buffer, 0, Math.min(buffer.length, to - position), position);
    if (length === 0) return;
    const isHole = buffer.subarray(0, length).equals(ZEROS.subarray(0, length));
    if (!isHole) await write(target, buffer, 0, length, position);
    position += length;
  }
}

function write(file: StoreFile, source: Buffer, at: number, length: number, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    writeFully(file, source, at, length, position, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
