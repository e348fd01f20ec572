import { createOffsetMsgId, createOffsetMsgIds } from '@rocknest/protocol';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import { hasQueueEntry } from '../dispatch/tags-code.js';
import type { LogChunk } from './log-chunk.js';
import type { PutDone, PutResult, PutStatus } from '../types.js';

/** What a batch has of each of its messages; a single message has none of this. */
export interface BatchParts {
  readonly sizes: number[];
  readonly tagsCodes: number[];
  readonly propertiesBytes: number[];
}

/**
 * One append on its way: encoded, then written, then (SYNC_FLUSH) flushed, then dispatched and answered. It is the `PutResult` the
 * caller gets as well: one object for each message, not two.
 */
export class PendingAppend implements PutResult {
  status: PutStatus = 'PUT_OK';
  reason: string | undefined = undefined;
  answered = false;

  constructor(
    readonly queue: ConsumeQueue,
    readonly queueOffset: number,
    readonly physicalOffset: number,
    readonly sizeBytes: number,
    readonly storeTimestamp: number,
    readonly sysFlag: number,
    /** Of a single message. */
    readonly tagsCode: number,
    /** How many bytes of a single message are its properties: they end the record. */
    readonly propertiesBytes: number,
    /** Holds the record or records from `recordAt` on. */
    private readonly chunk: LogChunk,
    readonly recordAt: number,
    readonly waitStoreOk: boolean,
    readonly storeHost: Buffer,
    private readonly done: PutDone,
    readonly batch: BatchParts | undefined,
    /** Monotonic time of the append, for the time-out of a synchronous flush. */
    readonly startedAtMs: number,
  ) {}

  /** False for half and rolled-back messages of transactions: their records have no place in a queue. */
  get takesQueueOffset(): boolean {
    return hasQueueEntry(this.sysFlag);
  }

  get recordView(): DataView {
    return this.chunk.view;
  }

  /** A part of the record, as a slice of the log's memory. */
  slice(from: number, to: number): Buffer {
    return this.chunk.buffer.subarray(from, to);
  }

  /** Keeps the memory of the record from being used again, for an answer that comes after more has been written. */
  keepRecord(): void {
    this.chunk.shared = true;
  }

  get messageCount(): number {
    return this.batch === undefined ? 1 : this.batch.sizes.length;
  }

  /** Physical offset behind the record or records. */
  get endOffset(): number {
    return this.physicalOffset + this.sizeBytes;
  }

  answer(): void {
    if (this.answered) return;
    this.answered = true;
    this.done(this);
  }

  offsetMsgIds(): string {
    const { storeHost, physicalOffset, batch } = this;
    if (batch === undefined) return createOffsetMsgId(storeHost, physicalOffset);
    return createOffsetMsgIds(storeHost, physicalOffset, batch.sizes);
  }
}

const NO_BYTES = Buffer.alloc(0);
const NO_RECORD = new DataView(new ArrayBuffer(0));

/** The answer to a put that was refused before anything was encoded. */
export function refusedPut(status: PutStatus, reason: string): PutResult {
  return {
    status,
    reason,
    queueOffset: -1,
    physicalOffset: -1,
    storeTimestamp: 0,
    messageCount: 0,
    sizeBytes: 0,
    recordView: NO_RECORD,
    recordAt: 0,
    storeHost: NO_BYTES,
    offsetMsgIds: () => '',
  };
}
