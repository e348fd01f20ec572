/**
 * A consume queue entry: 20 bytes, big-endian.
 *
 * | offset | bytes | field |
 * |---|---|---|
 * | 0 | 8 | physical offset of the record |
 * | 8 | 4 | its TOTALSIZE |
 * | 12 | 8 | tagsCode: hash of TAGS, or the deliver time in the schedule topic |
 */
export const ENTRY_BYTES = 20;

/** Size field of the entries that fill the space before the first message of a queue that does not start at a file's start. */
export const GAP_SIZE = 0x7fff_ffff;

/** No record has that size: what has is a filler, or the part of one that a killed process had written (7f, 7fff, 7fffff). */
const TORN_GAP_SIZE = 0x7f00_0000;

/** What the upper half of a place in an entry counts. */
export const UINT32_RANGE = 0x1_0000_0000;

export function writeEntry(
  view: DataView,
  at: number,
  physicalOffset: number,
  sizeBytes: number,
  tagsCode: number,
): void {
  view.setUint32(at, Math.floor(physicalOffset / UINT32_RANGE));
  view.setUint32(at + 4, physicalOffset >>> 0);
  view.setInt32(at + 8, sizeBytes);
  view.setInt32(at + 12, Math.floor(tagsCode / UINT32_RANGE));
  view.setUint32(at + 16, tagsCode >>> 0);
}

export function writeGapEntry(view: DataView, at: number): void {
  writeEntry(view, at, 0, GAP_SIZE, 0);
}

/** A row of entries in memory, `view[0]` being the one at `fromOffset`. */
export class EntryWindow {
  constructor(
    readonly view: DataView,
    /** Queue offset of the first entry. */
    readonly fromOffset: number,
    /** Queue offset behind the last entry. */
    readonly toOffset: number,
    private readonly viewStart: number,
  ) {}

  physicalOffset(queueOffset: number): number {
    const at = this.at(queueOffset);
    return this.view.getInt32(at) * UINT32_RANGE + this.view.getUint32(at + 4);
  }

  sizeBytes(queueOffset: number): number {
    return this.view.getInt32(this.at(queueOffset) + 8);
  }

  tagsCode(queueOffset: number): number {
    const at = this.at(queueOffset) + 12;
    return this.view.getInt32(at) * UINT32_RANGE + this.view.getUint32(at + 4);
  }

  /** An entry that points at a record: not a hole of the file, and not a filler. */
  holdsRecord(queueOffset: number): boolean {
    const size = this.sizeBytes(queueOffset);
    return size > 0 && size < TORN_GAP_SIZE && this.physicalOffset(queueOffset) >= 0;
  }

  /** Either of a record or a filler, and all of it. */
  isEntry(queueOffset: number): boolean {
    return this.holdsRecord(queueOffset) || this.isGap(queueOffset);
  }

  isGap(queueOffset: number): boolean {
    return this.sizeBytes(queueOffset) === GAP_SIZE && this.physicalOffset(queueOffset) === 0;
  }

  /** Where the entry begins in `view`. */
  at(queueOffset: number): number {
    return this.viewStart + (queueOffset - this.fromOffset) * ENTRY_BYTES;
  }
}
