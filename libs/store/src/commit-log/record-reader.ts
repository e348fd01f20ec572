import type { Clock } from '../io/clock.js';
import type { HandlePool } from '../io/handle-pool.js';
import type { IoPace } from '../io/io-pace.js';
import { readFully, readFullySync } from '../io/transfer.js';
import { LogChunk } from './log-chunk.js';
import { CachedBlock, type LogBlock, type ReadCache } from './read-cache.js';
import { looksLikeRecord } from './record-check.js';
import type { SegmentList } from './segment-list.js';
import type { TailCache } from './tail-cache.js';

export interface RecordReaderOptions {
  /** Records further apart than this on average are read one by one. */
  readonly sparseBytes: number;
  /** Log behind the end that the page cache is taken to hold. */
  readonly pageCacheBytes: number;
}

/** Records as slices of the log. */
export interface RecordSlices {
  readonly records: Buffer[];
  readonly messageCount: number;
  readonly sizeBytes: number;
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
  constructor(
    private readonly options: RecordReaderOptions,
    private readonly tail: TailCache,
    private readonly cache: ReadCache,
    private readonly segments: SegmentList,
    private readonly handles: HandlePool,
    private readonly clock: Clock,
    private readonly pace: IoPace,
    private readonly writtenOffset: () => number,
  ) {}

  /** True when a synchronous read at that place will most likely not wait for the disk. */
  allowsSync(physicalOffset: number): boolean {
    return this.pace.allowsSync && this.writtenOffset() - physicalOffset <= this.options.pageCacheBytes;
  }

  /** The records at `offsets` (ascending) of `sizes`. Places where no such record stands are left out. */
  read(offsets: readonly number[], sizes: readonly number[]): RecordSlices | Promise<RecordSlices> {
    const regions = new Array<LogBlock | undefined>(offsets.length);
    let missing = -1;
    for (let i = 0; i < offsets.length; i++) {
      const region = this.tail.find(offsets[i], sizes[i]);
      if (region !== undefined) regions[i] = region;
      else if (missing < 0) missing = i;
    }
    if (missing < 0) {
      this.tail.markUsed();
      return toSlices(offsets, sizes, regions);
    }
    return this.readMissing(offsets, sizes, regions, missing);
  }

  /** Bytes of the log as they stand in the file: at most `maxBytes`, not over the end of a segment; empty at the end of the log. */
  readRaw(physicalOffset: number, maxBytes: number): Buffer | Promise<Buffer> {
    const segment = this.segments.at(physicalOffset);
    const end = Math.min(this.writtenOffset(), physicalOffset + maxBytes, segment?.endOffset ?? 0);
    if (segment === undefined || end <= physicalOffset) return Buffer.alloc(0);
    const chunk = this.tail.find(physicalOffset, 1);
    if (chunk !== undefined) {
      const chunkEnd = Math.min(end, chunk.writtenOffset);
      chunk.shared = true;
      return chunk.buffer.subarray(physicalOffset - chunk.startOffset, chunkEnd - chunk.startOffset);
    }
    const range: RegionRead = { kind: 'range', fromOffset: physicalOffset, toOffset: end };
    if (this.allowsSync(physicalOffset)) return this.timed(() => this.loadSync(range))?.buffer ?? Buffer.alloc(0);
    return this.load(range).then((region) => region?.buffer ?? Buffer.alloc(0));
  }

  private readMissing(
    offsets: readonly number[],
    sizes: readonly number[],
    regions: (LogBlock | undefined)[],
    first: number,
  ): RecordSlices | Promise<RecordSlices> {
    const plan = this.planReads(offsets, sizes, regions, first);
    const loads: { read: RegionRead; from: number; to: number }[] = [];
    this.cache.startRead();
    for (const entry of plan) {
      const cached = entry.read.kind === 'block' ? this.cache.get(entry.read.blockStart) : undefined;
      if (cached === undefined) loads.push(entry);
      else fillRegions(regions, entry, cached);
    }
    if (loads.length === 0) return toSlices(offsets, sizes, regions);
    if (this.allowsSync(offsets[first])) {
      this.timed(() => {
        for (const entry of loads) fillRegions(regions, entry, this.loadSync(entry.read));
      });
      return toSlices(offsets, sizes, regions);
    }
    // Until the other reads are done, no other block may be read into these buffers.
    for (const region of regions) if (region instanceof CachedBlock) region.isRecyclable = false;
    const running = loads.map(async (entry) => {
      fillRegions(regions, entry, await this.load(entry.read));
    });
    return Promise.all(running).then(() => toSlices(offsets, sizes, regions));
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
      const isInOneBlock = this.cache.blockStart(offsets[i] + sizes[i] - 1) === blockStart;
      let to = i + 1;
      if (!isSparse && isInOneBlock) {
        const inBlock = (j: number): boolean => this.cache.blockStart(offsets[j] + sizes[j] - 1) === blockStart;
        while (to <= last && regions[to] === undefined && inBlock(to)) to++;
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
    return length < buffer.length ? undefined : { buffer, startOffset: read.fromOffset };
  }

  private async load(read: RegionRead): Promise<LogBlock | undefined> {
    if (read.kind === 'block') return this.cache.load(read.blockStart);
    const segment = this.segments.at(read.fromOffset);
    if (segment === undefined) return undefined;
    const buffer = Buffer.allocUnsafeSlow(read.toOffset - read.fromOffset);
    const lease = this.handles.retain(segment.path);
    try {
      const length = await readFully(lease.file, buffer, 0, buffer.length, read.fromOffset - segment.startOffset);
      return length < buffer.length ? undefined : { buffer, startOffset: read.fromOffset };
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

function fillRegions(
  regions: (LogBlock | undefined)[],
  { from, to }: { from: number; to: number },
  region: LogBlock | undefined,
): void {
  for (let i = from; i < to; i++) regions[i] = region;
}

/** Cuts the records out of their regions; neighbours in one region become one slice. What lies in cached blocks is copied. */
function toSlices(
  offsets: readonly number[],
  sizes: readonly number[],
  regions: readonly (LogBlock | undefined)[],
): RecordSlices {
  const records: Buffer[] = [];
  let messageCount = 0;
  let sizeBytes = 0;
  let runRegion: LogBlock | undefined;
  let runStart = 0;
  let runEnd = 0;
  let copied = false;
  for (let i = 0; i < offsets.length; i++) {
    const region = regions[i];
    if (region === undefined) continue;
    const at = offsets[i] - region.startOffset;
    if (!looksLikeRecord(region.buffer, at, sizes[i])) continue;
    messageCount++;
    sizeBytes += sizes[i];
    if (region === runRegion && at === runEnd) {
      runEnd += sizes[i];
      continue;
    }
    if (runRegion !== undefined) records.push(runRegion.buffer.subarray(runStart, runEnd));
    if (region instanceof LogChunk) region.shared = true;
    else copied ||= region instanceof CachedBlock;
    runRegion = region;
    runStart = at;
    runEnd = at + sizes[i];
  }
  if (runRegion !== undefined) records.push(runRegion.buffer.subarray(runStart, runEnd));
  return { records: copied ? [Buffer.concat(records, sizeBytes)] : records, messageCount, sizeBytes };
}
