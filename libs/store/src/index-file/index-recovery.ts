import { join } from 'node:path';
import { removeCopies } from '../io/replace-file.js';
import type { IndexFileContext } from './index-file.js';
import { IndexFile } from './index-file.js';
import { isIndexFileName } from './index-file-name.js';
import type { IndexEntry } from './index-layout.js';
import { INDEX_ENTRY_BYTES, indexFileBytes, readIndexEntry, viewOf } from './index-layout.js';

/** Up to where an index is complete, as the checkpoint keeps it. */
export interface IndexPoint {
  /** Physical offset: the keys of all messages before it are in the files, on stable storage. */
  readonly offset: number;
  /** Entries of all files at that point: with fewer, a file is missing. */
  readonly entryCount: number;
}

/** What is known of the store that an index belongs to. */
export interface IndexOrigin {
  readonly point: IndexPoint | undefined;
  /** The checkpoint is ours: without a point in it, the files are not to be believed. */
  readonly isOwnCheckpoint: boolean;
  readonly cleanStop: boolean;
  /** A write or an fdatasync of the files failed: what was not committed may not be on the disk, and what is written over it there may not last. */
  readonly isDoubted: boolean;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** RocketMQ's indexMsgTimestamp: store time of the last message of the last full file. */
  readonly indexMsgTimestamp: number;
  /** Whether the message at the offset has a key of that hash; undefined when there is no message. */
  hasKey(physicalOffset: number, keyHash: number): Promise<{ matches: boolean; storeTimestamp: number } | undefined>;
}

export interface RecoveredIndex {
  readonly files: IndexFile[];
  /** Where the index goes on. */
  readonly resumeOffset: number;
  /** What a human may want to know. */
  readonly notes: readonly string[];
}

const PIECE_ENTRIES = 32_768;

/**
 * Finds out which entries of the index files are to be believed, and takes the others back: those behind the checkpoint's point, or behind the
 * end of the log (RocketMQ drops whole files, IndexService.load). A missing, damaged or foreign file means that all are made again.
 */
export class IndexRecovery {
  private readonly notes: string[] = [];
  private readonly piece = Buffer.allocUnsafeSlow(PIECE_ENTRIES * INDEX_ENTRY_BYTES);
  private readonly pieceView = viewOf(this.piece);

  constructor(
    private readonly folder: string,
    private readonly context: IndexFileContext,
    private readonly origin: IndexOrigin,
  ) {}

  async run(): Promise<RecoveredIndex> {
    const { origin } = this;
    const files = await this.loadFiles();
    if (files === undefined) return this.startOver('a file has another size than maxHashSlotNum and maxIndexNum give');
    if (origin.point === undefined && origin.isOwnCheckpoint) {
      return files.length === 0 ? this.startOver() : this.startOver('the checkpoint tells nothing of them');
    }
    if (!origin.cleanStop && origin.point === undefined) this.dropUnfinished(files);
    const limit = this.limitOf(files);
    if (!(await this.cutTo(files, limit)))
      return this.startOver('the last file was begun after the checkpoint, and not finished', files);
    const expected = origin.point !== undefined && limit === origin.point.offset ? origin.point.entryCount : 0;
    const found = files.reduce((sum, file) => sum + file.entryCount, 0);
    if (found < expected) return this.startOver(`${expected} entries are expected and ${found} are there`, files);
    if (files.length === 0) return { files, resumeOffset: origin.logStartOffset, notes: this.notes };
    if (!(await this.lastEntryMatches(files[files.length - 1]))) {
      return this.startOver('the last entry does not match the message that it points to', files);
    }
    return { files, resumeOffset: Math.max(limit, origin.logStartOffset), notes: this.notes };
  }

  /** Opens the files in order; undefined when one of them has another size. */
  private async loadFiles(): Promise<IndexFile[] | undefined> {
    const { fileSystem, sizes } = this.context;
    const found = fileSystem.list(this.folder);
    removeCopies(fileSystem, this.folder, found);
    const names = found
      .filter(({ name, isFolder }) => !isFolder && isIndexFileName(name))
      .map(({ name }) => name)
      .sort();
    const files: IndexFile[] = [];
    for (const name of names) {
      const path = join(this.folder, name);
      const sizeBytes = fileSystem.stat(path)?.sizeBytes ?? 0;
      if (sizeBytes === 0) {
        // Made, but nothing more, before a crash.
        fileSystem.remove(path);
        continue;
      }
      if (sizeBytes !== indexFileBytes(sizes)) return undefined;
      files.push(await IndexFile.load(path, this.context));
    }
    return files;
  }

  /** What RocketMQ was writing when it was killed is not to be believed: its slots and entries reach the disk in any order. */
  private dropUnfinished(files: IndexFile[]): void {
    while (files.length > 0) {
      const last = files[files.length - 1];
      if (last.header.endTimestamp <= this.origin.indexMsgTimestamp && last.entryCount > 0) return;
      this.notes.push(`index file ${last.name} was not finished: it is made again from the log`);
      last.remove();
      files.pop();
    }
  }

  /** Entries of messages from here on are taken back. */
  private limitOf(files: readonly IndexFile[]): number {
    const { point, logEndOffset } = this.origin;
    if (point !== undefined) return Math.min(point.offset, logEndOffset);
    // RocketMQ's own: the keys of the last message may be there in part.
    const last = files.at(-1)?.header.endPhyOffset ?? 0;
    return Math.min(last, logEndOffset);
  }

