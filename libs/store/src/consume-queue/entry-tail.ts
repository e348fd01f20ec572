import { ENTRY_BYTES, EntryWindow, writeEntry, writeGapEntry } from './queue-entry.js';
import type { QueueMemory } from './queue-memory.js';

/** Half a KiB with its objects: a store may have 40,000 queues, each with a few messages. */
const FIRST_CAPACITY_ENTRIES = 16;

/** The newest entries of one queue in memory: those not yet written to the file, and some written ones for readers of the tail. */
export class EntryTail {
  private bytes: Buffer;
  private view: DataView;
  private capacity = FIRST_CAPACITY_ENTRIES;
  /** Queue offset behind the newest entry. */
  endOffset: number;

  constructor(
    /** Queue offset of the oldest entry held. */
    public startOffset: number,
    private readonly maxEntries: number,
    private readonly memory: QueueMemory,
  ) {
    this.endOffset = startOffset;
    this.bytes = Buffer.allocUnsafeSlow(this.capacity * ENTRY_BYTES);
    memory.tailBytes += this.bytes.length;
    this.view = new DataView(this.bytes.buffer);
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  /** Gives the memory back; the tail is not used any more. */
  release(): void {
    this.memory.tailBytes -= this.bytes.length;
  }

  /** Adds an entry. Written entries make room first (`writtenOffset`); unwritten ones are kept whatever their number. */
  push(physicalOffset: number, sizeBytes: number, tagsCode: number, writtenOffset: number): void {
    const at = this.slot(writtenOffset); // may replace the view
    writeEntry(this.view, at, physicalOffset, sizeBytes, tagsCode);
    this.endOffset++;
  }

  pushGap(writtenOffset: number): void {
    const at = this.slot(writtenOffset);
    writeGapEntry(this.view, at);
    this.endOffset++;
  }

  /** Adds entries as they stand in a file. */
  fill(entries: Buffer): void {
    const count = entries.length / ENTRY_BYTES;
    while (this.capacity < count) this.makeRoom(this.startOffset);
    entries.copy(this.bytes);
    this.endOffset += count;
  }

  /** Bytes of `[fromOffset, toOffset)`, as a view that the next push may change. */
  slice(fromOffset: number, toOffset: number): Buffer {
    return this.bytes.subarray(
      (fromOffset - this.startOffset) * ENTRY_BYTES,
      (toOffset - this.startOffset) * ENTRY_BYTES,
    );
  }

  /** The entries of `[fromOffset, toOffset)`, valid until the next push. */
  window(fromOffset: number, toOffset: number): EntryWindow {
    return new EntryWindow(this.view, fromOffset, toOffset, (fromOffset - this.startOffset) * ENTRY_BYTES);
  }

  /** Forgets entries from `queueOffset` on. */
  cutTo(queueOffset: number): void {
    this.endOffset = Math.max(this.startOffset, Math.min(this.endOffset, queueOffset));
  }

  private slot(writtenOffset: number): number {
    const held = this.endOffset - this.startOffset;
    if (held === this.capacity) this.makeRoom(writtenOffset);
    return (this.endOffset - this.startOffset) * ENTRY_BYTES;
  }

  private makeRoom(writtenOffset: number): void {
    const held = this.endOffset - this.startOffset;
    // At full size, half of the entries go if they are in the file: then a push moves bytes once in `capacity / 2` times.
    const droppable = Math.min(writtenOffset - this.startOffset, held >> 1);
    const mayGrow = this.capacity < this.maxEntries && this.memory.hasRoomFor(this.bytes.length);
    if (!mayGrow && droppable > 0) {
      this.bytes.copyWithin(0, droppable * ENTRY_BYTES, held * ENTRY_BYTES);
      this.startOffset += droppable;
      return;
    }
    this.capacity *= 2;
    const bytes = Buffer.allocUnsafeSlow(this.capacity * ENTRY_BYTES);
    this.bytes.copy(bytes, 0, 0, held * ENTRY_BYTES);
    this.memory.tailBytes += bytes.length - this.bytes.length;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
