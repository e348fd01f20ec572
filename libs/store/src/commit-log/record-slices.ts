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

/** Cuts the records out of their regions; neighbours in one region become one slice. What lies in cached blocks is copied. */
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

/** Copies the records to their place, one behind the other; neighbours in one region by one copy. */
export function copyRecords(
  offsets: readonly number[],
  sizes: readonly number[],
  regions: readonly LogBlock[],
  { bytes, at }: RecordPlace,
): RecordSlices {
  let messageCount = 0;
  let end = at;
  let run: LogBlock | undefined;
  let runStart = 0;
  let runEnd = 0;
  for (let i = 0; i < offsets.length; i++) {
    const region = regions[i];
    const start = offsets[i] - region.startOffset;
    if (!looksLikeRecord(region.buffer, start, sizes[i])) continue;
    messageCount++;
    if (region !== run || start !== runEnd) {
      if (run !== undefined) {
        bytes.set(run.buffer.subarray(runStart, runEnd), end);
        end += runEnd - runStart;
      }
      run = region;
      runStart = start;
    }
    runEnd = start + sizes[i];
  }
  if (run !== undefined) {
    bytes.set(run.buffer.subarray(runStart, runEnd), end);
    end += runEnd - runStart;
  }
  return { records: [], messageCount, sizeBytes: end - at };
}
