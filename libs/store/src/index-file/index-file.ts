import { basename } from 'node:path';
import { syncData } from '../io/durable.js';
import { atPath, type FileSystem, mayLosePages, type StoreFile } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { copyRange, replaceFile } from '../io/replace-file.js';
import { readFully, writeAll } from '../io/transfer.js';
import type { IndexEntry, IndexHeader, IndexSizes } from './index-layout.js';
import {
  decodeIndexHeader,
  encodeIndexHeader,
  entryPosition,
  INDEX_ENTRY_BYTES,
  INDEX_HEADER_BYTES,
  indexFileBytes,
  readIndexEntry,
  viewOf,
  writeIndexEntry,
} from './index-layout.js';
import type { KeyBatch } from './key-batch.js';
import { SlotTable } from './slot-table.js';

const MAX_INT32 = 0x7fff_ffff;

export interface IndexFileContext {
  readonly sizes: IndexSizes;
  readonly fileSystem: FileSystem;
  readonly handles: HandlePool;
  /** Entries kept back before they are written. */
  readonly bufferEntries: number;
  /** A write or an fdatasync failed in a way that may have taken pages with it: the disk may not have what the file shows. */
  readonly onLostPages?: () => void;
}

/**
 * One index file (RocketMQ's IndexFile.java): header, hash slots, entries. Entries are gathered in memory and written in large pieces; slots
 * and header are written by a commit, after the entries they point to are on stable storage. So whatever a crash leaves, each slot of the file
 * points to an entry that is there.
 */
export class IndexFile {
  readonly name: string;
  readonly slots: SlotTable;
  /** Entries up to here are in the file, those from here on in the buffer. */
  private bufferedFrom: number;
  private buffer: Buffer | undefined = undefined;
  private view: DataView | undefined = undefined;
  private changed = false;

  constructor(
    readonly path: string,
    readonly header: IndexHeader,
    private readonly context: IndexFileContext,
    private nameDurable: boolean,
  ) {
    this.name = basename(path);
    this.slots = new SlotTable(path, context.sizes.slots, context.handles, !nameDurable);
    this.bufferedFrom = header.indexCount;
  }

  /** Makes a file, sparse and of its full size, that goes on from the one before. */
  static create(path: string, previous: IndexHeader | undefined, context: IndexFileContext): IndexFile {
    context.handles.open(path, { create: true }).truncate(indexFileBytes(context.sizes));
    const header: IndexHeader = {
      beginTimestamp: previous?.endTimestamp ?? 0,
      endTimestamp: previous?.endTimestamp ?? 0,
      beginPhyOffset: previous?.endPhyOffset ?? 0,
      endPhyOffset: previous?.endPhyOffset ?? 0,
      hashSlotCount: 0,
      indexCount: 1,
    };
    return new IndexFile(path, header, context, false);
  }

  /** Opens a file of the right size. */
  static async load(path: string, context: IndexFileContext): Promise<IndexFile> {
    const bytes = Buffer.alloc(INDEX_HEADER_BYTES);
    const lease = context.handles.retain(path);
    try {
      await readFully(lease.file, bytes, 0, bytes.length, 0);
    } finally {
      lease.release();
    }
    return new IndexFile(path, decodeIndexHeader(bytes), context, true);
  }

  get sizes(): IndexSizes {
    return this.context.sizes;
  }

  get isFull(): boolean {
    return this.header.indexCount >= this.context.sizes.entries;
  }

  /** Entries in the file. */
  get entryCount(): number {
    return this.header.indexCount - 1;
  }

  /** Something is not committed. */
  get isDirty(): boolean {
    return this.changed;
  }

  get memoryBytes(): number {
    return this.slots.residentBytes + (this.buffer?.length ?? 0);
  }

  /** Takes entries whose slots are resident (`slots.ensure`), as many as fit. @returns where in the batch it stopped. */
  append(batch: KeyBatch, from: number): number {
    const { header, context, slots } = this;
    const { hashes, physicalOffsets, storeTimestamps } = batch;
    this.buffer ??= Buffer.allocUnsafeSlow(context.bufferEntries * INDEX_ENTRY_BYTES);
    const view = (this.view ??= viewOf(this.buffer));
    const room = Math.min(
      context.bufferEntries - (header.indexCount - this.bufferedFrom),
      context.sizes.entries - header.indexCount,
    );
    const end = Math.min(batch.count, from + room);
    let at = (header.indexCount - this.bufferedFrom) * INDEX_ENTRY_BYTES;
    for (let i = from; i < end; i++) {
      const index = header.indexCount;
      const slot = hashes[i] % context.sizes.slots;
      let previous = slots.get(slot);
      if (previous <= 0 || previous >= index) previous = 0;
      const timestamp = storeTimestamps[i];
      const timeDiff = header.beginTimestamp <= 0 ? 0 : Math.trunc((timestamp - header.beginTimestamp) / 1000);
      const clamped = timeDiff > MAX_INT32 ? MAX_INT32 : timeDiff < 0 ? 0 : timeDiff;
      writeIndexEntry(view, at, hashes[i], physicalOffsets[i], clamped, previous);
      at += INDEX_ENTRY_BYTES;
      slots.set(slot, index);
      if (index === 1) {
        header.beginPhyOffset = physicalOffsets[i];
        header.beginTimestamp = timestamp;
      }
      if (previous === 0) header.hashSlotCount++;
      header.indexCount = index + 1;
    }
    if (end > from) {
      header.endPhyOffset = physicalOffsets[end - 1];
      header.endTimestamp = storeTimestamps[end - 1];
      this.changed = true;
    }
    return end;
  }

