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

/** A block of the cache. Its buffer serves another block once it is dropped, unless a read that is not finished may hold it. */
export class CachedBlock implements LogBlock {
  isRecyclable: boolean;
  /** The read that used it last. */
  usedBy = 0;

  constructor(
    readonly buffer: Buffer,
    readonly startOffset: number,
    isRecyclable: boolean,
  ) {
    this.isRecyclable = isRecyclable;
  }
}

/**
 * Blocks of the log for catch-up readers, least recently used dropped first. A consumer of one queue needs every n-th record of
 * the log, and the consumers of the other queues need the rest soon after: one large read serves them all. Records are copied out of
 * blocks, never sliced, so that the buffer of a dropped block is read into again: fresh buffers of this size cost more than the copy.
 */
export class ReadCache {
  private readonly blocks = new Map<number, CachedBlock>();
  private readonly loading = new Map<number, Promise<CachedBlock | undefined>>();
  private spare: Buffer | undefined;
  private currentRead = 0;
  private heldBytes = 0;

  constructor(
    private readonly segments: SegmentList,
    private readonly handles: HandlePool,
    private readonly blockBytes: number,
    /** By how much a block reaches into the next one. */
    private readonly overlapBytes: number,
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

  /** True when the block that the record begins in holds all of it. */
  holdsWhole(blockStart: number, physicalOffset: number, sizeBytes: number): boolean {
    return physicalOffset + sizeBytes <= blockStart + this.lengthOf(blockStart);
  }

  /** True when the whole block lies before `writtenOffset`: only such blocks never change. */
  isComplete(blockStart: number, writtenOffset: number): boolean {
    return blockStart + this.lengthOf(blockStart) <= writtenOffset;
  }

  /** A read begins: the blocks that it uses keep their buffers until the next one begins. */
  startRead(): void {
    this.currentRead++;
  }

  get(blockStart: number): CachedBlock | undefined {
    const block = this.blocks.get(blockStart);
    if (block === undefined) return undefined;
    block.usedBy = this.currentRead;
    this.blocks.delete(blockStart);
    this.blocks.set(blockStart, block);
    return block;
  }

  loadSync(blockStart: number): CachedBlock | undefined {
    const segment = this.segments.at(blockStart);
    if (segment === undefined) return undefined;
    const length = this.lengthOf(blockStart);
    const buffer = this.spare?.length === length ? this.spare : Buffer.allocUnsafeSlow(length);
    const position = blockStart - segment.startOffset;
    if (readFullySync(this.handles.open(segment.path), buffer, 0, length, position) < length) return undefined;
    if (buffer === this.spare) this.spare = undefined;
    return this.keep(new CachedBlock(buffer, blockStart, true));
  }

  /** Loads off the event loop; readers that want the same block at the same time share one read. */
  load(blockStart: number): Promise<CachedBlock | undefined> {
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
    this.spare = undefined;
    this.heldBytes = 0;
  }

  private async read(segment: LogSegment, blockStart: number): Promise<CachedBlock | undefined> {
    const buffer = Buffer.allocUnsafeSlow(this.lengthOf(blockStart));
    const lease = this.handles.retain(segment.path);
    try {
      const read = await readFully(lease.file, buffer, 0, buffer.length, blockStart - segment.startOffset);
      return read < buffer.length ? undefined : this.keep(new CachedBlock(buffer, blockStart, false));
    } finally {
      lease.release();
    }
  }

  private lengthOf(blockStart: number): number {
    const position = blockStart % this.segments.segmentSizeBytes;
    return Math.min(this.blockBytes + this.overlapBytes, this.segments.segmentSizeBytes - position);
  }

  private keep(block: CachedBlock): CachedBlock {
    block.usedBy = this.currentRead;
    this.blocks.set(block.startOffset, block);
    this.heldBytes += block.buffer.length;
    for (const [start, oldest] of this.blocks) {
      if (this.heldBytes <= this.maxBytes) break;
      this.blocks.delete(start);
      this.heldBytes -= oldest.buffer.length;
      if (oldest.isRecyclable && oldest.usedBy !== this.currentRead) this.spare = oldest.buffer;
    }
    return block;
  }
}
