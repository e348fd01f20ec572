import { checkRecord } from '../commit-log/record-check.js';
import { MAX_RAW_RECORD_BYTES } from '../defaults.js';
import { StoreError } from '../errors.js';

/** What whole pieces of a log are given to. Offsets rise without a gap. */
export interface RawLogSink {
  /** A whole record that was checked. The bytes are valid within the call only. */
  record(bytes: Buffer, at: number, sizeBytes: number, physicalOffset: number): void;
  /** Bytes behind the head of a filler that are not zeros. */
  padding(bytes: Buffer, physicalOffset: number): void;
  /** A filler, whose padding has all been given. */
  blank(physicalOffset: number, sizeBytes: number): void;
}

const BLANK_HEAD_BYTES = 8;
const NOTHING = Buffer.alloc(0);
/** A buffer for a larger record than this is given back at once. */
const MAX_KEPT_BYTES = 256 * 1024;

/**
 * Cuts a stream of log bytes, which comes in pieces of any size, into whole records, and checks each (magic, lengths, body CRC, its own offset): what
 * reaches the log is never half a record, and never one of another place. At most one record is held back.
 */
export class RawLogCutter {
  /** The start of a record whose end has not come yet. */
  private partial = NOTHING;
  private partialBytes = 0;
  /** Where the filler that is being received begins, or -1. */
  private blankOffset = -1;
  /** Behind the last byte that was fed. */
  offset = 0;

  constructor(
    private readonly segmentSizeBytes: number,
    private readonly sink: RawLogSink,
  ) {}

  /** Forgets what is not whole, and goes on at an offset. */
  restart(physicalOffset: number): void {
    this.offset = physicalOffset;
    this.partial = NOTHING;
    this.partialBytes = 0;
    this.blankOffset = -1;
  }

  /** @throws StoreError STORE_REPLICA_DAMAGED for what is no log; everything before it was given to the sink. */
  feed(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.blankOffset >= 0) at = this.feedPadding(bytes, at);
      else if (this.partialBytes > 0) at = this.completePartial(bytes, at);
      else at = this.feedRecords(bytes, at);
    }
  }

  /** Takes whole records straight from the bytes; keeps the rest. */
  private feedRecords(bytes: Buffer, start: number): number {
    let at = start;
    while (at < bytes.length) {
      const neededBytes = this.take(bytes, at, bytes.length - at, this.offset);
      if (neededBytes <= 0) {
        this.offset -= neededBytes;
        at -= neededBytes;
        if (this.blankOffset >= 0) return at;
        continue;
      }
      this.keep(bytes, at, bytes.length, neededBytes);
      return bytes.length;
    }
    return at;
  }

  private completePartial(bytes: Buffer, at: number): number {
    const recordOffset = this.offset - this.partialBytes;
    // Only what needs more was kept, and never more than was needed.
    const neededBytes = this.take(this.partial, 0, this.partialBytes, recordOffset);
    const end = Math.min(bytes.length, at + neededBytes - this.partialBytes);
    this.keep(bytes, at, end, neededBytes);
    if (this.partialBytes < neededBytes) return end;
    if (this.take(this.partial, 0, this.partialBytes, recordOffset) <= 0) {
      this.partialBytes = 0;
      if (this.partial.length > MAX_KEPT_BYTES) this.partial = NOTHING;
    }
    return end;
  }

  private keep(bytes: Buffer, from: number, to: number, neededBytes: number): void {
    if (this.partial.length < neededBytes) {
      const grown = Buffer.allocUnsafeSlow(neededBytes);
      this.partial.copy(grown, 0, 0, this.partialBytes);
      this.partial = grown;
    }
    this.partialBytes += bytes.copy(this.partial, this.partialBytes, from, to);
    this.offset += to - from;
  }

  /** @returns the bytes taken as a number of 0 or less, or how many a record there needs. */
  private take(bytes: Buffer, at: number, availableBytes: number, physicalOffset: number): number {
    const segmentBytes = this.segmentSizeBytes - (physicalOffset % this.segmentSizeBytes);
    const check = checkRecord(bytes, at, availableBytes, segmentBytes, physicalOffset);
    if (check.kind === 'record') {
      this.sink.record(bytes, at, check.sizeBytes, physicalOffset);
      return -check.sizeBytes;
    }
    if (check.kind === 'blank') {
      this.blankOffset = physicalOffset;
      if (segmentBytes === BLANK_HEAD_BYTES) this.endBlank(physicalOffset + BLANK_HEAD_BYTES);
      return -BLANK_HEAD_BYTES;
    }
    if (check.kind === 'invalid') throw this.damaged(physicalOffset, check.reason);
    if (check.neededBytes > MAX_RAW_RECORD_BYTES)
      throw this.damaged(
        physicalOffset,
        `a record of ${check.neededBytes} bytes, at most ${MAX_RAW_RECORD_BYTES} are taken`,
      );
    return check.neededBytes;
  }

  private feedPadding(bytes: Buffer, at: number): number {
    const segmentEnd = this.blankOffset - (this.blankOffset % this.segmentSizeBytes) + this.segmentSizeBytes;
    const end = Math.min(bytes.length, at + segmentEnd - this.offset);
    const piece = bytes.subarray(at, end);
    // Zeros are what the file has there anyway.
    if (piece.some((byte) => byte !== 0)) this.sink.padding(piece, this.offset);
    this.offset += end - at;
    if (this.offset === segmentEnd) this.endBlank(segmentEnd);
    return end;
  }

  private endBlank(segmentEnd: number): void {
    const { blankOffset } = this;
    this.blankOffset = -1;
    this.sink.blank(blankOffset, segmentEnd - blankOffset);
  }

  private damaged(physicalOffset: number, reason: string): StoreError {
    return new StoreError(
      'STORE_REPLICA_DAMAGED',
      `What came for offset ${physicalOffset} of the log is no message: ${reason}. Nothing from there on was stored. The log of the master may be damaged ` +
        '("rocknest store verify" tells), or its mappedFileSizeCommitLog differs from that of this store ' +
        `(${this.segmentSizeBytes} bytes), or the two stores have different histories.`,
      { physicalOffset, reason, segmentSizeBytes: this.segmentSizeBytes },
    );
  }
}