  /** Entries below this index stand in the file. */
  get writtenCount(): number {
    return this.bufferedFrom;
  }

  /** The buffer has no room left. */
  get mustWrite(): boolean {
    return this.header.indexCount - this.bufferedFrom >= this.context.bufferEntries;
  }

  /** Writes the entries that are only in memory. Nothing may be appended meanwhile. */
  async writeEntries(): Promise<void> {
    const { buffer, bufferedFrom } = this;
    const end = this.header.indexCount;
    if (buffer === undefined || end === bufferedFrom) return;
    const length = (end - bufferedFrom) * INDEX_ENTRY_BYTES;
    await this.withFile((file) => this.write(file, buffer, length, entryPosition(this.sizes, bufferedFrom)));
    this.bufferedFrom = end;
  }

  /** Brings everything to stable storage: entries first, then the slots and the header that tell of them. Nothing may be appended meanwhile. */
  async commit(): Promise<void> {
    if (!this.changed) return;
    await this.writeEntries();
    await this.withFile(async (file) => {
      await this.sync(file);
      try {
        await this.slots.write(file);
      } catch (error) {
        throw this.failed(error);
      }
      await this.write(file, encodeIndexHeader(this.header), INDEX_HEADER_BYTES, 0);
      await this.sync(file);
    });
    if (!this.nameDurable) {
      await this.syncName();
      this.nameDurable = true;
    }
    this.changed = false;
  }

  /** Gives the memory back that a commit made superfluous. */
  release(): void {
    if (this.changed) return;
    this.buffer = undefined;
    this.view = undefined;
    this.slots.release();
  }

  /** The entry, when it is only in memory. */
  bufferedEntry(index: number): IndexEntry | undefined {
    if (index < this.bufferedFrom || this.view === undefined) return undefined;
    return readIndexEntry(this.view, (index - this.bufferedFrom) * INDEX_ENTRY_BYTES);
  }

  /** Reads entries from the file into `target`. @returns how many whole ones there were. */
  async readEntries(index: number, count: number, target: Buffer): Promise<number> {
    const lease = this.context.handles.retain(this.path);
    try {
      const length = Math.min(count, this.sizes.entries - index) * INDEX_ENTRY_BYTES;
      const read = await readFully(lease.file, target, 0, length, entryPosition(this.sizes, index));
      return Math.floor(read / INDEX_ENTRY_BYTES);
    } finally {
      lease.release();
    }
  }

  /** Continues the file at an entry: later ones are wiped. Their slots were repaired before, and `header` set. */
  async cutEntries(index: number): Promise<void> {
    this.changed = true;
    this.bufferedFrom = index;
    await this.commit();
    const file = this.context.handles.open(this.path);
    file.truncate(entryPosition(this.sizes, index));
    file.truncate(indexFileBytes(this.sizes));
  }

  /**
   * Makes the file anew on other blocks of the disk, with the entries before an index: those and their slots were synced, or are right in memory. The same
   * as `cutEntries` besides.
   */
  async replaceWith(index: number): Promise<void> {
    const { fileSystem, handles } = this.context;
    await this.withFile((source) =>
      replaceFile(fileSystem, this.path, indexFileBytes(this.sizes), async (file) => {
        await copyRange(source, file, 0, entryPosition(this.sizes, index));
        await this.slots.write(file);
        await writeAll(file, encodeIndexHeader(this.header), 0, INDEX_HEADER_BYTES, 0);
      }),
    );
    handles.forget(this.path);
    await this.syncName();
    this.nameDurable = true;
    this.bufferedFrom = index;
    this.changed = false;
  }

  remove(): void {
    this.context.handles.forget(this.path);
    this.context.fileSystem.remove(this.path);
  }

  private async withFile<T>(work: (file: StoreFile) => Promise<T>): Promise<T> {
    const lease = this.context.handles.retain(this.path);
    try {
      return await work(lease.file);
    } finally {
      lease.release();
    }
  }

  private async write(file: StoreFile, bytes: Buffer, length: number, position: number): Promise<void> {
    try {
      await writeAll(file, bytes, 0, length, position);
    } catch (error) {
      throw this.failed(error);
    }
  }

  private async sync(file: StoreFile): Promise<void> {
    try {
      await syncData(file);
    } catch (error) {
      this.context.onLostPages?.();
      throw atPath(this.path, error as Error);
    }
  }

  private failed(error: unknown): Error {
    if (mayLosePages(error)) this.context.onLostPages?.();
    return atPath(this.path, error as Error);
  }

  private syncName(): Promise<void> {
    const folder = this.path.slice(0, -this.name.length - 1);
    return new Promise((resolve, reject) => {
      this.context.fileSystem.syncFolder(folder, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }
}
