import type { RecordPlace } from '../types.js';
import { LogChunk } from './log-chunk.js';
import { CachedBlock, type LogBlock } from './read-cache.js';
import { looksLikeRecord } from './record-check.js';

/** Records as slices of the log, or without them when they were copied to a place of the caller. */
export interface RecordSlices {
  readonly records: Buffer[];
  readonly messageCount: number;
  readonly sizeBytes: number;
}

/** Cuts the records out of their regions; neighbours in one region become one slice. What lies in memory that will be used again is copied. */
export function toSlices(
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
    const at = (offsets[i] - region.startOffset) | 0;
    if (!looksLikeRecord(region.view, at, sizes[i])) continue;
    messageCount++;
    sizeBytes += sizes[i];
    if (region === runRegion && at === runEnd) {
      runEnd += sizes[i];
      continue;
    }
    if (runRegion !== undefined) records.push(runRegion.buffer.subarray(runStart, runEnd));
    copied ||= region instanceof CachedBlock || region instanceof LogChunk;
    runRegion = region;
    runStart = at;
    runEnd = at + sizes[i];
  }
  if (runRegion !== undefined) records.push(runRegion.buffer.subarray(runStart, runEnd));
  return { records: copied ? [Buffer.concat(records, sizeBytes)] : records, messageCount, sizeBytes };
}

/**
 * Records one behind the other in the list of those that are read, in one piece of memory. The same shape wherever that comes from, so that what V8 compiled
 * for blocks is not thrown away once a reader reaches the tail.
 */
export class RecordRun {
  readonly buffer: Buffer;
  readonly view: DataView;
  readonly startOffset: number;
  /** Of those that were copied. */
  copiedBytes = 0;

  constructor(
    readonly region: LogBlock,
    readonly endOffset: number,
    /** Behind the last of them in the list. */
    public to: number,
  ) {
    this.buffer = region.buffer;
    this.view = region.view;
    this.startOffset = region.startOffset;
  }
}

/** Copies the records to their place, one behind the other; neighbours in one region by one copy. */
export function copyRecords(
  offsets: readonly number[],
  sizes: readonly number[],
  runs: readonly RecordRun[],
  { bytes, at }: RecordPlace,
): RecordSlices {
  let messageCount = 0;
  let end = at;
  let i = 0;
  for (const run of runs) {
    const { buffer, view, startOffset, to } = run;
    const runStart = end;
    let copyStart = 0;
    let copyEnd = 0;
    for (; i < to; i++) {
      // A whole number of 32 bits for V8 too, which physical offsets are not: every length that follows from it stays one.
      const start = (offsets[i] - startOffset) | 0;
      const sizeBytes = sizes[i];
      if (!looksLikeRecord(view, start, sizeBytes)) continue;
      messageCount++;
      if (start !== copyEnd) {
        if (copyEnd > copyStart) end = copyTo(bytes, end, buffer, copyStart, copyEnd);
        copyStart = start;
      }
      copyEnd = start + sizeBytes;
    }
    if (copyEnd > copyStart) end = copyTo(bytes, end, buffer, copyStart, copyEnd);
    run.copiedBytes = end - runStart;
  }
  return { records: [], messageCount, sizeBytes: end - at };
}

/** @returns the end of the copy. */
function copyTo(target: Buffer, targetStart: number, source: Buffer, start: number, end: number): number {
  target.set(source.subarray(start, end), targetStart);
  return targetStart + end - start;
}
