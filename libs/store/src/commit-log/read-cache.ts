import { viewOf } from '@rocknest/protocol';
import type { HandlePool } from '../io/handle-pool.js';
import { readFully, readFullySync } from '../io/transfer.js';
import type { ReadGate } from '../io/read-gate.js';
import type { SegmentList } from './segment-list.js';

/** A piece of the written log in memory. */
export interface LogBlock {
  readonly buffer: Buffer;
  /** The same memory. */
  readonly view: DataView;
  /** Physical offset of the first byte. */
  readonly startOffset: number;
}

/** A block of the cache. Its buffer serves another block once it is dropped and no read holds it any more. */
export class CachedBlock implements LogBlock {
  readonly view: DataView;
  /** The read that used it last. */
  usedBy = 0;
  /** Reads that wait for something else and hold it meanwhile. */
  holders = 0;
  /** Bytes of records that reads took out of it, all together. */
  servedBytes = 0;
  isDropped = false;

  constructor(
    readonly buffer: Buffer,
    readonly startOffset: number,
    /** Loaded before anybody asked for it, and not used yet. */
    public isAhead: boolean,
  ) {
    this.view = viewOf(buffer);
  }
}

/** A load off the event loop. */
interface RunningLoad {
  readonly block: Promise<CachedBlock | undefined>;
  waiting: number;
}

export interface ReadCacheOptions {
  readonly blockBytes: number;
  /** By how much a block reaches into the next one. */
  readonly overlapBytes: number;
  readonly maxBytes: number;
  /** Blocks that were read through take so much at most while others are wanted. */
  readonly maxSpentBytes: number;
}

/** Buffers of dropped blocks that are kept for the next ones: as many as are loaded at a time. */
const MAX_SPARES = 4;

/**
 * Blocks of the log for catch-up readers, least recently used dropped first. A consumer of one queue needs every n-th record of
 * the log, and the consumers of the other queues need the rest soon after: one large read serves them all. Records are copied out of
 * blocks, never sliced, so that the buffer of a dropped block is read into again: fresh buffers of this size cost more than the copy.
 *
 * A block is spent once as much was taken out of it as it holds. Spent ones give their buffers first: readers that go through the log together then
 * need a few buffers, which stay in the processor's cache, however much they read.
 */
export class ReadCache {
  private readonly blocks = new Map<number, CachedBlock>();
  private readonly loading = new Map<number, RunningLoad>();
  private readonly spares: Buffer[] = [];
  /** In the order in which they came to be so. */
  private readonly spent = new Set<CachedBlock>();
  private currentRead = 0;
  private heldBytes = 0;
  private aheadBytes = 0;
  /** Called when a block that was loaded ahead is used for the first time. */
  onAheadUsed: (blockStart: number) => void = () => undefined;

  constructor(
    private readonly options: ReadCacheOptions,
    private readonly segments: SegmentList,
    private readonly handles: HandlePool,
    private readonly gate: ReadGate,
  ) {}

  get sizeBytes(): number {
    return this.heldBytes;
  }

  /** Bytes that were loaded ahead and not used yet. */
  get unusedAheadBytes(): number {
    return this.aheadBytes;
  }

  /** Start of the block with that offset: blocks are aligned within their segment. */
  blockStart(physicalOffset: number): number {
    const position = physicalOffset % this.segments.segmentSizeBytes;
    return physicalOffset - (position % this.options.blockBytes);
  }

  /** Start of the block behind that one. */
  nextBlockStart(blockStart: number): number {
    const { segmentSizeBytes } = this.segments;
    const segmentEnd = blockStart - (blockStart % segmentSizeBytes) + segmentSizeBytes;
    return Math.min(blockStart + this.options.blockBytes, segmentEnd);
  }

  /** True when the block that the record begins in holds all of it. */
  holdsWhole(blockStart: number, physicalOffset: number, sizeBytes: number): boolean {
    return physicalOffset + sizeBytes <= blockStart + this.lengthOf(blockStart);
  }

  /** True when the whole block lies before `writtenOffset`: only such blocks never change. */
  isComplete(blockStart: number, writtenOffset: number): boolean {
    return blockStart + this.lengthOf(blockStart) <= writtenOffset;
  }

  /** True when the block is there, or on its way. */
  has(blockStart: number): boolean {
    return this.blocks.has(blockStart) || this.loading.has(blockStart);
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
    if (block.isAhead) {
      this.endAhead(block);
      this.onAheadUsed(blockStart);
    }
    return block;
  }

  loadSync(blockStart: number): CachedBlock | undefined {
    const segment = this.segments.at(blockStart);
    if (segment === undefined) return undefined;
    const length = this.lengthOf(blockStart);
    const buffer = this.newBuffer(length);
    const position = blockStart - segment.startOffset;
    if (readFullySync(this.handles.open(segment.path), buffer, 0, length, position) < length) return undefined;
    return this.keep(new CachedBlock(buffer, blockStart, false));
  }

