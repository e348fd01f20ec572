import { BLANK_MAGIC } from '@rocknest/protocol';
import { checkRecord } from '../commit-log/record-check.js';
import type { LogSegment } from '../commit-log/log-segment.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFully } from '../io/transfer.js';
import { lastNonZero } from '../io/zeros.js';

/** Where the row of whole records ends. */
export interface LogEnd {
  readonly physicalOffset: number;
  /** What stands there instead of a record. */
  readonly reason: string;
}

/** What lies behind the end of the row of whole records. */
export interface Leftover {
  /** Offset of the first whole record behind the end, or undefined: then nothing but a torn tail is there. */
  readonly recordOffset: number | undefined;
  /** Offset behind the last byte that is not zero; the end itself when only zeros follow. */
  readonly nonZeroEnd: number;
}

/** Sees each whole record. What it returns says why the record must not be believed after all: then the row ends before it. */
export type RecordVisitor = (buffer: Buffer, at: number, sizeBytes: number, physicalOffset: number) => string | void;

/** The bytes that both magic codes of a record begin with. */
const MAGIC_PREFIX = Buffer.from([0xda, 0xa3, 0x20]);
const MAGIC_AT = 4;

const FIRST_PIECE_BYTES = 64 * 1024;

/** Blocks of a file that hold no data (extent tree), or the last page's rest. */
const BLOCK_SLACK_BYTES = 1024 * 1024;
/** Searched in any case. */
const SPARSE_SEARCH_BYTES = 16 * 1024 * 1024;

/** Walks over the log record by record, checking each; reads large pieces off the event loop. */
export class LogScanner {
  private buffer = Buffer.alloc(0);

  constructor(
    private readonly segments: Pick<SegmentList, 'all' | 'at'>,
    private readonly handles: HandlePool,
    private readonly pieceBytes: number,
  ) {}

  /** Visits every record from `fromOffset` on, up to the first place where none stands. `fromOffset` must be the start of one, or the end. */
  async scan(fromOffset: number, visit: RecordVisitor): Promise<LogEnd> {
    let offset = fromOffset;
    for (;;) {
      const segment = this.segments.at(offset);
      if (segment === undefined) return { physicalOffset: offset, reason: 'the end of the last file' };
      const end = await this.scanSegment(segment, offset, visit);
      if (end.reason !== undefined) return { physicalOffset: end.physicalOffset, reason: end.reason };
      offset = segment.endOffset;
    }
  }

  /** The record at the offset, whole and valid, or undefined. Its bytes are valid until the next call. */
  async recordAt(physicalOffset: number): Promise<{ buffer: Buffer; sizeBytes: number } | undefined> {
    const segment = this.segments.at(physicalOffset);
    if (segment === undefined) return undefined;
    const segmentBytes = segment.endOffset - physicalOffset;
    let wanted = Math.min(4096, segmentBytes);
    for (;;) {
      const available = await this.fill(segment, physicalOffset, wanted);
      const check = checkRecord(this.buffer, 0, available, segmentBytes, physicalOffset);
      if (check.kind === 'record') return { buffer: this.buffer, sizeBytes: check.sizeBytes };
      if (check.kind !== 'partial' || available < wanted) return undefined;
      wanted = Math.min(check.neededBytes, segmentBytes);
    }
  }

  /**
   * Looks at all that follows the end of the row of whole records, to the end of the last file.
   *
   * @param stopAtRecord look no further than to the first whole record; `nonZeroEnd` is then of no use
   */
  async leftover(end: number, stopAtRecord = false): Promise<Leftover> {
    let nonZeroEnd = end;
    let recordOffset: number | undefined;
    for (const segment of this.segments.all) {
      if (segment.endOffset <= end) continue;
      const from = Math.max(end, segment.startOffset);
      const until = this.endOfLeftoverSearch(segment, from);
      for (let offset = from; offset < until;) {
        const length = Math.min(this.pieceBytes, until - offset);
        const available = await this.fill(segment, offset, length);
        const piece = this.buffer.subarray(0, available);
        const last = lastNonZero(piece);
        if (last >= 0) nonZeroEnd = offset + last + 1;
        if (last >= 0 && recordOffset === undefined) recordOffset = await this.findRecord(piece, offset, end);
        if (recordOffset !== undefined && stopAtRecord) return { recordOffset, nonZeroEnd };
        if (available < length) break;
        // Pieces overlap by what a magic code needs, so that none is missed at a border.
        offset += offset + length >= until ? length : length - MAGIC_PREFIX.length - MAGIC_AT;
      }
    }
    return { recordOffset, nonZeroEnd };
  }

