import { encodeBlank } from '../commit-log/append-encoder.js';
import type { CommitLog } from '../commit-log/commit-log.js';
import { notOnDisk, type FlushService } from '../commit-log/flush-service.js';
import type { LogWriter, WriteFailure } from '../commit-log/log-writer.js';
import type { RecordDecoder } from '../commit-log/record-check.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { TailCache } from '../commit-log/tail-cache.js';
import type { DispatchRequest } from '../dispatch/dispatch-request.js';
import type { DispatchService } from '../dispatch/dispatch-service.js';
import { StoreError } from '../errors.js';
import type { Clock } from '../io/clock.js';
import type { HandlePool } from '../io/handle-pool.js';
import { writeFullySync } from '../io/transfer.js';
import type { FlushDiskType } from '../types.js';
import { RawLogCutter, type RawLogSink } from './raw-log-cutter.js';

export interface RawAppenderParts {
  readonly segments: SegmentList;
  readonly handles: HandlePool;
  readonly tail: TailCache;
  readonly writer: LogWriter;
  readonly flush: FlushService;
  readonly commitLog: CommitLog;
  readonly dispatch: DispatchService;
  readonly decoder: RecordDecoder;
  readonly clock: Clock;
  /** Something was written: the index and the checkpoint have work. */
  readonly onWritten: () => void;
}

const BLANK_BYTES = 8;

/**
 * Puts the log of a master at the end of this one, byte for byte (`appendData` of RocketMQ's CommitLog.java): whole records and fillers only, written
 * with one call for all that came within a turn of the event loop, then dispatched as the messages of a put are.
 */
export class RawAppender implements RawLogSink {
  /** Bytes that were taken and wait for a write. */
  bufferedBytes = 0;
  private readonly cutter: RawLogCutter;
  /** Records that were encoded but not written. */
  private requests: DispatchRequest[] = [];
  private scheduled = false;
  private writing = false;
  private idleWaiters: (() => void)[] = [];
  private unwiped: WriteFailure | undefined = undefined;
  private listener: { written(): void; failed(error: Error): void } | undefined = undefined;

  constructor(
    private readonly flushDiskType: FlushDiskType,
    private readonly parts: RawAppenderParts,
  ) {
    this.cutter = new RawLogCutter(parts.segments.segmentSizeBytes, this);
  }

  /** Who is told, after each write, that `maxPhysicalOffset` has moved, or why it has not: then the stream begins again there. */
  listen(listener: { written(): void; failed(error: Error): void }): void {
    this.listener = listener;
  }

  /** Offset of the next byte that `append` takes. */
  get nextOffset(): number {
    return this.cutter.offset;
  }

  /** Forgets half a record, and waits for what is being written: a new stream begins at the offset that this resolves with. */
  async restart(): Promise<number> {
    if (this.bufferedBytes > 0) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    const { writtenOffset } = this.parts.writer;
    this.cutter.restart(writtenOffset);
    return writtenOffset;
  }

  /**
   * Lets a store that never had a message begin at an offset: a slave that begins with nothing gets the last file of its master, not all of them.
   *
   * @throws StoreError STORE_REPLICA_GAP when the store has messages, or no segment can begin there.
   */
  beginAt(physicalOffset: number): void {
    const { segments, writer, flush, commitLog, dispatch } = this.parts;
    if (physicalOffset === writer.writtenOffset) return;
    if (writer.writtenOffset !== 0 || this.cutter.offset !== 0) throw this.gap(physicalOffset);
    if (physicalOffset % segments.segmentSizeBytes !== 0) {
      throw new StoreError(
        'STORE_REPLICA_GAP',
        `The log of the master begins at offset ${physicalOffset}, which is no multiple of the ${segments.segmentSizeBytes} bytes that a file of this store has: ` +
          'set mappedFileSizeCommitLog to that of the master.',
        { physicalOffset, segmentSizeBytes: segments.segmentSizeBytes },
      );
    }
    segments.removeFrom(0);
    // What a failed write left went with its file.
    this.unwiped = undefined;
    // Its name is to be on stable storage before a checkpoint says that the log got here: without a file a start would take the log for lost.
    flush.markDirty(segments.create(physicalOffset));
    writer.writtenOffset = physicalOffset;
    dispatch.dispatchedOffset = physicalOffset;
    commitLog.continueAt(physicalOffset);
    this.cutter.restart(physicalOffset);
  }

  /**
   * Takes the next bytes of the master's log; half a record is kept until the rest comes.
   *
   * @throws StoreError STORE_REPLICA_GAP when they do not follow what is there, STORE_REPLICA_DAMAGED when they are no log, STORE_IO when the disk refuses.
   */
  append(physicalOffset: number, bytes: Buffer): void {
    if (physicalOffset !== this.cutter.offset) throw this.gap(physicalOffset);
    const { flush } = this.parts;
    if (flush.failure !== undefined) throw new StoreError('STORE_IO', notOnDisk(flush.failure));
    this.wipeLeftover();
    try {
      this.cutter.feed(bytes);
    } finally {
      this.schedule();
    }
  }

