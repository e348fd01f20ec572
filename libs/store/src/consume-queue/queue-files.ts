import { dirname, join } from 'node:path';
import { offsetFileName, parseOffsetFileName } from '../io/file-name.js';
import type { FileSystem, StoreFile } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { copyRange, removeCopies, replaceFile } from '../io/replace-file.js';
import { readFully, readFullySync, writeAll, writeFullySync } from '../io/transfer.js';
import { ENTRY_BYTES } from './queue-entry.js';

/** What the files of all consume queues share. */
export interface QueueFilesContext {
  readonly fileSystem: FileSystem;
  readonly handles: HandlePool;
  /** Entries of one file: 300,000. */
  readonly fileEntries: number;
  /** Folders in which names were made or changed that a checkpoint must make durable. */
  readonly unsyncedFolders: Set<string>;
}

/**
 * The files of one consume queue: `consumequeue/<topic>/<queueId>/<20-digit byte offset>`, each of its full size from the start.
 * The entry of queue offset n stands at byte 20 n of their row; the row may begin anywhere at a file's start.
 */
export class QueueFiles {
  /** Queue offset at which the first file starts; undefined when there is no file. */
  firstOffset: number | undefined = undefined;
  private namesNoted = false;
  private lastFileOffset = -1;
  private foundGap = false;

  constructor(
    readonly folder: string,
    private readonly context: QueueFilesContext,
  ) {}

  /** Files were missing between those that `load` found: it removed what stood before the last gap. */
  get hadGap(): boolean {
    return this.foundGap;
  }

  /** Start offsets (in entries) of the last files that form a row, in order; undefined when there are files of another kind. */
  load(): number[] | undefined {
    const { fileSystem, fileEntries } = this.context;
    const fileBytes = fileEntries * ENTRY_BYTES;
    const starts: number[] = [];
    const entries = fileSystem.list(this.folder);
    removeCopies(fileSystem, this.folder, entries);
    for (const entry of entries) {
      const start = parseOffsetFileName(entry.name);
      if (start === undefined || entry.isFolder) continue;
      if (start % fileBytes !== 0) return undefined;
      starts.push(start / ENTRY_BYTES);
    }
    starts.sort((a, b) => a - b);
    const rowFrom = starts.findLastIndex((start, i) => i > 0 && start !== starts[i - 1] + fileEntries);
    this.foundGap = rowFrom > 0;
    for (const start of starts.splice(0, Math.max(0, rowFrom))) fileSystem.remove(this.pathOf(start));
    for (const start of starts) {
      const file = this.context.handles.open(this.pathOf(start));
      const { sizeBytes } = file.stat();
      if (sizeBytes > fileBytes) return undefined;
      // A power loss between creation and first sync, or a cut tail: what is missing reads as "no entry".
      if (sizeBytes < fileBytes) file.truncate(fileBytes);
    }
    this.firstOffset = starts[0];
    this.lastFileOffset = starts.at(-1) ?? -1;
    return starts;
  }

  /** Queue offset at which the last file starts, or -1. */
  get lastOffset(): number {
    return this.lastFileOffset;
  }

  /** Takes over a row of files that was known before; -1 and -1: none. @returns false, and changes nothing, when one is missing or has another size. */
  adopt(firstOffset: number, lastOffset: number): boolean {
    const { fileSystem, fileEntries } = this.context;
    for (let start = firstOffset; start >= 0 && start <= lastOffset; start += fileEntries) {
      if (fileSystem.stat(this.pathOf(start))?.sizeBytes !== fileEntries * ENTRY_BYTES) return false;
    }
    this.firstOffset = firstOffset < 0 ? undefined : firstOffset;
    this.lastFileOffset = lastOffset;
    return true;
  }

  /** Start of the file that holds the queue offset. */
  fileStart(queueOffset: number): number {
    return queueOffset - (queueOffset % this.context.fileEntries);
  }

  /** Makes the file for a queue offset: an empty file tells where a queue goes on that has no messages left. */
  prepare(queueOffset: number): void {
    this.ensureFile(this.fileStart(queueOffset));
  }

  /** Writes entries at their places, making files as needed. */
  write(queueOffset: number, entries: Buffer): void {
    const { fileEntries, handles } = this.context;
    let done = 0;
    while (done < entries.length) {
      const at = queueOffset + done / ENTRY_BYTES;
      const fileStart = this.fileStart(at);
      const room = (fileStart + fileEntries - at) * ENTRY_BYTES;
      const length = Math.min(room, entries.length - done);
      this.ensureFile(fileStart);
      if (!this.namesNoted) this.noteNames();
      const file = handles.open(this.pathOf(fileStart));
      writeFullySync(file, entries, done, length, (at - fileStart) * ENTRY_BYTES);
      done += length;
    }
  }

