import type { SegmentList } from '../commit-log/segment-list.js';
import type { TailCache } from '../commit-log/tail-cache.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFully, readFullySync } from '../io/transfer.js';

/**
 * Reads the log as it stands in its files, for slaves: into memory of the caller, so that a slave that is far behind costs one buffer and no more.
 * What the tail still has is copied from there. The bytes behind a filler come from the file.
 */
export class RawLogReader {
  constructor(
    private readonly tail: TailCache,
    private readonly segments: SegmentList,
    private readonly handles: HandlePool,
    /** True when a synchronous read at that place will most likely not wait for the disk. */
    private readonly allowsSync: (physicalOffset: number) => boolean,
    private readonly writtenOffset: () => number,
  ) {}

  /**
   * Reads at most `maxBytes` from the offset on to the start of `target`, not over the end of a segment, nothing that is not written yet.
   *
   * @returns the bytes read, 0 when there are none at that offset; a promise when the disk must be waited for, off the event loop
   */
  readInto(physicalOffset: number, target: Buffer, maxBytes: number): number | Promise<number> {
    const segment = this.segments.at(physicalOffset);
    if (segment === undefined) return 0;
    const end = Math.min(this.writtenOffset(), physicalOffset + maxBytes, segment.endOffset);
    if (end <= physicalOffset) return 0;
    const chunk = this.tail.find(physicalOffset, 1);
    if (chunk !== undefined && chunk.writtenOffset > physicalOffset) {
      const chunkEnd = Math.min(end, chunk.writtenOffset);
      return chunk.buffer.copy(target, 0, physicalOffset - chunk.startOffset, chunkEnd - chunk.startOffset);
    }
    const position = physicalOffset - segment.startOffset;
    const length = end - physicalOffset;
    if (this.allowsSync(physicalOffset))
      return readFullySync(this.handles.open(segment.path), target, 0, length, position);
    const lease = this.handles.retain(segment.path);
    return readFully(lease.file, target, 0, length, position).finally(() => {
      lease.release();
    });
  }
}
