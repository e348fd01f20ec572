import { join } from 'node:path';
import type { RecordDecoder } from '../commit-log/record-check.js';
import { checkTopic } from '../commit-log/put-check.js';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import { ASIDE_PREFIX } from '../consume-queue/consume-queue-store.js';
import { ENTRY_BYTES, EntryWindow } from '../consume-queue/queue-entry.js';
import { isLightQueue } from '../foreign/foreign-layout.js';
import type { FileSystem } from '../io/file-system.js';
import type { LogScanner } from './log-scanner.js';

export interface QueueLoaderOptions {
  readonly folder: string;
  readonly fileEntries: number;
}

/** Entries before the first one that are to be of messages which are gone: a search that met a damaged entry went too far. */
const CHECKED_ENTRIES = 16;
const FILLER_PIECE_ENTRIES = 3_200;

/** A page. It divides the entries of a file of the usual size, so a piece lies in one file. */
const PIECE_ENTRIES = 200;

/** What is to be believed of the queue files. */
export interface QueueTrust {
  /** Entries of records from here on are taken back: they are made again from the log. */
  readonly belowOffset: number;
  /** Smallest physical offset of the log: messages before it cannot be read any more. */
  readonly minPhysicalOffset: number;
  /** The last stop was not clean: compare the newest entry that is believed with its record. */
  readonly verify: boolean;
}

/** Finds the ends of the consume queues in their files (RocketMQ's ConsumeQueue.recover and truncateDirtyLogicFiles). */
export class QueueLoader {
  private readonly oneEntry = Buffer.alloc(ENTRY_BYTES);
  private readonly oneWindow = new EntryWindow(new DataView(this.oneEntry.buffer, this.oneEntry.byteOffset), 0, 1, 0);
  /** Entries around the one that was read last: those of a small queue are read in one go. */
  private readonly piece = Buffer.allocUnsafeSlow(PIECE_ENTRIES * ENTRY_BYTES);
  private pieceFrom = 0;
  private pieceCount = 0;

  constructor(
    private readonly options: QueueLoaderOptions,
    private readonly fileSystem: FileSystem,
    private readonly queues: ConsumeQueueStore,
    private readonly scanner: LogScanner,
    private readonly decoder: RecordDecoder,
  ) {}

  /** Loads every queue found on disk. @returns lines about queues whose files made no sense. */
  async loadAll(trust: QueueTrust): Promise<string[]> {
    const notes: string[] = [];
    this.removeAside();
    for (const topic of this.fileSystem.list(this.options.folder)) {
      if (!topic.isFolder) continue;
      if (topic.name.startsWith(ASIDE_PREFIX) || isLightQueue(topic.name)) continue;
      for (const entry of this.fileSystem.list(join(this.options.folder, topic.name))) {
        if (!entry.isFolder || !/^\d{1,10}$/.test(entry.name)) continue;
        const queueId = Number(entry.name);
        if (checkTopic(topic.name, queueId) !== undefined) continue;
        const queue = this.queues.findOrCreate(topic.name, queueId);
        const reason = await this.load(queue, trust);
        if (reason !== undefined) notes.push(`consume queue ${topic.name}-${entry.name}: ${reason}; it is made again`);
        this.queues.entryCount += queue.entryCount;
      }
    }
    return notes;
  }

  /** Removes what a deletion that was cut short left behind. */
  removeAside(): void {
    for (const { name } of this.fileSystem.list(this.options.folder)) {
      if (name.startsWith(ASIDE_PREFIX)) this.fileSystem.remove(join(this.options.folder, name));
    }
  }

  /** Loads one queue. @returns why it cannot be believed, or undefined. */
  async load(queue: ConsumeQueue, trust: QueueTrust): Promise<string | undefined> {
    this.pieceCount = 0;
    const starts = queue.files.load();
    if (starts === undefined) return this.reset(queue, 'there are files of another size');
    if (starts.length === 0) return undefined;
    const problem = await this.loadRow(queue, starts, trust);
    // The end of the row tells which offsets were given out, though all of it is made again.
    return problem ?? (queue.files.hadGap ? 'the files do not form a row' : undefined);
  }

  private async loadRow(
    queue: ConsumeQueue,
    starts: readonly number[],
    trust: QueueTrust,
  ): Promise<string | undefined> {
    const maxOffset = this.findEnd(queue, starts, trust.belowOffset);
    if (maxOffset === starts[0]) {
      // Nothing to believe. A file that begins with no entry at all still tells where the queue goes on.
      const isBare = !this.read(queue, maxOffset);
      queue.files.cutTo(isBare ? maxOffset + 1 : maxOffset);
      const start = isBare ? maxOffset : 0;
      queue.restore(start, start, start, -1);
      return undefined;
    }
    const lastRecord = this.lastRecordBefore(queue, starts[0], maxOffset);
    // A record older than the log cannot be compared, and no reader gets that far back.
    const isInLog = lastRecord !== undefined && lastRecord.physicalOffset >= trust.minPhysicalOffset;
    if (trust.verify && isInLog && !(await this.matches(queue, lastRecord))) {
      return this.reset(queue, `entry ${lastRecord.queueOffset} does not match the log`);
    }
    if (trust.verify || this.hasMore(queue, starts, maxOffset)) queue.files.cutTo(maxOffset);
    const minOffset = this.findMin(queue, starts[0], maxOffset, trust.minPhysicalOffset);
    queue.restore(
      starts[0],
      minOffset,
      maxOffset,
      lastRecord === undefined ? -1 : lastRecord.physicalOffset + lastRecord.sizeBytes,
    );
    return undefined;
  }