  /** Loads off the event loop; readers that want the same block at the same time share one read. Each holds the block until it calls {@link release}. */
  async load(blockStart: number): Promise<CachedBlock | undefined> {
    const running = this.loading.get(blockStart) ?? this.startLoad(blockStart);
    running.waiting++;
    return running.block;
  }

  /** Loads off the event loop what nobody waits for yet. @returns false when that failed: a reader that comes for it tries again, and learns why. */
  loadAhead(blockStart: number): Promise<boolean> {
    return this.startLoad(blockStart).block.then(
      (block) => block !== undefined,
      () => false,
    );
  }

  /** A read goes on waiting with a block in its hands. */
  hold(block: CachedBlock): void {
    block.holders++;
  }

  release(block: CachedBlock): void {
    block.holders--;
    if (block.isDropped) this.recycle(block);
  }

  /** Records of so many bytes were taken out of the block. */
  served(block: CachedBlock, bytes: number): void {
    const { blockBytes, overlapBytes } = this.options;
    const before = block.servedBytes;
    block.servedBytes = before + bytes;
    // As far as the overlap reaches, what it begins with may belong to the block before.
    const enough = blockBytes - overlapBytes;
    if (before < enough && before + bytes >= enough && !block.isDropped) this.spent.add(block);
  }

  clear(): void {
    // Reads that wait for something may still have some of them in their hands.
    for (const block of this.blocks.values()) block.isDropped = true;
    this.blocks.clear();
    this.spent.clear();
    this.spares.length = 0;
    this.heldBytes = 0;
    this.aheadBytes = 0;
  }

  private startLoad(blockStart: number): RunningLoad {
    const load: RunningLoad = {
      waiting: 0,
      block: this.gate
        .run(() => this.read(blockStart))
        .then(
          (buffer) => {
            // Whoever comes from here on is not counted below any more, and must not wait for this one.
            this.loading.delete(blockStart);
            if (buffer === undefined) return undefined;
            const block = new CachedBlock(buffer, blockStart, load.waiting === 0);
            block.holders = load.waiting;
            return this.keep(block);
          },
          (error: unknown) => {
            this.loading.delete(blockStart);
            throw error;
          },
        ),
    };
    this.loading.set(blockStart, load);
    return load;
  }

  private async read(blockStart: number): Promise<Buffer | undefined> {
    const segment = this.segments.at(blockStart);
    if (segment === undefined) return undefined;
    const buffer = this.newBuffer(this.lengthOf(blockStart));
    const lease = this.handles.retain(segment.path);
    try {
      const read = await readFully(lease.file, buffer, 0, buffer.length, blockStart - segment.startOffset);
      return read < buffer.length ? undefined : buffer;
    } finally {
      lease.release();
    }
  }

  private lengthOf(blockStart: number): number {
    const { blockBytes, overlapBytes } = this.options;
    const position = blockStart % this.segments.segmentSizeBytes;
    return Math.min(blockBytes + overlapBytes, this.segments.segmentSizeBytes - position);
  }

  private newBuffer(length: number): Buffer {
    if (this.spares.length === 0 && this.heldBytes >= this.options.maxSpentBytes) this.dropSpent();
    const spare = this.spares[this.spares.length - 1];
    if (spare?.length !== length) return Buffer.allocUnsafeSlow(length);
    this.spares.pop();
    return spare;
  }

  private keep(block: CachedBlock): CachedBlock {
    const twin = this.blocks.get(block.startOffset);
    if (twin !== undefined) this.drop(twin);
    block.usedBy = this.currentRead;
    if (block.isAhead) this.aheadBytes += block.buffer.length;
    this.blocks.set(block.startOffset, block);
    this.heldBytes += block.buffer.length;
    for (const oldest of this.blocks.values()) {
      if (this.heldBytes <= this.options.maxBytes) break;
      this.drop(oldest);
    }
    return block;
  }

  /** Drops the block that was spent first, if there is any. */
  private dropSpent(): void {
    for (const block of this.spent) {
      if (block.holders > 0 || block.usedBy === this.currentRead) continue;
      this.drop(block);
      return;
    }
  }

  private drop(block: CachedBlock): void {
    this.blocks.delete(block.startOffset);
    this.spent.delete(block);
    this.heldBytes -= block.buffer.length;
    if (block.isAhead) this.endAhead(block);
    block.isDropped = true;
    if (block.usedBy !== this.currentRead) this.recycle(block);
  }

  private recycle(block: CachedBlock): void {
    if (block.holders > 0 || this.spares.length >= MAX_SPARES) return;
    this.spares.push(block.buffer);
  }

  private endAhead(block: CachedBlock): void {
    block.isAhead = false;
    this.aheadBytes -= block.buffer.length;
  }
}
