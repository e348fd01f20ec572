import { BLANK_MAGIC, MAGIC_V1, MAGIC_V2, MessageLayout } from '@rocknest/protocol';
import { MIN_RECORD_BYTES } from '../commit-log/record-check.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { TailCache } from '../commit-log/tail-cache.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFully } from '../io/transfer.js';
import type { StoreLogger } from '../types.js';
import { viewOf } from './index-layout.js';
import type { KeyBatch } from './key-batch.js';
import { addRecordKeys } from './record-keys.js';

/** Bytes of the log that stand in memory. */
interface LogPiece {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Physical offset of the first byte. */
  readonly startOffset: number;
  /** Behind the last byte. */
  readonly endOffset: number;
}

export interface LogCursorOptions {
  /** Bytes of a read from the file. */
  readonly readBytes: number;
  /** Bytes of log that one call of `fill` goes over at most. */
  readonly sliceBytes: number;
}

const RECORD_HEAD_BYTES = 8;

/**
 * Goes over the log, record by record, and hashes the keys: from the tail cache where the log still is in memory, else from the file, off
 * the event loop. It trusts what recovery has checked, and steps over what is no record all the same.
 */
export class LogCursor {
  /** Physical offset of the next record. */
  offset = 0;
  /** Messages gone over. */
  messages = 0;
  private filePiece: LogPiece | undefined = undefined;

  constructor(
    private readonly options: LogCursorOptions,
    private readonly tail: TailCache,
    private readonly segments: SegmentList,
    private readonly handles: HandlePool,
    private readonly logger: StoreLogger,
  ) {}

  /** Adds the keys of the next messages before `endOffset`, until the batch is full or a slice of the log is done. */
  fill(batch: KeyBatch, endOffset: number): void | Promise<void> {
    if (this.offset < this.segments.minOffset) this.offset = this.segments.minOffset;
    const chunk = this.tail.find(this.offset, 1);
    if (chunk !== undefined) {
      this.filePiece = undefined;
      const written = Math.min(chunk.writtenOffset, endOffset);
      this.go({ bytes: chunk.buffer, view: chunk.view, startOffset: chunk.startOffset, endOffset: written }, batch);
      return;
    }
    return this.fillFromFile(batch, endOffset);
  }

  /** Gives back the buffer that the file was read into. */
  release(): void {
    this.filePiece = undefined;
  }

  private async fillFromFile(batch: KeyBatch, endOffset: number): Promise<void> {
    const held = this.filePiece;
    let wanted = this.options.readBytes;
    if (held !== undefined && this.offset >= held.startOffset && this.offset < held.endOffset) {
      const before = this.offset;
      this.go(held, batch);
      if (this.offset > before) return;
      wanted = Math.max(wanted, this.sizeAt(held));
    }
    const piece = await this.read(wanted, endOffset);
    if (piece === undefined) {
      this.skipSegment('the file ends', endOffset);
      return;
    }
    const before = this.offset;
    this.go(piece, batch);
    if (this.offset > before) return;
    const needed = this.sizeAt(piece);
    const got = piece.endOffset - piece.startOffset;
    // A record larger than a piece: its size stands at its start.
    if (needed > got && needed <= this.segments.segmentSizeBytes) {
      const whole = await this.read(needed, endOffset);
      if (whole !== undefined) this.go(whole, batch);
    }
    if (this.offset === before) this.skipSegment('no whole record stands there', endOffset);
  }

  private async read(sizeBytes: number, endOffset: number): Promise<LogPiece | undefined> {
    const segment = this.segments.at(this.offset);
    if (segment === undefined) return undefined;
    // The filler behind the last record of a segment is never dispatched, so `endOffset` may lie in the next one.
    const length = Math.min(sizeBytes, segment.endOffset - this.offset, endOffset - this.offset);
    const bytes = Buffer.allocUnsafeSlow(length);
    const lease = this.handles.retain(segment.path);
    try {
      const read = await readFully(lease.file, bytes, 0, length, this.offset - segment.startOffset);
      if (read === 0) return undefined;
      this.filePiece = { bytes, view: viewOf(bytes), startOffset: this.offset, endOffset: this.offset + read };
      return this.filePiece;
    } finally {
      lease.release();
    }
  }

  private sizeAt(piece: LogPiece): number {
    const at = this.offset - piece.startOffset;
    return piece.endOffset - this.offset < 4 ? RECORD_HEAD_BYTES : piece.view.getInt32(at);
  }

  /** Goes over the whole records of a piece. */
  private go(piece: LogPiece, batch: KeyBatch): void {
    const { bytes, view, startOffset, endOffset } = piece;
    const stopAt = Math.min(endOffset, this.offset + this.options.sliceBytes);
    while (this.offset < stopAt && !batch.isFull) {
      const at = this.offset - startOffset;
      const available = endOffset - this.offset;
      if (available < RECORD_HEAD_BYTES) return;
      const sizeBytes = view.getInt32(at);
      const magic = view.getInt32(at + MessageLayout.MAGIC);
      if (magic === BLANK_MAGIC) {
        this.offset = this.nextSegment();
        return;
      }
      if ((magic !== MAGIC_V1 && magic !== MAGIC_V2) || sizeBytes < MIN_RECORD_BYTES) {
        this.skipSegment('no record stands there', Infinity);
        return;
      }
      if (sizeBytes > available) return;
      if (!addRecordKeys(bytes, view, at, sizeBytes, magic, this.offset, batch)) {
        this.skipSegment('the lengths of the record do not add up', Infinity);
        return;
      }
      this.messages++;
      this.offset += sizeBytes;
    }
  }

  private nextSegment(): number {
    const size = this.segments.segmentSizeBytes;
    return this.offset - (this.offset % size) + size;
  }

  /** RocketMQ skips to the next file as well (ReputMessageService). */
  private skipSegment(reason: string, endOffset: number): void {
    const next = Math.min(this.nextSegment(), endOffset);
    this.logger.error(
      `index: ${reason}, at offset ${this.offset} of the log; messages up to ${next} cannot be found by key`,
    );
    this.offset = next;
  }
}