  /**
   * Puts a new file, synced, in the place of the one with a queue offset: entries before it are copied, `entries` stand from there on, zeros follow. Rejects with
   * what the file system says, and the old one stays.
   *
   * @param isWanted asked at the end; false leaves the old one in its place.
   */
  async replace(queueOffset: number, entries: Buffer, isWanted: () => boolean): Promise<boolean> {
    const { fileSystem, handles, fileEntries, unsyncedFolders } = this.context;
    const fileStart = this.fileStart(queueOffset);
    const path = this.pathOf(fileStart);
    const position = (queueOffset - fileStart) * ENTRY_BYTES;
    const source = handles.retain(path);
    try {
      const fill = async (copy: StoreFile): Promise<void> => {
        await copyRange(source.file, copy, 0, position);
        await writeAll(copy, entries, 0, entries.length, position);
      };
      if (!(await replaceFile(fileSystem, path, fileEntries * ENTRY_BYTES, fill, isWanted))) return false;
    } finally {
      source.release();
    }
    handles.forget(path);
    unsyncedFolders.add(this.folder);
    return true;
  }

  /** Reads entries of one file. @returns the number of entries read. */
  readSync(queueOffset: number, count: number, target: Buffer): number {
    const { path, position, length } = this.place(queueOffset, count);
    return Math.floor(readFullySync(this.context.handles.open(path), target, 0, length, position) / ENTRY_BYTES);
  }

  /** The same off the event loop. */
  async read(queueOffset: number, count: number, target: Buffer): Promise<number> {
    const { path, position, length } = this.place(queueOffset, count);
    const lease = this.context.handles.retain(path);
    try {
      return Math.floor((await readFully(lease.file, target, 0, length, position)) / ENTRY_BYTES);
    } finally {
      lease.release();
    }
  }

  /** Paths of the files that hold entries of `[fromOffset, toOffset)`. */
  pathsOf(fromOffset: number, toOffset: number): string[] {
    const paths: string[] = [];
    for (let start = this.fileStart(fromOffset); start < toOffset; start += this.context.fileEntries) {
      paths.push(this.pathOf(start));
    }
    return paths;
  }

  /** Removes all entries from `queueOffset` on: later files go, the rest of its own file reads as zeros. */
  cutTo(queueOffset: number): void {
    const { fileEntries, handles, fileSystem } = this.context;
    if (this.firstOffset === undefined) return;
    while (this.lastFileOffset >= this.firstOffset && this.lastFileOffset >= queueOffset) {
      const path = this.pathOf(this.lastFileOffset);
      handles.forget(path);
      fileSystem.remove(path);
      this.lastFileOffset -= fileEntries;
    }
    if (this.lastFileOffset < this.firstOffset) {
      this.firstOffset = undefined;
      this.lastFileOffset = -1;
      return;
    }
    if (queueOffset >= this.lastFileOffset + fileEntries) return;
    const file = handles.open(this.pathOf(this.lastFileOffset));
    file.truncate((queueOffset - this.lastFileOffset) * ENTRY_BYTES);
    file.truncate(fileEntries * ENTRY_BYTES);
  }

  /**
   * Takes the oldest file out of the row when another one follows and it ends at `queueOffset` or before. The caller removes it.
   * @returns its path, or undefined when there is no such file.
   */
  takeFirst(queueOffset: number): string | undefined {
    const { fileEntries } = this.context;
    if (this.firstOffset === undefined || this.firstOffset === this.lastFileOffset) return undefined;
    if (this.firstOffset + fileEntries > queueOffset) return undefined;
    const path = this.pathOf(this.firstOffset);
    this.firstOffset += fileEntries;
    return path;
  }

  /** Closes the files: they are about to be moved or removed. */
  forgetHandles(): void {
    for (const entry of this.context.fileSystem.list(this.folder)) {
      this.context.handles.forget(join(this.folder, entry.name));
    }
  }

  removeAll(): void {
    this.forgetHandles();
    this.context.fileSystem.remove(this.folder);
    this.firstOffset = undefined;
    this.lastFileOffset = -1;
  }

  /** Whoever made the folders may have died before their names were durable: they are synced once in each run. */
  private noteNames(): void {
    this.namesNoted = true;
    const { unsyncedFolders } = this.context;
    const topicFolder = dirname(this.folder);
    for (const folder of [this.folder, topicFolder, dirname(topicFolder)]) unsyncedFolders.add(folder);
  }

  private ensureFile(fileStart: number): void {
    if (this.firstOffset !== undefined && fileStart >= this.firstOffset && fileStart <= this.lastFileOffset) return;
    const { handles, fileSystem, fileEntries } = this.context;
    fileSystem.makeFolder(this.folder);
    handles.open(this.pathOf(fileStart), { create: true }).truncate(fileEntries * ENTRY_BYTES);
    this.context.unsyncedFolders.add(this.folder);
    this.firstOffset ??= fileStart;
    this.lastFileOffset = Math.max(this.lastFileOffset, fileStart);
  }

  private place(queueOffset: number, count: number): { path: string; position: number; length: number } {
    const fileStart = this.fileStart(queueOffset);
    const inFile = Math.min(count, fileStart + this.context.fileEntries - queueOffset);
    return {
      path: this.pathOf(fileStart),
      position: (queueOffset - fileStart) * ENTRY_BYTES,
      length: inFile * ENTRY_BYTES,
    };
  }

  private pathOf(fileStart: number): string {
    return join(this.folder, offsetFileName(fileStart * ENTRY_BYTES));
  }
}