  record(bytes: Buffer, at: number, sizeBytes: number, physicalOffset: number): void {
    const { tail, commitLog, decoder } = this.parts;
    this.needSegment(physicalOffset);
    const chunk = tail.reserve(physicalOffset, sizeBytes);
    bytes.copy(chunk.buffer, chunk.lengthBytes, at, at + sizeBytes);
    this.requests.push(decoder.decode(chunk.buffer, chunk.lengthBytes, sizeBytes));
    chunk.lengthBytes += sizeBytes;
    commitLog.appendOffset = physicalOffset + sizeBytes;
    this.bufferedBytes += sizeBytes;
  }

  padding(bytes: Buffer, physicalOffset: number): void {
    const segment = this.needSegment(physicalOffset);
    const file = this.parts.handles.open(segment.path);
    writeFullySync(file, bytes, 0, bytes.length, physicalOffset - segment.startOffset);
  }

  blank(physicalOffset: number, sizeBytes: number): void {
    const { tail, commitLog, segments } = this.parts;
    this.needSegment(physicalOffset);
    segments.ensure(physicalOffset + sizeBytes);
    const chunk = tail.reserve(physicalOffset, BLANK_BYTES);
    encodeBlank(chunk, chunk.lengthBytes, sizeBytes);
    chunk.lengthBytes += BLANK_BYTES;
    chunk.sealed = true;
    chunk.endsSegment = true;
    commitLog.continueAt(physicalOffset + sizeBytes);
    this.bufferedBytes += BLANK_BYTES;
  }

  private needSegment(physicalOffset: number) {
    const { segments } = this.parts;
    return segments.ensure(physicalOffset - (physicalOffset % segments.segmentSizeBytes));
  }

  private schedule(): void {
    if (this.scheduled || this.writing || this.bufferedBytes === 0) return;
    this.scheduled = true;
    this.parts.clock.defer(this.write);
  }

  private readonly write = (): void => {
    this.scheduled = false;
    if (this.writing || this.bufferedBytes === 0) return;
    const { tail, writer } = this.parts;
    const { bufferedBytes, requests } = this;
    this.requests = [];
    this.writing = true;
    writer.write(tail.unwritten(), (failure) => {
      this.writing = false;
      if (failure === undefined) this.succeed(requests, bufferedBytes);
      else this.fail(requests, failure);
      this.schedule();
      if (this.bufferedBytes > 0) return;
      const waiters = this.idleWaiters;
      this.idleWaiters = [];
      for (const wake of waiters) wake();
    });
  };

  private succeed(requests: readonly DispatchRequest[], bytes: number): void {
    const { flush, commitLog, dispatch, onWritten } = this.parts;
    this.bufferedBytes -= bytes;
    if (this.flushDiskType === 'SYNC_FLUSH') flush.flush();
    dispatch.replicated(requests);
    commitLog.prepareNextSegment();
    onWritten();
    this.listener?.written();
  }

  private fail(requests: readonly DispatchRequest[], failure: WriteFailure): void {
    const { tail, writer, commitLog, dispatch } = this.parts;
    const written = requests.filter(
      ({ physicalOffset, sizeBytes }) => physicalOffset + sizeBytes <= writer.writtenOffset,
    );
    tail.dropUnwritten();
    this.requests = [];
    this.bufferedBytes = 0;
    this.unwiped = failure;
    try {
      this.wipeLeftover();
    } catch {
      // Tried again before anything is taken.
    }
    commitLog.continueAt(writer.writtenOffset);
    this.cutter.restart(writer.writtenOffset);
    dispatch.replicated(written);
    const { segment, fromPosition } = failure.dirty;
    this.listener?.failed(
      new StoreError(
        'STORE_IO',
        `the write to ${segment.path} at ${fromPosition} failed: ${failure.error.message}`,
        { path: segment.path, position: fromPosition },
        { cause: failure.error, retriable: true },
      ),
    );
  }

  private wipeLeftover(): void {
    if (this.unwiped === undefined) return;
    this.parts.writer.wipe(this.unwiped.dirty);
    this.unwiped = undefined;
  }

  private gap(physicalOffset: number): StoreError {
    const { nextOffset } = this;
    return new StoreError(
      'STORE_REPLICA_GAP',
      `The log of this slave goes on at offset ${nextOffset}, but the master sends from offset ${physicalOffset} on. Nothing was stored. If the master no longer has ` +
        `offset ${nextOffset}, move the store folder of this slave away: it begins anew with the last file of the master.`,
      { nextOffset, physicalOffset },
    );
  }
}
