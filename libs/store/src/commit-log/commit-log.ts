import { SCHEDULE_TOPIC } from '@rocknest/protocol';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import { hasQueueEntry, storedTagsCode } from '../dispatch/tags-code.js';
import { MAX_PROPERTIES_BYTES } from '../defaults.js';
import type { Clock } from '../io/clock.js';
import type { PutBatch, PutDone, PutMessage } from '../types.js';
import type { RecordFields } from './append-encoder.js';
import {
  encodeBlank,
  encodeRecord,
  propertiesLengthOf,
  propertiesUpperBound,
  RECORD_FIXED_MAX_BYTES,
} from './append-encoder.js';
import type { GroupCommit } from './group-commit.js';
import type { LogChunk } from './log-chunk.js';
import type { BatchParts } from './pending-append.js';
import { PendingAppend } from './pending-append.js';
import type { Refusal } from './put-check.js';
import type { SegmentList } from './segment-list.js';
import type { TailCache } from './tail-cache.js';

export interface CommitLogOptions {
  readonly maxRecordBytes: number;
  readonly maxBufferedBytes: number;
  readonly delayLevelsMs: readonly number[];
}

/** A filler needs this much room behind every record. */
const BLANK_BYTES = 8;

const NO_BYTES = Buffer.alloc(0);

/**
 * Puts records at the end of the log: gives them their place and their queue offset, encodes them into the tail, and leaves the
 * writing to the group commit (RocketMQ's CommitLog.asyncPutMessage and DefaultAppendMessageCallback). Everything here happens
 * within one call, so that a refused append leaves no trace.
 */
export class CommitLog {
  /** Physical offset of the next record. */
  appendOffset = 0;
  private segmentEnd = 0;
  private prepareAtOffset = 0;
  private readonly fields: RecordFields;

  constructor(
    private readonly options: CommitLogOptions,
    private readonly segments: SegmentList,
    private readonly tail: TailCache,
    private readonly group: GroupCommit,
    private readonly clock: Clock,
    private readonly onSegmentPrepared: () => void,
  ) {
    this.fields = {
      topicBytes: NO_BYTES,
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: 0,
      bornHost: NO_BYTES,
      storeTimestamp: 0,
      storeHost: NO_BYTES,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
    };
  }

  /** Continues at an offset: after recovery, or after a failed write. */
  continueAt(physicalOffset: number): void {
    const size = this.segments.segmentSizeBytes;
    this.appendOffset = physicalOffset;
    this.segmentEnd = physicalOffset - (physicalOffset % size) + size;
    this.planPreparation();
  }

  /** Appends one message. @returns why not; nothing has changed then, and `done` is not called. */
  append(message: PutMessage, queue: ConsumeQueue, storeHost: Buffer, done: PutDone): Refusal | undefined {
    const { body, properties, flag, sysFlag } = message;
    const fields = this.share(message, queue, storeHost, message.preparedTransactionOffset);
    const takesOffset = hasQueueEntry(sysFlag);
    const queueOffset = takesOffset ? queue.assignedOffset : 0;
    const upperBound =
      RECORD_FIXED_MAX_BYTES + queue.topicBytes.length + body.length + propertiesUpperBound(properties);

    let chunk = this.tail.reserve(this.appendOffset, upperBound);
    let size = encodeRecord(chunk, chunk.lengthBytes, fields, flag, body, properties, queueOffset, this.appendOffset);
    const refusal = this.checkSize(size, body.length, size);
    if (refusal !== undefined) return refusal;
    if (size + BLANK_BYTES > this.segmentEnd - this.appendOffset) {
      const rollRefusal = this.rollSegment();
      if (rollRefusal !== undefined) return rollRefusal;
      chunk = this.tail.reserve(this.appendOffset, upperBound);
      size = encodeRecord(chunk, chunk.lengthBytes, fields, flag, body, properties, queueOffset, this.appendOffset);
    }
    const physicalOffset = this.appendOffset;
    const recordAt = chunk.lengthBytes;
    this.taken(chunk, size);
    if (takesOffset) queue.assignedOffset++;
    const { storeTimestamp } = fields;
    const tagsCode =
      queue.topic === SCHEDULE_TOPIC
        ? storedTagsCode(queue.topic, propertiesText(properties), storeTimestamp, this.options.delayLevelsMs)
        : message.tagsCode;
    this.group.add(
      new PendingAppend(
        queue,
        queueOffset,
        physicalOffset,
        size,
        storeTimestamp,
        sysFlag,
        tagsCode,
        propertiesLengthOf(size, fields, body.length),
        chunk,
        recordAt,
        message.waitStoreOk,
        storeHost,
        done,
        undefined,
        this.clock.monotonicMs(),
      ),
    );
    return undefined;
  }