  /**
   * @returns false when the last file is not one that the checkpoint speaks of: header and slots are on stable storage before the checkpoint tells of entries. It
   * belongs to an index that was begun anew, and the checkpoint to the one before.
   */
  private async cutTo(files: IndexFile[], limit: number): Promise<boolean> {
    const { point, cleanStop, isDoubted } = this.origin;
    while (files.length > 0) {
      const last = files[files.length - 1];
      if (cleanStop && !isDoubted && point !== undefined && last.header.endPhyOffset < limit) {
        const found = files.reduce((sum, file) => sum + file.entryCount, 0);
        if (found === point.entryCount) return true;
      }
      const end = await this.findEnd(last, limit);
      if (end > 1) {
        if (point !== undefined && end > last.header.indexCount) return false;
        await this.cutFile(last, end);
        return true;
      }
      last.remove();
      files.pop();
    }
    return true;
  }

  /** The first entry that is not there, or that belongs to a message from `limit` on: offsets ascend. */
  private async findEnd(file: IndexFile, limit: number): Promise<number> {
    let low = 1;
    let high = file.sizes.entries;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const entry = await this.entryAt(file, middle);
      if (entry !== undefined && entry.physicalOffset < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private async cutFile(file: IndexFile, end: number): Promise<void> {
    const { header } = file;
    const countBefore = header.indexCount;
    const stop = await this.endOfWritten(file, end);
    const { isDoubted } = this.origin;
    if (end === header.indexCount && stop === end && !isDoubted) return;
    await this.takeBackSlots(file, end, stop, countBefore);
    const last = await this.entryAt(file, end - 1);
    const first = await this.entryAt(file, 1);
    if (last === undefined || first === undefined) return;
    header.indexCount = end;
    header.beginPhyOffset = first.physicalOffset;
    header.endPhyOffset = last.physicalOffset;
    const record = await this.origin.hasKey(last.physicalOffset, last.keyHash);
    header.endTimestamp = record?.storeTimestamp ?? header.beginTimestamp + last.timeDiffSeconds * 1000;
    if (isDoubted) await file.replaceWith(end);
    else await file.cutEntries(end);
  }

  /** Behind the last entry that stands in the file without a gap. */
  private async endOfWritten(file: IndexFile, from: number): Promise<number> {
    for (let index = from; index < file.sizes.entries;) {
      const count = await file.readEntries(index, PIECE_ENTRIES, this.piece);
      for (let i = 0; i < count; i++) {
        if (this.isEmpty(i * INDEX_ENTRY_BYTES)) return index + i;
      }
      if (count < PIECE_ENTRIES) return index + count;
      index += count;
    }
    return file.sizes.entries;
  }

  /** Lets each slot point to its newest entry before `end` again: from the newest entry to the oldest, each hands its slot back. */
  private async takeBackSlots(file: IndexFile, end: number, stop: number, countBefore: number): Promise<void> {
    const { slots, sizes, header } = file;
    const hashes = new Int32Array(PIECE_ENTRIES);
    for (let to = stop; to > end;) {
      const from = Math.max(end, to - PIECE_ENTRIES);
      const count = await file.readEntries(from, to - from, this.piece);
      for (let i = 0; i < count; i++) hashes[i] = this.pieceView.getInt32(i * INDEX_ENTRY_BYTES) & 0x7fff_ffff;
      await slots.ensure(hashes, count);
      for (let i = count - 1; i >= 0; i--) {
        const slot = hashes[i] % sizes.slots;
        if (slots.get(slot) !== from + i) continue;
        const { previousIndex } = readIndexEntry(this.pieceView, i * INDEX_ENTRY_BYTES);
        const isValid = previousIndex > 0 && previousIndex < from + i;
        slots.set(slot, isValid ? previousIndex : 0);
        // The header counts slots as of its own writing.
        if (!isValid && from + i < countBefore && header.hashSlotCount > 0) header.hashSlotCount--;
      }
      to = from;
    }
  }

  private async lastEntryMatches(file: IndexFile): Promise<boolean> {
    const entry = await this.entryAt(file, file.header.indexCount - 1);
    if (entry === undefined) return false;
    // What retention removed cannot be compared.
    if (entry.physicalOffset < this.origin.logStartOffset) return true;
    return (await this.origin.hasKey(entry.physicalOffset, entry.keyHash))?.matches === true;
  }

  private async entryAt(file: IndexFile, index: number): Promise<IndexEntry | undefined> {
    if (index < 1 || (await file.readEntries(index, 1, this.piece)) < 1 || this.isEmpty(0)) return undefined;
    return readIndexEntry(this.pieceView, 0);
  }

  private isEmpty(at: number): boolean {
    for (let i = 0; i < INDEX_ENTRY_BYTES; i += 4) if (this.pieceView.getInt32(at + i) !== 0) return false;
    return true;
  }

  /** Removes all files: the index is made again from the whole log. */
  private startOver(reason?: string, files: readonly IndexFile[] = []): RecoveredIndex {
    for (const file of files) file.remove();
    const { fileSystem, handles } = this.context;
    for (const { name, isFolder } of fileSystem.list(this.folder)) {
      if (isFolder || !isIndexFileName(name)) continue;
      handles.forget(join(this.folder, name));
      fileSystem.remove(join(this.folder, name));
    }
    const { logStartOffset, logEndOffset } = this.origin;
    if (reason !== undefined && logEndOffset > logStartOffset) {
      this.notes.push(`the index files are made again from the log: ${reason}`);
    }
    return { files: [], resumeOffset: logStartOffset, notes: this.notes };
  }
}