  private reset(queue: ConsumeQueue, reason: string): string {
    queue.files.removeAll();
    queue.restore(0, 0, 0, -1);
    return reason;
  }

  /** Behind the last entry that is believed: those form a row from the start. */
  private findEnd(queue: ConsumeQueue, starts: readonly number[], belowOffset: number): number {
    const isBelieved = (queueOffset: number): boolean => {
      if (!this.read(queue, queueOffset)) return false;
      return this.oneWindow.isGap(0) || this.oneWindow.physicalOffset(0) < belowOffset;
    };
    let file = starts.length - 1;
    while (file > 0 && !isBelieved(starts[file])) file--;
    let low = starts[file];
    const fileEnd = starts[file] + this.options.fileEntries;
    // Most queues of a store with thousands are short: look near the start first.
    let step = PIECE_ENTRIES;
    while (low + step < fileEnd && isBelieved(low + step - 1)) {
      low += step;
      step *= 2;
    }
    let high = Math.min(low + step, fileEnd);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isBelieved(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private lastRecordBefore(
    queue: ConsumeQueue,
    start: number,
    end: number,
  ): { queueOffset: number; physicalOffset: number; sizeBytes: number } | undefined {
    for (let queueOffset = end - 1; queueOffset >= start; queueOffset--) {
      if (!this.read(queue, queueOffset) || this.oneWindow.isGap(0)) continue;
      return { queueOffset, physicalOffset: this.oneWindow.physicalOffset(0), sizeBytes: this.oneWindow.sizeBytes(0) };
    }
    return undefined;
  }

  private async matches(
    queue: ConsumeQueue,
    entry: { queueOffset: number; physicalOffset: number; sizeBytes: number },
  ): Promise<boolean> {
    const found = await this.scanner.recordAt(entry.physicalOffset);
    if (found === undefined) return false;
    const record = this.decoder.decode(found.buffer, 0, found.sizeBytes);
    return (
      found.sizeBytes === entry.sizeBytes &&
      record.topic === queue.topic &&
      record.queueId === queue.queueId &&
      record.queueOffset === entry.queueOffset
    );
  }

  private hasMore(queue: ConsumeQueue, starts: readonly number[], maxOffset: number): boolean {
    const filesEnd = (starts.at(-1) ?? 0) + this.options.fileEntries;
    return maxOffset < filesEnd && (maxOffset <= filesEnd - this.options.fileEntries || this.read(queue, maxOffset));
  }

  /** The first entry whose record is still in the log. A damaged entry must not hide what stands before it. */
  private findMin(queue: ConsumeQueue, start: number, end: number, minPhysicalOffset: number): number {
    const first = this.skipFillers(queue, start, end);
    let low = first;
    let high = end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      // Fillers, and what is no entry, say nothing: look at the record behind them.
      let probe = middle;
      while (probe < high && !this.readsRecord(queue, probe)) probe++;
      if (probe === high) high = middle;
      else if (this.oneWindow.physicalOffset(0) < minPhysicalOffset) low = probe + 1;
      else high = middle;
    }
    for (let before = low - 1; before >= Math.max(first, low - CHECKED_ENTRIES); before--) {
      if (this.readsRecord(queue, before) && this.oneWindow.physicalOffset(0) >= minPhysicalOffset)
        return this.firstFrom(queue, first, low, minPhysicalOffset);
    }
    return low;
  }

  private firstFrom(queue: ConsumeQueue, from: number, to: number, minPhysicalOffset: number): number {
    let at = from;
    while (at < to && !(this.readsRecord(queue, at) && this.oneWindow.physicalOffset(0) >= minPhysicalOffset)) at++;
    return at;
  }

  private readsRecord(queue: ConsumeQueue, queueOffset: number): boolean {
    return this.read(queue, queueOffset) && this.oneWindow.holdsRecord(0);
  }

  /** Behind the fillers that a queue begins with when its first message was not at a file's start. */
  private skipFillers(queue: ConsumeQueue, start: number, end: number): number {
    if (!this.read(queue, start) || !this.oneWindow.isGap(0)) return start;
    const bytes = Buffer.alloc(FILLER_PIECE_ENTRIES * ENTRY_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let from = start; from < end;) {
      const count = queue.files.readSync(from, Math.min(FILLER_PIECE_ENTRIES, end - from), bytes);
      if (count === 0) break;
      const window = new EntryWindow(view, from, from + count, 0);
      for (let queueOffset = from; queueOffset < from + count; queueOffset++) {
        if (!window.isGap(queueOffset)) return queueOffset;
      }
      from += count;
    }
    return end;
  }

  /** Reads one entry into `oneWindow`. @returns false when there is none. */
  private read(queue: ConsumeQueue, queueOffset: number): boolean {
    if (queueOffset < this.pieceFrom || queueOffset >= this.pieceFrom + this.pieceCount) {
      const inFile = queueOffset % this.options.fileEntries;
      this.pieceFrom = queueOffset - (inFile % PIECE_ENTRIES);
      this.pieceCount = queue.files.readSync(this.pieceFrom, PIECE_ENTRIES, this.piece);
      if (queueOffset >= this.pieceFrom + this.pieceCount) return false;
    }
    const at = (queueOffset - this.pieceFrom) * ENTRY_BYTES;
    this.piece.copy(this.oneEntry, 0, at, at + ENTRY_BYTES);
    return this.oneWindow.isEntry(0);
  }
}
