import { MessageLayout, readInt64 } from '@rocknest/protocol';
import type { GetRequest, GetResult, GetStatus } from '../types.js';
import { isBatchFull, type TransferLimits } from './batch-limits.js';

export interface SiftingLimits extends TransferLimits {
  readonly maxPullBytes: number;
  readonly maxPullMessages: number;
  /** Log behind the end that counts as "in memory". */
  readonly inMemoryBytes: number;
}

/** The messages that a filtered read has let through so far, and how far it has looked. Kept records are copies. */
export class Sifting {
  nextOffset: number;
  messageCount = 0;
  /** Bytes of the records that were looked at. */
  readBytes = 0;
  /** The batch is full: the next message that matches comes with the next read. */
  isFull = false;
  /** Undefined once anything had to be waited for: by then the caller's memory may be in use for something else. */
  place: GetRequest['place'];
  private readonly matchesRecord: NonNullable<GetRequest['matchesRecord']>;
  private readonly wanted: { readonly maxMessages: number; readonly maxBytes: number };
  private readonly kept: Buffer[] = [];
  private keptBytes = 0;
  private status: GetStatus = 'NO_MATCHED_MESSAGE';

  constructor(
    readonly request: GetRequest,
    matchesRecord: NonNullable<GetRequest['matchesRecord']>,
    private readonly limits: SiftingLimits,
  ) {
    this.matchesRecord = matchesRecord;
    this.nextOffset = request.queueOffset;
    this.place = request.place;
    this.wanted = {
      maxMessages: Math.min(request.maxMessages, limits.maxPullMessages),
      maxBytes: Math.min(request.maxBytes ?? limits.maxPullBytes, limits.maxPullBytes),
    };
  }

  /** Looks at records that lie one behind the other in `[start, end)`. */
  sift(bytes: Buffer, start: number, end: number, logEnd: number): void {
    if (this.isFull) return;
    let runStart = start;
    let runEnd = start;
    this.readBytes += end - start;
    for (let at = start, sizeBytes = 0; at < end; at += sizeBytes) {
      sizeBytes = bytes.readInt32BE(at + MessageLayout.TOTAL_SIZE);
      if (!this.matchesRecord(bytes, at, sizeBytes)) continue;
      const physicalOffset = readInt64(bytes, at + MessageLayout.PHYSICAL_OFFSET);
      const isInMemory = logEnd - physicalOffset <= this.limits.inMemoryBytes;
      if (isBatchFull(this.limits, this.wanted, this.messageCount, this.keptBytes, sizeBytes, isInMemory)) {
        this.isFull = true;
        this.nextOffset = readInt64(bytes, at + MessageLayout.QUEUE_OFFSET);
        break;
      }
      if (at !== runEnd) {
        this.keep(bytes, runStart, runEnd);
        runStart = at;
      }
      runEnd = at + sizeBytes;
      this.messageCount++;
      this.keptBytes += sizeBytes;
    }
    this.keep(bytes, runStart, runEnd);
  }

  /** A part of the queue had to be left out. */
  leftOut(status: GetStatus): void {
    this.status = status;
  }

  /** @param last the store's last answer, for what it says of the queue. */
  result(last: GetResult): GetResult {
    const { kept, keptBytes, messageCount } = this;
    const target = messageCount === 0 ? undefined : this.place?.(keptBytes);
    let end = target?.at ?? 0;
    if (target !== undefined) for (const part of kept) end += part.copy(target.bytes, end);
    return {
      status: messageCount > 0 ? 'FOUND' : this.status,
      nextBeginOffset: this.nextOffset,
      minOffset: last.minOffset,
      maxOffset: last.maxOffset,
      records: target === undefined ? kept : [],
      messageCount,
      sizeBytes: keptBytes,
      suggestPullingFromSlave: last.suggestPullingFromSlave,
    };
  }

  private keep(bytes: Buffer, start: number, end: number): void {
    if (end > start) this.kept.push(Buffer.from(bytes.subarray(start, end)));
  }
}