  /** Appends all messages of a batch one behind the other in one segment, or none. */
  appendBatch(batch: PutBatch, queue: ConsumeQueue, storeHost: Buffer, done: PutDone): Refusal | undefined {
    const fields = this.share(batch, queue, storeHost, 0);
    let upperBound = 0;
    for (const { body, properties } of batch.items) {
      upperBound += RECORD_FIXED_MAX_BYTES + queue.topicBytes.length + body.length + propertiesUpperBound(properties);
    }
    if (upperBound > this.options.maxBufferedBytes) {
      return { status: 'MESSAGE_ILLEGAL', reason: `the batch of ${batch.items.length} messages takes too much memory` };
    }
    let chunk = this.tail.reserve(this.appendOffset, upperBound);
    const parts: BatchParts = { sizes: [], tagsCodes: [], propertiesBytes: [] };
    const encoded = this.encodeItems(chunk, batch, queue, fields, parts);
    if (typeof encoded !== 'number') return encoded;
    if (encoded + BLANK_BYTES > this.segments.segmentSizeBytes) {
      return { status: 'MESSAGE_ILLEGAL', reason: `the batch takes ${encoded} bytes, more than a segment of the log` };
    }
    if (encoded + BLANK_BYTES > this.segmentEnd - this.appendOffset) {
      const refusal = this.rollSegment();
      if (refusal !== undefined) return refusal;
      chunk = this.tail.reserve(this.appendOffset, upperBound);
      parts.sizes.length = parts.tagsCodes.length = parts.propertiesBytes.length = 0;
      this.encodeItems(chunk, batch, queue, fields, parts);
    }
    const physicalOffset = this.appendOffset;
    const queueOffset = queue.assignedOffset;
    const recordAt = chunk.lengthBytes;
    this.taken(chunk, encoded);
    queue.assignedOffset += batch.items.length;
    this.group.add(
      new PendingAppend(
        queue,
        queueOffset,
        physicalOffset,
        encoded,
        fields.storeTimestamp,
        batch.sysFlag,
        0,
        0,
        chunk,
        recordAt,
        batch.waitStoreOk,
        storeHost,
        done,
        parts,
        this.clock.monotonicMs(),
      ),
    );
    return undefined;
  }

  /** Makes the segment behind the current one, once the current one is half full. */
  prepareNextSegment(): void {
    if (this.appendOffset < this.prepareAtOffset) return;
    this.prepareAtOffset = Number.POSITIVE_INFINITY;
    try {
      this.segments.ensure(this.segmentEnd);
      this.onSegmentPrepared();
    } catch {
      // No space for it now: the append that needs it tries again, and is the one to be refused.
    }
  }

  private share(
    message: PutMessage | PutBatch,
    queue: ConsumeQueue,
    storeHost: Buffer,
    preparedTransactionOffset: number,
  ): RecordFields {
    const fields = this.fields;
    fields.topicBytes = queue.topicBytes;
    fields.queueId = queue.queueId;
    fields.sysFlag = message.sysFlag;
    fields.bornTimestamp = message.bornTimestamp;
    fields.bornHost = message.bornHost;
    fields.storeTimestamp = this.clock.nowMs();
    fields.storeHost = storeHost;
    fields.reconsumeTimes = message.reconsumeTimes;
    fields.preparedTransactionOffset = preparedTransactionOffset;
    return fields;
  }

  private encodeItems(
    chunk: LogChunk,
    batch: PutBatch,
    queue: ConsumeQueue,
    fields: RecordFields,
    parts: BatchParts,
  ): number | Refusal {
    let total = 0;
    let queueOffset = queue.assignedOffset;
    for (const { flag, body, properties } of batch.items) {
      const at = chunk.lengthBytes + total;
      const size = encodeRecord(chunk, at, fields, flag, body, properties, queueOffset++, this.appendOffset + total);
      const refusal = this.checkSize(size, body.length, total + size);
      if (refusal !== undefined) return refusal;
      total += size;
      parts.sizes.push(size);
      parts.propertiesBytes.push(propertiesLengthOf(size, fields, body.length));
      parts.tagsCodes.push(storedTagsCode(queue.topic, properties, fields.storeTimestamp, this.options.delayLevelsMs));
    }
    return total;
  }

  private checkSize(size: number, bodyBytes: number, appendBytes: number): Refusal | undefined {
    if (propertiesLengthOf(size, this.fields, bodyBytes) > MAX_PROPERTIES_BYTES) {
      return {
        status: 'PROPERTIES_SIZE_EXCEEDED',
        reason: `the properties take more than ${MAX_PROPERTIES_BYTES} bytes`,
      };
    }
    const limit = Math.min(this.options.maxRecordBytes, this.segments.segmentSizeBytes - BLANK_BYTES);
    if (size <= limit && appendBytes + BLANK_BYTES <= this.segments.segmentSizeBytes) return undefined;
    return {
      status: 'MESSAGE_ILLEGAL',
      reason: `the record takes ${appendBytes} bytes, more than the limit of ${limit}`,
    };
  }

  /** Ends the segment with a filler; the next record starts the next segment. */
  private rollSegment(): Refusal | undefined {
    try {
      this.segments.ensure(this.segmentEnd);
    } catch (error) {
      return {
        status: 'CREATE_MAPPED_FILE_FAILED',
        reason: `cannot make a segment of the log: ${(error as Error).message}`,
      };
    }
    const chunk = this.tail.reserve(this.appendOffset, BLANK_BYTES);
    encodeBlank(chunk, chunk.lengthBytes, this.segmentEnd - this.appendOffset);
    chunk.lengthBytes += BLANK_BYTES;
    chunk.sealed = true;
    chunk.endsSegment = true;
    this.appendOffset = this.segmentEnd;
    this.segmentEnd += this.segments.segmentSizeBytes;
    this.planPreparation();
    return undefined;
  }

  private taken(chunk: LogChunk, size: number): void {
    chunk.lengthBytes += size;
    this.appendOffset += size;
  }

  private planPreparation(): void {
    this.prepareAtOffset = this.segmentEnd - this.segments.segmentSizeBytes / 2;
  }
}

function propertiesText(properties: PutMessage['properties']): string | Buffer {
  if (typeof properties === 'string' || !('suffix' in properties)) return properties;
  const { view, start, end, suffix } = properties;
  return Buffer.concat([
    Buffer.from(view.buffer, view.byteOffset + start, end - start),
    Buffer.from(suffix.buffer, suffix.byteOffset, suffix.byteLength),
  ]);
}
