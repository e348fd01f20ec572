import { viewOf } from '@rocknest/protocol';
import type { Clock } from '../io/clock.js';
import type { HandlePool } from '../io/handle-pool.js';
import type { IoPace } from '../io/io-pace.js';
import type { ReadGate } from '../io/read-gate.js';
import { readFully, readFullySync } from '../io/transfer.js';
import { LogChunk } from './log-chunk.js';
import type { ReadAhead } from './read-ahead.js';
import { CachedBlock, type LogBlock, type ReadCache } from './read-cache.js';
import { copyRecords, RecordRun, type RecordSlices, toSlices } from './record-slices.js';
import type { RecordPlace } from '../types.js';
import type { SegmentList } from './segment-list.js';
import type { TailCache } from './tail-cache.js';

export interface RecordReaderOptions {
  /** Records further apart than this on average are read one by one. */
  readonly sparseBytes: number;
  /** Log behind the end that the page cache is taken to hold. */
  readonly pageCacheBytes: number;
}

/** A read that one or several of the wanted records need. */
type RegionRead =
  | { readonly kind: 'block'; readonly blockStart: number }
  | { readonly kind: 'range'; readonly fromOffset: number; readonly toOffset: number };

/**
 * Reads records: from the tail cache, else from cached blocks, else from the file. The file is read on the event loop as long as
 * the page cache is likely to have the data and the disk has answered quickly, else off it.
 */
export class RecordReader {
  /** Filled anew by each `locate`. */
  private readonly located: RecordRun[] = [];

  constructor(
    private readonly options: RecordReaderOptions,
    private readonly tail: TailCache,
    private readonly cache: ReadCache,
    private readonly ahead: ReadAhead,
    private readonly gate: ReadGate,
    private readonly segments: SegmentList,
    private readonly handles: HandlePool,
    private readonly clock: Clock,
    private readonly pace: IoPace,
    private readonly writtenOffset: () => number,
  ) {}

  /** True when a synchronous read at that place will most likely not wait for the disk. */
  allowsSync(physicalOffset: number): boolean {
    return this.pace.allowsSync && this.writtenOffset() - physicalOffset < this.options.pageCacheBytes;
  }

  /**
   * The records at `offsets` (ascending) of `sizes`. Places where no such record stands are left out.
   *
   * @param place memory for them, `totalBytes` at most, when it needs no waiting
   */
  read(
    offsets: readonly number[],
    sizes: readonly number[],
    totalBytes: number,
    place?: (sizeBytes: number) => RecordPlace | undefined,
  ): RecordSlices | Promise<RecordSlices> {
    const runs = this.located;
    const found = this.locate(offsets, sizes);
    if (found < offsets.length) return this.readMissing(offsets, sizes, regionsOf(runs), found);
    const target = place?.(totalBytes);
    let slices: RecordSlices;
    if (target === undefined) slices = this.slice(offsets, sizes, regionsOf(runs));
    else {
      slices = copyRecords(offsets, sizes, runs, target);
      for (const { region, copiedBytes } of runs)
        if (region instanceof CachedBlock) this.cache.served(region, copiedBytes);
    }
    runs.length = 0;
    return slices;
  }

  /** Bytes of the log as they stand in the file: at most `maxBytes`, not over the end of a segment; empty at the end of the log. */
  readRaw(physicalOffset: number, maxBytes: number): Buffer | Promise<Buffer> {
    const segment = this.segments.at(physicalOffset);
    const end = Math.min(this.writtenOffset(), physicalOffset + maxBytes, segment?.endOffset ?? 0);
    if (segment === undefined || end <= physicalOffset) return Buffer.alloc(0);
    const chunk = this.tail.find(physicalOffset, 1);
    if (chunk !== undefined) {
      const chunkEnd = Math.min(end, chunk.writtenOffset);
      return Buffer.from(chunk.buffer.subarray(physicalOffset - chunk.startOffset, chunkEnd - chunk.startOffset));
    }
    const range: RegionRead = { kind: 'range', fromOffset: physicalOffset, toOffset: end };
    if (this.allowsSync(physicalOffset)) return this.timed(() => this.loadSync(range))?.buffer ?? Buffer.alloc(0);
    return this.load(range).then((region) => region?.buffer ?? Buffer.alloc(0));
  }

