import type { RecordReader } from '../commit-log/record-reader.js';
import type { RecordSlices } from '../commit-log/record-slices.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { EntryWindow } from '../consume-queue/queue-entry.js';
import { ENTRY_BYTES, GAP_SIZE, UINT32_RANGE } from '../consume-queue/queue-entry.js';
import { ENTRY_WINDOW_ENTRIES, MAX_ENTRY_WINDOWS } from '../defaults.js';
import type { GetRequest, GetResult, GetStatus } from '../types.js';
import type { TransferLimits } from './batch-limits.js';
import { isBatchFull } from './batch-limits.js';
import type { UnreadableLog } from './unreadable-log.js';
import { EntryWindowCache } from './entry-window-cache.js';

export interface MessageGetterOptions extends TransferLimits {
  readonly maxFilterScanBytes: number;
  readonly maxPullBytes: number;
  readonly maxPullMessages: number;
  /** Log behind the end that counts as "in memory". */
  readonly inMemoryBytes: number;
  /** Entries of one consume queue file: one call scans one file at most. */
  readonly fileEntries: number;
}

/** RocketMQ reads at least this much whatever the caller's limit says. */
const MIN_PULL_BYTES = 100;

const NO_RECORDS: RecordSlices = { records: [], messageCount: 0, sizeBytes: 0 };

/** The state of one call: entries are scanned window by window, records that match are collected by place. */
interface Scan {
  readonly matches: ((tagsCode: number) => boolean) | undefined;
  /** Undefined once the disk had to be waited for: by then the caller's memory may be in use for something else. */
  place: GetRequest['place'];
  readonly maxMessages: number;
  readonly queue: ConsumeQueue;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** Behind the last entry that this call may look at. */
  readonly scanEnd: number;
  readonly maxBytes: number;
  readonly logEnd: number;
  nextBeginOffset: number;
  status: GetStatus;
  bytes: number;
  lastPhysicalOffset: number;
  /** Entries below this physical offset point into a segment that is gone. */
  skipBelowOffset: number;
  /** Entries that point where no message can be, and not because retention took it. */
  strays: number;
  readonly offsets: number[];
  readonly sizes: number[];
}

/** Reads messages of a queue from an offset on (RocketMQ's DefaultMessageStore.getMessage, statuses and budgets included). */
export class MessageGetter {
  private readonly windows = new EntryWindowCache(MAX_ENTRY_WINDOWS);

  constructor(
    private readonly options: MessageGetterOptions,
    private readonly queues: ConsumeQueueStore,
    private readonly segments: SegmentList,
    private readonly reader: RecordReader,
    private readonly writtenOffset: () => number,
    private readonly unreadable: UnreadableLog,
  ) {}

  get(request: GetRequest): GetResult | Promise<GetResult> {
    const { queueOffset } = request;
    const queue = this.queues.find(request.topic, request.queueId);
    if (queue === undefined) return nothing('NO_MATCHED_LOGIC_QUEUE', 0, 0, 0);
    const { minOffset, maxOffset } = queue;
    if (maxOffset === 0) return nothing('NO_MESSAGE_IN_QUEUE', 0, minOffset, maxOffset);
    if (queueOffset < minOffset) return nothing('OFFSET_TOO_SMALL', minOffset, minOffset, maxOffset);
    if (queueOffset === maxOffset) return nothing('OFFSET_OVERFLOW_ONE', queueOffset, minOffset, maxOffset);
    if (queueOffset > maxOffset) return nothing('OFFSET_OVERFLOW_BADLY', maxOffset, minOffset, maxOffset);
    return this.scan(this.startScan(request, queue));
  }

  private startScan(request: GetRequest, queue: ConsumeQueue): Scan {
    const { queueOffset, maxBytes = this.options.maxPullBytes } = request;
    const maxMessages = Math.min(request.maxMessages, this.options.maxPullMessages);
    const { minOffset, maxOffset } = queue;
    const budgetEntries = Math.ceil(Math.max(this.options.maxFilterScanBytes, maxMessages * ENTRY_BYTES) / ENTRY_BYTES);
    const fileEnd = queueOffset - (queueOffset % this.options.fileEntries) + this.options.fileEntries;
    return {
      matches: request.matches,
      place: request.place,
      maxMessages,
      queue,
      minOffset,
      maxOffset,
      scanEnd: Math.min(queueOffset + budgetEntries, fileEnd, maxOffset),
      maxBytes: Math.min(Math.max(maxBytes, MIN_PULL_BYTES), this.options.maxPullBytes),
      logEnd: this.writtenOffset(),
      nextBeginOffset: queueOffset,
      status: 'NO_MATCHED_MESSAGE',
      bytes: 0,
      lastPhysicalOffset: 0,
      skipBelowOffset: -1,
      strays: 0,
      offsets: [],
      sizes: [],
    };
  }

  private scan(scan: Scan): GetResult | Promise<GetResult> {
    while (scan.nextBeginOffset < scan.scanEnd) {
      const from = scan.nextBeginOffset;
      const wanted = scan.scanEnd - from;
      const resident = scan.queue.residentWindow(from, wanted) ?? this.windows.find(scan.queue, from);
      if (resident !== undefined) {
        if (!this.scanWindow(scan, resident)) break;
        continue;
      }
      // The pulls that follow want the next entries.
      const count = Math.max(ENTRY_WINDOW_ENTRIES, scan.matches === undefined ? 0 : wanted);
      if (!this.reader.allowsSync(this.writtenOffset())) {
        scan.place = undefined;
        return scan.queue
          .readWindow(from, count, this.windows.takeMemory(scan.queue))
          .then((window) => this.continueWith(scan, window));
      }
      const window = scan.queue.readWindowSync(from, count, this.windows.takeMemory(scan.queue));
      if (window.toOffset === from) return this.entriesMissing(scan);
      this.windows.keep(scan.queue, window);
      if (!this.scanWindow(scan, window)) break;
    }
    return this.finish(scan);
  }

