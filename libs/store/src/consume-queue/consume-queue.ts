import { StoreError } from '../errors.js';
import { EntryTail } from './entry-tail.js';
import { ENTRY_BYTES, EntryWindow, writeGapEntry } from './queue-entry.js';
import type { QueueFiles } from './queue-files.js';
import type { QueueMemory } from './queue-memory.js';
import type { QueueState } from './queue-state.js';

const GAP_PIECE_ENTRIES = 3_200;

/**
 * The messages of one queue, in order: for each queue offset where its record stands in the commit log (RocketMQ's
 * ConsumeQueue.java). New entries stay in memory until `write`; the log is the truth, so losing them costs a rebuild, not a message.
 */
export class ConsumeQueue {
  /** Queue offset of the first message that can still be read. */
  minOffset = 0;
  /** Queue offset behind the last message that can be read. */
  maxOffset = 0;
  /** Queue offset at which the first file starts, or will start once it is written. */
  private baseOffset = 0;
  /** Queue offset for the next append. Runs ahead of `maxOffset` by what is being written. */
  assignedOffset = 0;
  /** Physical offset behind the newest record that was dispatched to this queue. */
  maxPhysicalOffset = -1;
  /** Monotonic time of the newest entry. */
  lastAppendMs = 0;
  /** Monotonic time of the oldest entry that is in no file yet. */
  unwrittenSinceMs = 0;
  /** The queue was deleted; what still refers to it adds nothing any more. */
  deleted = false;
  /** A file of it failed: what was written since the last good fdatasync may not be on the disk, nor be read as it was written. */
  isDoubted = false;
  /** Its files are being replaced: entries stay in memory until that is over. */
  isHeld = false;
  private tail: EntryTail | undefined = undefined;
  private writtenOffset = 0;
  private syncedOffset = 0;
  /** Start of the space before the first entry that must be filled in its file (none when it is the file's start), or -1. */
  private gapFrom = -1;

  constructor(
    readonly topic: string,
    /** UTF-8 of the topic, shared by its queues. */
    readonly topicBytes: Buffer,
    readonly queueId: number,
    readonly files: QueueFiles,
    private readonly maxTailEntries: number,
    private readonly memory: QueueMemory,
  ) {}

  /** Entries that the files hold, or will hold, fillers included. */
  get entryCount(): number {
    return this.maxOffset - this.baseOffset;
  }

  get isEmpty(): boolean {
    return this.maxOffset === this.minOffset;
  }

  get unwrittenEntries(): number {
    return this.maxOffset - this.writtenOffset;
  }

  get needsSync(): boolean {
    return this.syncedOffset < this.writtenOffset;
  }

  get tailBytes(): number {
    return this.tail?.sizeBytes ?? 0;
  }

  /** The next message of the queue: the caller knows that it is. */
  push(physicalOffset: number, sizeBytes: number, tagsCode: number): void {
    this.tail ??= new EntryTail(this.maxOffset, this.maxTailEntries, this.memory);
    this.tail.push(physicalOffset, sizeBytes, tagsCode, this.writtenOffset);
    this.maxOffset++;
    this.memory.unwrittenEntries++;
    this.maxPhysicalOffset = physicalOffset + sizeBytes;
  }

  /** An entry that points nowhere: the queue offset is taken by a message that no longer exists. */
  pushGap(): void {
    this.tail ??= new EntryTail(this.maxOffset, this.maxTailEntries, this.memory);
    this.tail.pushGap(this.writtenOffset);
    this.maxOffset++;
    this.memory.unwrittenEntries++;
  }

  /** Starts an empty queue at any offset. The space before it in its first file gets fillers, as RocketMQ has it. */
  startAt(queueOffset: number): void {
    const fileStart = this.files.fileStart(queueOffset);
    this.forgetEntries();
    this.minOffset = this.maxOffset = this.writtenOffset = queueOffset;
    this.assignedOffset = Math.max(this.assignedOffset, queueOffset);
    this.baseOffset = this.gapFrom = this.syncedOffset = fileStart;
  }

