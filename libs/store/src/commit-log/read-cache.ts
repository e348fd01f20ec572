import type { HandlePool } from '../io/handle-pool.js';
import { readFully, readFullySync } from '../io/transfer.js';
import type { LogSegment } from './log-segment.js';
import type { SegmentList } from './segment-list.js';

/** A piece of the written log in memory. */
export interface LogBlock {
  readonly buffer: Buffer;
  /** Physical offset of the first byte. */
  readonly startOffset: number;
}

/**
 * Blocks of the log for catch-up readers, least recently used dropped first. A consumer of one queue needs every n-th record of
 * the log, and the consumers of the other queues need the rest soon after: one large read serves them all.
 */
export class ReadCache {
  private readonly blocks = new Map<number, LogBlock>();
  private readonly loading = new Map<number, Promise<LogBlock | undefined>>();
  private heldBytes = 0;

  constructor(
    private readonly segments: SegmentList,
    private readonly handles: HandlePool,
    private readonly blockBytes: number,
    private readonly maxBytes: number,
  ) {}

  get sizeBytes(): number {
    return this.heldBytes;
  }

  /** Start of the block with that offset: blocks are aligned within their segment. */
  blockStart(physicalOffset: number): number {
    const position = physicalOffset % this.segments.segmentSizeBytes;
    return physicalOffset - (position % this.blockBytes);
  }

  /** True when the whole block lies before `writtenOffset`: only such blocks never change. */
  isComplete(blockStart: number, writtenOffset: number): boolean {
    return blockStart + this.lengthOf(blockStart) <= writtenOffset;
  }

  get(blockStart: number): LogBlock | undefined {
    const block = this.blocks.get(blockStart);
    if (block === undefined) return undefined;
    this.blocks.delete(blockStart);
    this.blocks.set(blockStart, block);
    return block;
  }

  loadSync(blockStart: number): LogBlock | undefined {
    const segment = this.segments.at(blockStart);
    if (segment === undefined) return undefined;
    const buffer = Buffer.allocUnsafeSlow(this.lengthOf(blockStart));
    const position = blockStart - segment.startOffset;
    if (readFullySync(this.handles.open(segment.path), buffer, 0, buffer.length, position) < buffer.length)
      return undefined;
    return this.keep({ buffer, startOffset: blockStart });
  }

  /** Loads off the event loop; readers that want the same block at the same time share one read. */
  load(blockStart: number): Promise<LogBlock | undefined> {
    const running = this.loading.get(blockStart);
    if (running !== undefined) return running;
    const segment = this.segments.at(blockStart);
    if (segment === undefined) return Promise.resolve(undefined);
    const load = this.read(segment, blockStart).finally(() => this.loading.delete(blockStart));
    this.loading.set(blockStart, load);
    return load;
  }

  clear(): void {
    this.blocks.clear();
    this.heldBytes = 0;
  }

  private async read(segment: LogSegment, blockStart: number): Promise<LogBlock | undefined> {
    const buffer = Buffer.allocUnsafeSlow(this.lengthOf(blockStart));
    const lease = this.handles.retain(segment.path);
    try {
      const read = await readFully(lease.file, buffer, 0, buffer.length, blockStart - segment.startOffset);
      return read < buffer.length ? undefined : this.keep({ buffer, startOffset: blockStart });
    } finally {
      lease.release();
    }
  }

  private lengthOf(blockStart: number): number {
    const position = blockStart % this.segments.segmentSizeBytes;
    return Math.min(this.blockBytes, this.segments.segmentSizeBytes - position);
  }

  private keep(block: LogBlock): LogBlock {
    this.blocks.set(block.startOffset, block);
    this.heldBytes += block.buffer.length;
    for (const [start, oldest] of this.blocks) {
      if (this.heldBytes <= this.maxBytes) break;
      this.blocks.delete(start);
      this.heldBytes -= oldest.buffer.length;
    }
    return block;
  }
}