  /** True when one of the two fields of a filler from there to the end of the segment is still right: no record stood there. */
  async wasFiller(physicalOffset: number): Promise<boolean> {
    const segment = this.segments.at(physicalOffset);
    if (segment === undefined || (await this.fill(segment, physicalOffset, 8)) < 8) return false;
    const isSizeRight = this.buffer.readInt32BE(0) === segment.endOffset - physicalOffset;
    return isSizeRight || this.buffer.readInt32BE(4) === BLANK_MAGIC;
  }

  /**
   * How far a segment must be searched. Reading the hole of a sparse file takes seconds for each GiB, so it is spared where the
   * blocks that the file takes are accounted for by the log before `from`. On a file system that compresses, they never are.
   */
  private endOfLeftoverSearch(segment: LogSegment, from: number): number {
    const { allocatedBytes } = this.handles.open(segment.path).stat();
    if (allocatedBytes === 0) return from;
    const logBytes = from - segment.startOffset;
    const isAccountedFor = allocatedBytes >= logBytes && allocatedBytes <= logBytes + BLOCK_SLACK_BYTES;
    return isAccountedFor ? Math.min(from + SPARSE_SEARCH_BYTES, segment.endOffset) : segment.endOffset;
  }

  private async findRecord(piece: Buffer, pieceOffset: number, end: number): Promise<number | undefined> {
    const candidates: number[] = [];
    for (let hit = piece.indexOf(MAGIC_PREFIX); hit >= 0; hit = piece.indexOf(MAGIC_PREFIX, hit + 1)) {
      const offset = pieceOffset + hit - MAGIC_AT;
      // What begins at the end itself was looked at, and not believed.
      if (offset <= end) continue;
      // Text or bodies may hold the magic; a record also states its own offset.
      const statedAt = hit - MAGIC_AT + 28;
      const isWholeHead = statedAt >= 0 && statedAt + 8 <= piece.length;
      if (isWholeHead && piece.readUInt32BE(statedAt) * 0x1_0000_0000 + piece.readUInt32BE(statedAt + 4) !== offset)
        continue;
      candidates.push(offset);
    }
    for (const offset of candidates) {
      const found = await new LogScanner(this.segments, this.handles, 4096).recordAt(offset);
      if (found !== undefined) return offset;
    }
    return undefined;
  }

  private async scanSegment(
    segment: LogSegment,
    fromOffset: number,
    visit: RecordVisitor,
  ): Promise<{ physicalOffset: number; reason: string | undefined }> {
    let offset = fromOffset;
    let bufferStart = offset;
    let available = 0;
    // After a clean stop there is nothing to read: begin small.
    let pieceBytes = Math.min(FIRST_PIECE_BYTES, this.pieceBytes);
    for (;;) {
      const check = checkRecord(
        this.buffer,
        offset - bufferStart,
        bufferStart + available - offset,
        segment.endOffset - offset,
        offset,
      );
      if (check.kind === 'record') {
        const reason = visit(this.buffer, offset - bufferStart, check.sizeBytes, offset);
        if (typeof reason === 'string') return { physicalOffset: offset, reason };
        offset += check.sizeBytes;
      } else if (check.kind === 'blank') {
        return { physicalOffset: segment.endOffset, reason: undefined };
      } else if (check.kind === 'invalid') {
        return { physicalOffset: offset, reason: check.reason };
      } else {
        const length = Math.min(Math.max(pieceBytes, check.neededBytes), segment.endOffset - offset);
        pieceBytes = Math.min(pieceBytes * 2, this.pieceBytes);
        bufferStart = offset;
        available = await this.fill(segment, offset, length);
        if (available < Math.min(check.neededBytes, length))
          return { physicalOffset: offset, reason: 'the end of the file' };
      }
    }
  }

  /** Reads into the start of the buffer, which grows when it is too small. @returns the bytes read. */
  private async fill(segment: LogSegment, physicalOffset: number, length: number): Promise<number> {
    if (length > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(length);
    const lease = this.handles.retain(segment.path);
    try {
      return await readFully(lease.file, this.buffer, 0, length, physicalOffset - segment.startOffset);
    } finally {
      lease.release();
    }
  }
}
