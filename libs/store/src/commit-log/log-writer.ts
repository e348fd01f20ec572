import type { Clock } from '../io/clock.js';
import type { StoreFile } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import type { IoPace } from '../io/io-pace.js';
import { readFullySync, writeFully, writeFullySync } from '../io/transfer.js';
import { isZeros } from '../io/zeros.js';
import { StoreError } from '../errors.js';
import type { LogChunk } from './log-chunk.js';
import type { LogSegment } from './log-segment.js';
import type { SegmentList } from './segment-list.js';

/** Bytes of a segment that a failed write may have touched. */
export interface DirtyRange {
  readonly segment: LogSegment;
  readonly fromPosition: number;
  readonly toPosition: number;
}

/** A write that failed, and where its bytes may stand. */
export interface WriteFailure {
  readonly error: Error;
  readonly dirty: DirtyRange;
}

export interface LogWriterEvents {
  /** The segment got bytes: it needs an fdatasync. */
  dirty(segment: LogSegment): void;
  /** Called before the writer's caller hears of it. */
  failed(failure: WriteFailure): void;
}

/** What is written of one chunk in one go. */
interface ChunkWrite {
  readonly chunk: LogChunk;
  readonly segment: LogSegment;
  readonly fromBytes: number;
  readonly toBytes: number;
  readonly endsSegment: boolean;
}

const WIPE_PIECE_BYTES = 64 * 1024;

/**
 * Puts the unwritten bytes of chunks into their segments, in order: synchronously when they are few and the disk is quick, else
 * off the event loop. It knows how far the log is written.
 */
export class LogWriter {
  /** Physical offset up to which everything is written. */
  writtenOffset = 0;
  /** Since when an asynchronous write runs, or undefined. */
  writingSinceMs: number | undefined = undefined;

  constructor(
    private readonly segments: SegmentList,
    private readonly handles: HandlePool,
    private readonly clock: Clock,
    private readonly pace: IoPace,
    private readonly syncWriteMaxBytes: number,
    private readonly events: LogWriterEvents,
  ) {}

  /** Writes what the chunks hold now. `done` is called before it returns when the write was synchronous. */
  write(chunks: readonly LogChunk[], done: (failure: WriteFailure | undefined) => void): void {
    let totalBytes = 0;
    for (const chunk of chunks) totalBytes += chunk.lengthBytes - chunk.writtenBytes;
    if (totalBytes <= this.syncWriteMaxBytes && this.pace.allowsSync) this.writeSync(chunks, done);
    else this.writeAsync(chunks, done);
  }

  /**
   * Makes the range read as zeros again, all at once, whatever the disk or a death of the process interrupts: what would be left of zeros written over it is records behind
   * a gap. It needs no space. Nothing of the segment behind the range is in use. Throws what the file throws.
   */
  wipe(range: DirtyRange): void {
    const { segment, fromPosition, toPosition } = range;
    const file = this.handles.open(segment.path);
    if (!holdsBytes(file, fromPosition, toPosition)) return;
    file.truncate(fromPosition);
    file.truncate(segment.sizeBytes);
    this.events.dirty(segment);
  }

  private plan(chunk: LogChunk): ChunkWrite {
    const segment = this.segments.at(chunk.startOffset);
    if (segment === undefined) {
      throw new StoreError('STORE_IO', `there is no segment for offset ${chunk.startOffset}`, {
        offset: chunk.startOffset,
      });
    }
    const { writtenBytes: fromBytes, lengthBytes: toBytes, endsSegment } = chunk;
    return { chunk, segment, fromBytes, toBytes, endsSegment };
  }

  private writeSync(chunks: readonly LogChunk[], done: (failure: WriteFailure | undefined) => void): void {
    const startMs = this.clock.monotonicMs();
    for (const chunk of chunks) {
      const write = this.plan(chunk);
      try {
        const { segment, fromBytes, toBytes } = write;
        const position = chunk.startOffset - segment.startOffset + fromBytes;
        writeFullySync(this.handles.open(segment.path), chunk.buffer, fromBytes, toBytes - fromBytes, position);
      } catch (error) {
        return done(this.failure(write, error as Error));
      }
      this.finish(write);
    }
    this.pace.note(this.clock.monotonicMs() - startMs);
    done(undefined);
  }

  private writeAsync(chunks: readonly LogChunk[], done: (failure: WriteFailure | undefined) => void): void {
    this.writingSinceMs = this.clock.monotonicMs();
    // What is encoded while this runs belongs to the next write: the lengths are taken now.
    const writes = chunks.map((chunk) => this.plan(chunk));
    const finishAll = (failure: WriteFailure | undefined): void => {
      this.writingSinceMs = undefined;
      done(failure);
    };
    const next = (index: number): void => {
      if (index === writes.length) return finishAll(undefined);
      const write = writes[index];
      this.startWrite(write, (error) => {
        if (error !== undefined) return finishAll(this.failure(write, error));
        this.finish(write);
        next(index + 1);
      });
    };
    next(0);
  }

  private startWrite(write: ChunkWrite, done: (error: Error | undefined) => void): void {
    const { chunk, segment, fromBytes, toBytes } = write;
    const position = chunk.startOffset - segment.startOffset + fromBytes;
    let lease;
    try {
      lease = this.handles.retain(segment.path);
    } catch (error) {
      this.clock.defer(() => {
        done(error as Error);
      });
      return;
    }
    writeFully(lease.file, chunk.buffer, fromBytes, toBytes - fromBytes, position, (error) => {
      lease.release();
      done(error);
    });
  }

  private finish(write: ChunkWrite): void {
    const { chunk, segment, toBytes, endsSegment } = write;
    chunk.writtenBytes = toBytes;
    this.writtenOffset = endsSegment ? segment.endOffset : chunk.startOffset + toBytes;
    this.events.dirty(segment);
  }

  private failure(write: ChunkWrite, error: Error): WriteFailure {
    const base = write.chunk.startOffset - write.segment.startOffset;
    const dirty = { segment: write.segment, fromPosition: base + write.fromBytes, toPosition: base + write.toBytes };
    this.events.failed({ error, dirty });
    return { error, dirty };
  }
}

function holdsBytes(file: StoreFile, from: number, to: number): boolean {
  const found = Buffer.alloc(Math.min(WIPE_PIECE_BYTES, to - from));
  for (let at = from; at < to; at += found.length) {
    const length = readFullySync(file, found, 0, Math.min(found.length, to - at), at);
    if (!isZeros(found.subarray(0, length))) return true;
  }
  return false;
}
