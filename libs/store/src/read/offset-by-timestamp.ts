import type { RecordReader } from '../commit-log/record-reader.js';
import { STORE_TIMESTAMP_HEAD_BYTES, storeTimestampOf } from '../commit-log/record-check.js';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueEntry, OffsetBoundary } from '../types.js';

/** Finds messages of a queue by their store time, which ascends with the offset (RocketMQ's ConsumeQueue.binarySearchInQueueByTime). */
export class OffsetByTimestamp {
  constructor(private readonly reader: RecordReader) {}

  /**
   * LOWER: the first message stored at `timestampMs` or later, the maximum offset when all are older. UPPER: the last message stored
   * at it or earlier, 0 when all are newer. Always within the offsets of the queue.
   */
  async find(queue: ConsumeQueue, timestampMs: number, boundary: OffsetBoundary): Promise<number> {
    const { minOffset, maxOffset } = queue;
    // LOWER looks for the first message at or after the time, UPPER for the first one after it, and steps back.
    const isBehind = (storeTimestamp: number): boolean =>
      boundary === 'LOWER' ? storeTimestamp >= timestampMs : storeTimestamp > timestampMs;
    let low = minOffset;
    let high = maxOffset;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const storeTimestamp = await this.nearestStoreTimestamp(queue, middle, high);
      if (storeTimestamp === undefined || isBehind(storeTimestamp)) high = middle;
      else low = middle + 1;
    }
    const found = boundary === 'LOWER' ? low : low - 1;
    return Math.min(Math.max(found, minOffset), maxOffset);
  }

  /** Store time of one message; 0 when there is none that can be read (as RocketMQ answers it). */
  async storeTimestampOf(queue: ConsumeQueue, queueOffset: number): Promise<number> {
    return (await this.readStoreTimestamp(queue, queueOffset)) ?? 0;
  }

  async entryOf(queue: ConsumeQueue, queueOffset: number): Promise<ConsumeQueueEntry | undefined> {
    if (queueOffset < queue.minOffset || queueOffset >= queue.maxOffset) return undefined;
    const window = queue.residentWindow(queueOffset, 1) ?? (await queue.readWindow(queueOffset, 1));
    if (window.toOffset <= queueOffset || !window.holdsRecord(queueOffset)) return undefined;
    return {
      physicalOffset: window.physicalOffset(queueOffset),
      sizeBytes: window.sizeBytes(queueOffset),
      tagsCode: window.tagsCode(queueOffset),
    };
  }

  /** Of the message at the offset, or of the next one that can be read. */
  private async nearestStoreTimestamp(queue: ConsumeQueue, from: number, end: number): Promise<number | undefined> {
    for (let queueOffset = from; queueOffset < end; queueOffset++) {
      const storeTimestamp = await this.readStoreTimestamp(queue, queueOffset);
      if (storeTimestamp !== undefined) return storeTimestamp;
    }
    return undefined;
  }

  private async readStoreTimestamp(queue: ConsumeQueue, queueOffset: number): Promise<number | undefined> {
    const entry = await this.entryOf(queue, queueOffset);
    if (entry === undefined) return undefined;
    const head = await this.reader.readRaw(entry.physicalOffset, Math.min(STORE_TIMESTAMP_HEAD_BYTES, entry.sizeBytes));
    return head.length < Math.min(STORE_TIMESTAMP_HEAD_BYTES, entry.sizeBytes) ? undefined : storeTimestampOf(head, 0);
  }
}