  /** Takes over what recovery found in the files. */
  restore(baseOffset: number, minOffset: number, maxOffset: number, maxPhysicalOffset: number): void {
    this.forgetEntries();
    this.gapFrom = -1;
    this.baseOffset = baseOffset;
    this.minOffset = minOffset;
    this.maxOffset = this.assignedOffset = this.writtenOffset = this.syncedOffset = maxOffset;
    this.maxPhysicalOffset = maxPhysicalOffset;
  }

  /** Everything from that offset on is in memory, or there is nothing. */
  isResident(queueOffset: number): boolean {
    return queueOffset >= this.maxOffset || (this.tail !== undefined && queueOffset >= this.tail.startOffset);
  }

  /** Entries from `fromOffset` on that are in memory, at most `count`; undefined when the first one is not. Valid until the next push. */
  residentWindow(fromOffset: number, count: number): EntryWindow | undefined {
    const tail = this.tail;
    if (tail === undefined || fromOffset < tail.startOffset) return undefined;
    return tail.window(fromOffset, Math.min(fromOffset + count, tail.endOffset));
  }

  /**
   * Entries from the file, at most `count` and at most to the file's end; empty when there is no such file.
   *
   * @param memory of a window that nobody needs any more, to be used again when it is large enough
   */
  readWindowSync(fromOffset: number, count: number, memory?: Buffer): EntryWindow {
    const wanted = this.readable(fromOffset, count);
    if (wanted === 0) return emptyWindow(fromOffset);
    const bytes = roomFor(wanted, memory);
    return this.toWindow(bytes, fromOffset, this.files.readSync(fromOffset, wanted, bytes));
  }

  /** The same off the event loop. */
  async readWindow(fromOffset: number, count: number, memory?: Buffer): Promise<EntryWindow> {
    const wanted = this.readable(fromOffset, count);
    if (wanted === 0) return emptyWindow(fromOffset);
    const bytes = roomFor(wanted, memory);
    return this.toWindow(bytes, fromOffset, await this.files.read(fromOffset, wanted, bytes));
  }

  /** How many of {@link entryCount} point before a place in the log; rather too few than too many where an entry cannot be read. */
  entriesBefore(physicalOffset: number): number {
    if (this.maxPhysicalOffset <= physicalOffset) return this.entryCount;
    let low = this.minOffset;
    let high = this.maxOffset;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const window = this.residentWindow(middle, 1) ?? this.readWindowSync(middle, 1);
      const isBefore =
        window.toOffset > middle && window.holdsRecord(middle) && window.physicalOffset(middle) < physicalOffset;
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low - this.baseOffset;
  }

  /** Writes the entries that are only in memory to their files. Throws what the file system throws; nothing is lost then. */
  write(): void {
    if (this.isHeld) return;
    if (this.gapFrom >= 0) this.writeGap();
    if (this.tail === undefined || this.writtenOffset === this.maxOffset) return;
    this.files.write(this.writtenOffset, this.tail.slice(this.writtenOffset, this.maxOffset));
    this.memory.unwrittenEntries -= this.unwrittenEntries;
    this.writtenOffset = this.maxOffset;
  }

  /** What an fdatasync must cover: the files with the entries of `[fromOffset, toOffset)`. `toOffset` is for `markSynced` afterwards. */
  unsynced(): { paths: string[]; fromOffset: number; toOffset: number } {
    const { syncedOffset: fromOffset, writtenOffset: toOffset } = this;
    return { paths: this.files.pathsOf(fromOffset, toOffset), fromOffset, toOffset };
  }

  markSynced(toOffset: number): void {
    this.syncedOffset = Math.max(this.syncedOffset, Math.min(toOffset, this.writtenOffset));
  }

  /** The messages before the offset are gone from the log. */
  raiseMinOffset(queueOffset: number): void {
    this.minOffset = Math.max(this.minOffset, Math.min(queueOffset, this.maxOffset));
  }

  /**
   * Takes the oldest file out of the row when no message that it leads to can be read any more; never the last one, which tells where an
   * emptied queue goes on. The caller removes it. @returns its path, or undefined.
   */
  takeOldestFile(): string | undefined {
    // A file before the first entry that is not written and synced yet is none of these.
    const path = this.files.takeFirst(Math.min(this.minOffset, this.syncedOffset));
    if (path !== undefined) this.baseOffset = this.files.firstOffset ?? this.baseOffset;
    return path;
  }

