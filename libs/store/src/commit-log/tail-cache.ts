import { BufferSlab } from '../io/buffer-slab.js';
import type { Clock } from '../io/clock.js';
import { LogChunk } from './log-chunk.js';

export interface TailCacheOptions {
  readonly tailCacheBytes: number;
  readonly chunkMinBytes: number;
  readonly chunkMaxBytes: number;
  readonly chunkGrowMs: number;
  /** What lies behind it is not on stable storage, and is not given back by an idle store: after a failed fdatasync it is written again. */
  readonly flushedOffset: () => number;
}

/**
 * The end of the log in memory: a row of chunks, the last of which takes the appends. Written chunks stay, up to `tailCacheBytes`,
 * so that pulls of the tail read nothing; the rest is dropped oldest first. Chunks grow while they fill fast and shrink when they
 * don't, and an idle store gives nearly everything back.
 */
export class TailCache {
  private chunks: LogChunk[] = [];
  /** Memory of the largest chunks: page faults of fresh memory cost about as much as the copy into it. */
  private readonly largeBuffers: BufferSlab;
  private nextChunkBytes: number;
  private heldBytes = 0;
  private lastUseMs: number;

  constructor(
    private readonly options: TailCacheOptions,
    private readonly clock: Clock,
  ) {
    const { chunkMinBytes, chunkMaxBytes, tailCacheBytes } = options;
    this.nextChunkBytes = chunkMinBytes;
    this.largeBuffers = new BufferSlab(chunkMaxBytes, Math.ceil(tailCacheBytes / chunkMaxBytes) + 1);
    this.lastUseMs = clock.monotonicMs();
  }

  /** Memory held, that for the next chunks included. */
  get sizeBytes(): number {
    return this.heldBytes + this.largeBuffers.spareBytes;
  }

  /** The chunk that takes appends, if any. */
  get current(): LogChunk | undefined {
    return this.chunks.at(-1);
  }

  /** A chunk that ends at `physicalOffset` and has room for `sizeBytes`: the current one when it fits, else a new one. */
  reserve(physicalOffset: number, sizeBytes: number): LogChunk {
    const current = this.chunks.length === 0 ? undefined : this.chunks[this.chunks.length - 1];
    if (
      current !== undefined &&
      !current.sealed &&
      current.lengthBytes + sizeBytes <= current.capacityBytes &&
      current.endOffset === physicalOffset
    ) {
      return current;
    }
    return this.addChunk(physicalOffset, sizeBytes);
  }

  /** The chunk that holds all of the range, or undefined. */
  find(physicalOffset: number, sizeBytes: number): LogChunk | undefined {
    const chunks = this.chunks;
    let low = 0;
    let high = chunks.length - 1;
    while (low <= high) {
      // The newest chunk is by far the most asked for: look there first.
      const middle = high === chunks.length - 1 ? high : (low + high) >>> 1;
      const chunk = chunks[middle];
      if (physicalOffset < chunk.startOffset) high = middle - 1;
      else if (physicalOffset >= chunk.endOffset) low = middle + 1;
      else return physicalOffset + sizeBytes <= chunk.endOffset ? chunk : undefined;
    }
    return undefined;
  }

  /** The chunks with unwritten bytes, in order. */
  unwritten(): LogChunk[] {
    const chunks = this.chunks;
    let first = chunks.length;
    // The newest chunk may still be empty.
    while (
      first > 0 &&
      (chunks[first - 1].lengthBytes === 0 || chunks[first - 1].writtenBytes < chunks[first - 1].lengthBytes)
    ) {
      first--;
    }
    return chunks.slice(first).filter((chunk) => chunk.lengthBytes > 0);
  }

  /** The chunks with written bytes behind the offset, in order; they reach to the end of what is written. */
  writtenSince(physicalOffset: number): LogChunk[] {
    return this.chunks.filter((chunk) => chunk.writtenBytes > 0 && chunk.writtenOffset > physicalOffset);
  }

  /** Forgets what was not written: its records are encoded again, at the same offsets, by the next appends. */
  dropUnwritten(): void {
    while (this.chunks.length > 0) {
      const last = this.chunks[this.chunks.length - 1];
      if (last.writtenBytes > 0) {
        if (last.lengthBytes > last.writtenBytes) last.endsSegment = false;
        last.lengthBytes = last.writtenBytes;
        return;
      }
      this.chunks.pop();
      this.heldBytes -= last.capacityBytes;
    }
  }

  /** A pull read from the cache: it is not idle. */
  markUsed(): void {
    this.lastUseMs = this.clock.monotonicMs();
  }

  get idleMs(): number {
    return this.clock.monotonicMs() - this.lastUseMs;
  }

  /** True when `release` would give memory back. */
  get releasable(): boolean {
    return this.sizeBytes > this.options.chunkMinBytes;
  }

  /** Gives all memory back but what is not on stable storage yet. */
  release(): void {
    this.largeBuffers.release();
    this.nextChunkBytes = this.options.chunkMinBytes;
    const flushedOffset = this.options.flushedOffset();
    const kept = this.chunks.filter(({ endOffset, lengthBytes }) => lengthBytes > 0 && endOffset > flushedOffset);
    this.chunks = kept;
    this.heldBytes = kept.reduce((sum, chunk) => sum + chunk.capacityBytes, 0);
  }

  private addChunk(physicalOffset: number, sizeBytes: number): LogChunk {
    const now = this.clock.monotonicMs();
    this.lastUseMs = now;
    const previous = this.current;
    if (previous !== undefined) {
      previous.sealed = true;
      this.adaptSize(previous, now);
    }
    const capacityBytes = Math.max(this.nextChunkBytes, sizeBytes);
    this.evict(capacityBytes);
    const chunk = new LogChunk(this.newBuffer(capacityBytes), physicalOffset, now);
    this.chunks.push(chunk);
    this.heldBytes += chunk.capacityBytes;
    return chunk;
  }

  private newBuffer(sizeBytes: number): Buffer {
    const large = sizeBytes === this.options.chunkMaxBytes ? this.largeBuffers.take() : undefined;
    // Not from Node's pool: a small chunk is its own ArrayBuffer, so that giving it up frees it.
    return large ?? Buffer.allocUnsafeSlow(sizeBytes);
  }

  private adaptSize(filled: LogChunk, nowMs: number): void {
    const { chunkGrowMs, chunkMinBytes, chunkMaxBytes } = this.options;
    if (nowMs - filled.createdAtMs < chunkGrowMs)
      this.nextChunkBytes = Math.min(this.nextChunkBytes * 2, chunkMaxBytes);
    else this.nextChunkBytes = Math.max(this.nextChunkBytes / 2, chunkMinBytes);
  }

  private evict(neededBytes: number): void {
    let evicted = 0;
    for (const chunk of this.chunks) {
      if (this.heldBytes + neededBytes <= this.options.tailCacheBytes) break;
      if (chunk.writtenBytes < chunk.lengthBytes) break;
      evicted++;
      this.heldBytes -= chunk.capacityBytes;
      // Memory of which a slice was handed out may still be on its way to a socket; only untouched chunks are used again.
      if (chunk.shared) this.largeBuffers.lose(chunk.buffer);
      else this.largeBuffers.give(chunk.buffer);
    }
    if (evicted > 0) this.chunks.splice(0, evicted);
  }
}