  private continueWith(scan: Scan, window: EntryWindow): GetResult | Promise<GetResult> {
    if (window.toOffset === scan.nextBeginOffset) return this.entriesMissing(scan);
    this.windows.keep(scan.queue, window);
    return this.scanWindow(scan, window) ? this.scan(scan) : this.finish(scan);
  }

  /**
   * Goes over entries by their bytes, not by the methods of the window: 3 % of what a message of a catch-up costs.
   *
   * @returns false when the batch is full.
   */
  private scanWindow(scan: Scan, window: EntryWindow): boolean {
    const { matches, offsets, sizes, logEnd } = scan;
    const { view } = window;
    const logStart = this.segments.minOffset;
    const written = this.writtenOffset();
    const toOffset = Math.min(window.toOffset, scan.scanEnd);
    let at = window.at(scan.nextBeginOffset) - ENTRY_BYTES;
    for (let queueOffset = scan.nextBeginOffset; queueOffset < toOffset; queueOffset++) {
      at += ENTRY_BYTES;
      const physicalOffset = view.getInt32(at) * UINT32_RANGE + view.getUint32(at + 4);
      const sizeBytes = view.getInt32(at + 8);
      const isInMemory = logEnd - physicalOffset <= this.options.inMemoryBytes;
      if (isBatchFull(this.options, scan, offsets.length, scan.bytes, sizeBytes, isInMemory)) return false;
      scan.lastPhysicalOffset = physicalOffset;
      scan.nextBeginOffset = queueOffset + 1;
      if (physicalOffset < scan.skipBelowOffset) continue;
      if (matches !== undefined && !matches(window.tagsCode(queueOffset))) continue;
      const isRecord = sizeBytes > 0 && sizeBytes !== GAP_SIZE && physicalOffset >= logStart;
      if (!isRecord || physicalOffset + sizeBytes > written) {
        if (scan.bytes === 0) scan.status = 'MESSAGE_WAS_REMOVING';
        const { segmentSizeBytes } = this.segments;
        // Only retention takes a whole segment away. An entry that points elsewhere is damaged, and says nothing of those behind it.
        const isGap = window.isGap(queueOffset);
        const isRemoved = !isGap && physicalOffset >= 0 && physicalOffset < logStart;
        if (!isGap && !isRemoved) scan.strays++;
        scan.skipBelowOffset = isRemoved ? physicalOffset - (physicalOffset % segmentSizeBytes) + segmentSizeBytes : -1;
        continue;
      }
      scan.skipBelowOffset = -1;
      scan.bytes += sizeBytes;
      scan.status = 'FOUND';
      offsets.push(physicalOffset);
      sizes.push(sizeBytes);
    }
    return true;
  }

  private entriesMissing(scan: Scan): GetResult | Promise<GetResult> {
    if (scan.offsets.length > 0) return this.finish(scan);
    const { fileEntries } = this.options;
    const nextFile = scan.nextBeginOffset - (scan.nextBeginOffset % fileEntries) + fileEntries;
    return nothing('OFFSET_FOUND_NULL', nextFile, scan.minOffset, scan.maxOffset);
  }

  private finish(scan: Scan): GetResult | Promise<GetResult> {
    if (scan.offsets.length === 0) return this.result(scan, NO_RECORDS);
    const slices = this.reader.read(scan.offsets, scan.sizes, scan.bytes, scan.place);
    if (slices instanceof Promise) return slices.then((loaded) => this.result(scan, loaded));
    return this.result(scan, slices);
  }

  private tellUnreadable({ queue, offsets, nextBeginOffset }: Scan, count: number): void {
    // Retention may have taken the segment while it was read, and a deleted topic has nothing to read.
    if (queue.deleted || (offsets.length > 0 && offsets[0] < this.segments.minOffset)) return;
    const fromOffset = Math.max(queue.minOffset, nextBeginOffset - Math.max(1, offsets.length + count));
    this.unreadable.note(queue.topic, queue.queueId, fromOffset, nextBeginOffset, count);
  }

  private result(scan: Scan, slices: RecordSlices): GetResult {
    const lacking = scan.offsets.length - slices.messageCount + scan.strays;
    if (lacking > 0) this.tellUnreadable(scan, lacking);
    // Everything that was looked at may have turned out to be unreadable: the consumer goes on behind it.
    const status = scan.status === 'FOUND' && slices.messageCount === 0 ? 'MESSAGE_WAS_REMOVING' : scan.status;
    return {
      status,
      nextBeginOffset: scan.nextBeginOffset,
      minOffset: scan.minOffset,
      maxOffset: scan.maxOffset,
      records: slices.records,
      messageCount: slices.messageCount,
      sizeBytes: slices.sizeBytes,
      suggestPullingFromSlave: scan.logEnd - scan.lastPhysicalOffset > this.options.inMemoryBytes,
    };
  }
}

function nothing(status: GetStatus, nextBeginOffset: number, minOffset: number, maxOffset: number): GetResult {
  return {
    status,
    nextBeginOffset,
    minOffset,
    maxOffset,
    records: [],
    messageCount: 0,
    sizeBytes: 0,
    suggestPullingFromSlave: false,
  };
}