  /**
   * Finds the memory of each record, as far as that takes no waiting: tail, cached block, or a block that the page cache has.
   *
   * @returns how many of the first records stand in {@link located} now
   */
  private locate(offsets: readonly number[], sizes: readonly number[]): number {
    const { located } = this;
    const count = offsets.length;
    located.length = 0;
    this.cache.startRead();
    let run: RecordRun | undefined;
    for (let i = 0; i < count; i++) {
      const offset = offsets[i];
      if (run !== undefined && offset >= run.startOffset && offset + sizes[i] <= run.endOffset) {
        run.to = i + 1;
        continue;
      }
      run = this.runAt(offset, sizes[i], offsets, i + 1);
      if (run === undefined) break;
      located.push(run);
    }
    return located.length === 0 ? 0 : located[located.length - 1].to;
  }

  private runAt(offset: number, sizeBytes: number, offsets: readonly number[], to: number): RecordRun | undefined {
    const { tail } = this;
    const chunk = tail.find(offset, sizeBytes);
    if (chunk !== undefined) {
      tail.markUsed();
      return new RecordRun(chunk, chunk.endOffset, to);
    }
    const block = this.blockOf(offset, sizeBytes, offsets);
    return block === undefined ? undefined : new RecordRun(block, block.startOffset + block.buffer.length, to);
  }

  /** The block of a record, from the cache or by a read on the event loop; undefined when neither will do. */
  private blockOf(offset: number, sizeBytes: number, offsets: readonly number[]): CachedBlock | undefined {
    const { cache } = this;
    const blockStart = cache.blockStart(offset);
    if (!cache.holdsWhole(blockStart, offset, sizeBytes)) return undefined;
    const cached = cache.get(blockStart);
    if (cached !== undefined) return cached;
    const isSparse = offsets[offsets.length - 1] - offsets[0] > this.options.sparseBytes * offsets.length;
    if (isSparse || !this.allowsSync(offset) || !cache.isComplete(blockStart, this.writtenOffset())) return undefined;
    return this.timed(() => cache.loadSync(blockStart));
  }

  private readMissing(
    offsets: readonly number[],
    sizes: readonly number[],
    regions: (LogBlock | undefined)[],
    first: number,
  ): RecordSlices | Promise<RecordSlices> {
    for (let i = first; i < offsets.length; i++) regions.push(this.tail.find(offsets[i], sizes[i]));
    const plan = this.planReads(offsets, sizes, regions, first);
    const loads: { read: RegionRead; from: number; to: number }[] = [];
    for (const entry of plan) {
      const cached = entry.read.kind === 'block' ? this.cache.get(entry.read.blockStart) : undefined;
      if (cached === undefined) loads.push(entry);
      else fillRegions(regions, entry, cached);
    }
    if (loads.length === 0) return this.slice(offsets, sizes, regions);
    if (this.allowsSync(offsets[first])) {
      this.timed(() => {
        for (const entry of loads) fillRegions(regions, entry, this.loadSync(entry.read));
      });
      return this.slice(offsets, sizes, regions);
    }
    return this.waitFor(loads, regions).then((held) => {
      const slices = this.slice(offsets, sizes, regions);
      for (const block of held) this.cache.release(block);
      return slices;
    });
  }

  private slice(
    offsets: readonly number[],
    sizes: readonly number[],
    regions: readonly (LogBlock | undefined)[],
  ): RecordSlices {
    for (let i = 0; i < regions.length; i++) {
      const region = regions[i];
      if (region instanceof CachedBlock) this.cache.served(region, sizes[i]);
    }
    return toSlices(offsets, sizes, regions);
  }

  /** Loads what is missing off the event loop. @returns the blocks that are held, for the caller to release. */
  private async waitFor(
    loads: readonly { read: RegionRead; from: number; to: number }[],
    regions: (LogBlock | undefined)[],
  ): Promise<Set<CachedBlock>> {
    // Until all is there, nothing else may be put into these buffers.
    const held = new Set<CachedBlock>();
    for (const region of regions) {
      if (region instanceof LogChunk) region.shared = true;
      else if (region instanceof CachedBlock) held.add(region);
    }
    for (const block of held) this.cache.hold(block);
    const running = loads.map(async (entry) => {
      const region = await this.load(entry.read);
      if (region instanceof CachedBlock) held.add(region);
      fillRegions(regions, entry, region);
    });
    for (const { read } of loads) if (read.kind === 'block') this.ahead.missed(read.blockStart);
    const results = await Promise.allSettled(running);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return held;
    for (const block of held) this.cache.release(block);
    throw failed.reason;
  }

