const UINT32_RANGE = 0x1_0000_0000;

export const INDEX_HEADER_BYTES = 40;
export const SLOT_BYTES = 4;
export const INDEX_ENTRY_BYTES = 20;

/** How large the files of an index are: all of one store are the same. */
export interface IndexSizes {
  /** [maxHashSlotNum] Slots of the hash table. */
  readonly slots: number;
  /** [maxIndexNum] Places for entries; the first one is never used, so a file holds one less. */
  readonly entries: number;
}

/** The first 40 bytes of an index file (RocketMQ's IndexHeader.java), offsets in brackets. */
export interface IndexHeader {
  /** Store time of the first message in ms [0]. */
  beginTimestamp: number;
  /** Store time of the newest message in ms [8]. */
  endTimestamp: number;
  /** Physical offset of the first message [16]. */
  beginPhyOffset: number;
  /** Physical offset of the newest message [24]. */
  endPhyOffset: number;
  /** Slots that are in use [32]. */
  hashSlotCount: number;
  /** Index of the next entry; 1 in an empty file [36]. */
  indexCount: number;
}

/**
 * One entry: key hash (int32), physical offset (int64), seconds between the store time and the header's begin (int32), and the entry that
 * was in the slot before (int32, 0: none). Entries of one slot form a chain from the newest to the oldest.
 */
export interface IndexEntry {
  readonly keyHash: number;
  readonly physicalOffset: number;
  readonly timeDiffSeconds: number;
  readonly previousIndex: number;
}

export function indexFileBytes({ slots, entries }: IndexSizes): number {
  return INDEX_HEADER_BYTES + slots * SLOT_BYTES + entries * INDEX_ENTRY_BYTES;
}

/** Byte of the file at which an entry stands. */
export function entryPosition({ slots }: IndexSizes, index: number): number {
  return INDEX_HEADER_BYTES + slots * SLOT_BYTES + index * INDEX_ENTRY_BYTES;
}

export function decodeIndexHeader(bytes: Buffer): IndexHeader {
  const view = viewOf(bytes);
  return {
    beginTimestamp: getInt64(view, 0),
    endTimestamp: getInt64(view, 8),
    beginPhyOffset: getInt64(view, 16),
    endPhyOffset: getInt64(view, 24),
    hashSlotCount: view.getInt32(32),
    indexCount: Math.max(1, view.getInt32(36)),
  };
}

export function encodeIndexHeader(header: IndexHeader): Buffer {
  const bytes = Buffer.alloc(INDEX_HEADER_BYTES);
  const view = viewOf(bytes);
  setInt64(view, 0, header.beginTimestamp);
  setInt64(view, 8, header.endTimestamp);
  setInt64(view, 16, header.beginPhyOffset);
  setInt64(view, 24, header.endPhyOffset);
  view.setInt32(32, header.hashSlotCount);
  view.setInt32(36, header.indexCount);
  return bytes;
}

export function readIndexEntry(view: DataView, at: number): IndexEntry {
  return {
    keyHash: view.getInt32(at),
    physicalOffset: getInt64(view, at + 4),
    timeDiffSeconds: view.getInt32(at + 12),
    previousIndex: view.getInt32(at + 16),
  };
}

export function writeIndexEntry(
  view: DataView,
  at: number,
  keyHash: number,
  physicalOffset: number,
  timeDiffSeconds: number,
  previousIndex: number,
): void {
  view.setInt32(at, keyHash);
  setInt64(view, at + 4, physicalOffset);
  view.setInt32(at + 12, timeDiffSeconds);
  view.setInt32(at + 16, previousIndex);
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function getInt64(view: DataView, at: number): number {
  return view.getInt32(at) * UINT32_RANGE + view.getUint32(at + 4);
}

function setInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / UINT32_RANGE));
  view.setUint32(at + 4, value >>> 0);
}