  /** Frees the memory of the tail when all of it is in the files. */
  releaseTail(): void {
    if (this.writtenOffset === this.maxOffset) this.forgetEntries();
  }

  /** What the queue holds in memory is not needed any more: it is in the files, or the queue is gone. */
  forgetEntries(): void {
    this.memory.unwrittenEntries -= this.unwrittenEntries;
    this.writtenOffset = this.maxOffset;
    this.tail?.release();
    this.tail = undefined;
  }

  /** Ends, files and unwritten entries, for the queue table. Fillers must be in the file (`needsFillers`). */
  state(): QueueState {
    const { minOffset, maxOffset, writtenOffset, syncedOffset, maxPhysicalOffset } = this;
    const unwritten = this.tail?.slice(writtenOffset, maxOffset);
    return {
      minOffset,
      maxOffset,
      writtenOffset,
      syncedOffset,
      maxPhysicalOffset,
      baseOffset: this.baseOffset,
      firstFileOffset: this.files.firstOffset ?? -1,
      lastFileOffset: this.files.lastOffset,
      unwritten: writtenOffset < maxOffset ? unwritten : undefined,
    };
  }

  /** Fillers before the first entry are to be written. */
  get needsFillers(): boolean {
    return this.gapFrom >= 0;
  }

  /** Takes over what the queue table kept, if the files are there. @returns false, and changes nothing, when one is missing. */
  adopt(state: QueueState): boolean {
    if (!this.files.adopt(state.firstFileOffset, state.lastFileOffset)) return false;
    this.restore(state.baseOffset, state.minOffset, state.maxOffset, state.maxPhysicalOffset);
    this.syncedOffset = state.syncedOffset;
    if (state.unwritten === undefined) return true;
    this.writtenOffset = state.writtenOffset;
    this.memory.unwrittenEntries += this.unwrittenEntries;
    this.tail = new EntryTail(state.writtenOffset, this.maxTailEntries, this.memory);
    this.tail.fill(state.unwritten);
    return true;
  }

  private toWindow(bytes: Buffer, fromOffset: number, count: number): EntryWindow {
    const window = new EntryWindow(
      new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
      fromOffset,
      fromOffset + count,
      0,
    );
    if (this.isDoubted) this.refuseHoles(window);
    return window;
  }

  /** A reader takes an entry that is not there for a message that is gone, and goes on behind it: this one comes back from the log. */
  private refuseHoles(window: EntryWindow): void {
    for (let offset = Math.max(window.fromOffset, this.syncedOffset); offset < window.toOffset; offset++) {
      if (window.isEntry(offset)) continue;
      throw new StoreError(
        'STORE_IO',
        `the disk lost entry ${offset} of the consume queue ${this.topic}-${this.queueId}: it is made again from the log, try again`,
        { topic: this.topic, queueId: this.queueId, queueOffset: offset },
      );
    }
  }

  private readable(fromOffset: number, count: number): number {
    return Math.max(0, Math.min(count, this.writtenOffset - fromOffset));
  }

  private writeGap(): void {
    this.files.prepare(this.writtenOffset);
    const piece = Buffer.alloc(GAP_PIECE_ENTRIES * ENTRY_BYTES);
    const view = new DataView(piece.buffer, piece.byteOffset);
    for (let i = 0; i < GAP_PIECE_ENTRIES; i++) writeGapEntry(view, i * ENTRY_BYTES);
    while (this.gapFrom < this.writtenOffset) {
      const count = Math.min(GAP_PIECE_ENTRIES, this.writtenOffset - this.gapFrom);
      this.files.write(this.gapFrom, piece.subarray(0, count * ENTRY_BYTES));
      this.gapFrom += count;
    }
    this.gapFrom = -1;
  }
}

function roomFor(entries: number, memory: Buffer | undefined): Buffer {
  const bytes = entries * ENTRY_BYTES;
  return memory !== undefined && memory.length >= bytes ? memory : Buffer.allocUnsafeSlow(bytes);
}

function emptyWindow(fromOffset: number): EntryWindow {
  return new EntryWindow(new DataView(new ArrayBuffer(0)), fromOffset, fromOffset, 0);
}
