import type { LogScanner, RecordVisitor } from '../recovery/log-scanner.js';
import type { LogRow } from './store-survey.js';

/** A part of the log that is no row of whole records, within one segment. */
export interface DamagedRange {
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly reason: string;
  /** The file of the range does not exist. */
  readonly fileMissing: boolean;
  /** The range is the filler at the end of a segment, and nothing else. */
  readonly isFiller: boolean;
}

export interface LogWalkResult {
  /** Ranges before whole records. */
  readonly damaged: readonly DamagedRange[];
  /** Behind the last whole record. */
  readonly endOffset: number;
  /** What stands there. */
  readonly endReason: string;
  /** Behind the last byte that is not zero; `endOffset` when only zeros follow. */
  readonly nonZeroEnd: number;
}

/** More separate places of damage than this are not looked for: the rest of the log is then one damaged range. */
const MAX_DAMAGED_RANGES = 100_000;

/** Walks over a log from its start to its end, going on behind every damage. */
export async function walkLog(
  row: LogRow,
  scanner: LogScanner,
  visit: RecordVisitor,
  fromOffset = row.minOffset,
): Promise<LogWalkResult> {
  const damaged: DamagedRange[] = [];
  let offset = fromOffset;
  for (;;) {
    const end = await scanner.scan(offset, visit);
    offset = end.physicalOffset;
    const { recordOffset, nonZeroEnd } = await scanner.leftover(offset, damaged.length < MAX_DAMAGED_RANGES);
    if (recordOffset === undefined || damaged.length >= MAX_DAMAGED_RANGES) {
      return { damaged, endOffset: offset, endReason: end.reason, nonZeroEnd };
    }
    damaged.push(...(await rangesOf(row, scanner, offset, recordOffset, end.reason)));
    offset = recordOffset;
  }
}

async function rangesOf(
  row: LogRow,
  scanner: LogScanner,
  fromOffset: number,
  toOffset: number,
  reason: string,
): Promise<DamagedRange[]> {
  const ranges: DamagedRange[] = [];
  for (let from = fromOffset; from < toOffset;) {
    const segmentEnd = from - (from % row.segmentSizeBytes) + row.segmentSizeBytes;
    const to = Math.min(segmentEnd, toOffset);
    const fileMissing = row.at(from) === undefined;
    ranges.push({
      fromOffset: from,
      toOffset: to,
      reason: fileMissing ? 'the file is missing' : from === fromOffset ? reason : 'no whole record',
      fileMissing,
      isFiller: !fileMissing && to === segmentEnd && (await scanner.wasFiller(from)),
    });
    from = to;
  }
  return ranges;
}