  /** Which reads bring the records that are not in the tail; each covers the records `[from, to)` as far as they have no region. */
  private planReads(
    offsets: readonly number[],
    sizes: readonly number[],
    regions: readonly (LogBlock | undefined)[],
    first: number,
  ): { read: RegionRead; from: number; to: number }[] {
    const plan: { read: RegionRead; from: number; to: number }[] = [];
    let last = first;
    let count = 0;
    for (let i = first; i < offsets.length; i++) {
      if (regions[i] !== undefined) continue;
      last = i;
      count++;
    }
    const isSparse = offsets[last] - offsets[first] > this.options.sparseBytes * count;
    for (let i = first; i <= last;) {
      if (regions[i] !== undefined) {
        i++;
        continue;
      }
      const blockStart = this.cache.blockStart(offsets[i]);
      const isInOneBlock = this.cache.holdsWhole(blockStart, offsets[i], sizes[i]);
      let to = i + 1;
      if (!isSparse && isInOneBlock) {
        // Ascending: a damaged entry may point anywhere.
        while (
          to <= last &&
          regions[to] === undefined &&
          offsets[to] >= offsets[to - 1] + sizes[to - 1] &&
          this.cache.holdsWhole(blockStart, offsets[to], sizes[to])
        )
          to++;
      }
      const isBlock = !isSparse && isInOneBlock && this.cache.isComplete(blockStart, this.writtenOffset());
      const read: RegionRead = isBlock
        ? { kind: 'block', blockStart }
        : { kind: 'range', fromOffset: offsets[i], toOffset: offsets[to - 1] + sizes[to - 1] };
      plan.push({ read, from: i, to });
      i = to;
    }
    return plan;
  }

  private loadSync(read: RegionRead): LogBlock | undefined {
    if (read.kind === 'block') return this.cache.loadSync(read.blockStart);
    const segment = this.segments.at(read.fromOffset);
    if (segment === undefined) return undefined;
    const buffer = Buffer.allocUnsafeSlow(read.toOffset - read.fromOffset);
    const position = read.fromOffset - segment.startOffset;
    const length = readFullySync(this.handles.open(segment.path), buffer, 0, buffer.length, position);
    return length < buffer.length ? undefined : { buffer, view: viewOf(buffer), startOffset: read.fromOffset };
  }

  private async load(read: RegionRead): Promise<LogBlock | undefined> {
    if (read.kind === 'block') return this.cache.load(read.blockStart);
    return this.gate.run(() => this.loadRange(read.fromOffset, read.toOffset));
  }

  private async loadRange(fromOffset: number, toOffset: number): Promise<LogBlock | undefined> {
    const segment = this.segments.at(fromOffset);
    if (segment === undefined) return undefined;
    const buffer = Buffer.allocUnsafeSlow(toOffset - fromOffset);
    const lease = this.handles.retain(segment.path);
    try {
      const length = await readFully(lease.file, buffer, 0, buffer.length, fromOffset - segment.startOffset);
      return length < buffer.length ? undefined : { buffer, view: viewOf(buffer), startOffset: fromOffset };
    } finally {
      lease.release();
    }
  }

  private timed<T>(work: () => T): T {
    const startMs = this.clock.monotonicMs();
    const result = work();
    this.pace.note(this.clock.monotonicMs() - startMs);
    return result;
  }
}

/** The memory of each record. */
function regionsOf(runs: readonly RecordRun[]): LogBlock[] {
  const regions: LogBlock[] = [];
  for (const { region, to } of runs) while (regions.length < to) regions.push(region);
  return regions;
}

function fillRegions(
  regions: (LogBlock | undefined)[],
  { from, to }: { from: number; to: number },
  region: LogBlock | undefined,
): void {
  for (let i = from; i < to; i++) regions[i] = region;
}
