import { join } from 'node:path';
import { syncData, syncFolder } from '../io/durable.js';
import { offsetFileName, parseOffsetFileName } from '../io/file-name.js';
import { atPath, type FileSystem, mayLosePages } from '../io/file-system.js';
import { HandlePool } from '../io/handle-pool.js';
import { removeCopies } from '../io/replace-file.js';
import { readFully, writeAll } from '../io/transfer.js';
import { replaceTimerLogFile } from './timer-log-copy.js';
import { BLANK_BYTES, BLANK_MAGIC, decodeUnit, encodeUnit, type TimerUnit, UNIT_BYTES } from './timer-layout.js';

/** Units are read in blocks of so many. */
const BLOCK_UNITS = 315;
const BLOCK_BYTES = BLOCK_UNITS * UNIT_BYTES;
/** Blocks that are kept for the next reads: 1 MiB. */
const MAX_BLOCKS = 64;
const MAX_OPEN_FILES = 8;
/** Units that are added before they must be committed. */
const MAX_PENDING_UNITS = 4_096;

/** Units that wait to be written, one behind the other. */
interface PendingRun {
  readonly start: number;
  readonly bytes: Buffer;
  length: number;
}

/**
 * The folder `timerlog`: a unit for each message that waits, in files of one size. Units of a slot form a chain from the newest to the oldest.
 *
 * Follows `store/timer/TimerLog.java`.
 */
export class TimerLog {
  private readonly handles: HandlePool;
  private readonly blocks = new Map<number, Buffer>();
  /** Start positions of the files, ascending. */
  private starts: number[] = [];
  private pending: PendingRun[] = [];
  private dirtyFiles = new Set<number>();
  private madeFiles = false;
  private committed = 0;
  private next = 0;
  /** Units before it are on stable storage. */
  private flushed = 0;
  /** Files that failed: what was written to them since then may not be on the disk, nor be read as it was written. */
  private readonly doubted = new Set<number>();

  constructor(
    readonly folder: string,
    private fileSizeBytes: number,
    private readonly fileSystem: FileSystem,
  ) {
    this.handles = new HandlePool(fileSystem, MAX_OPEN_FILES);
  }

  /** Where the first unit stands. */
  get start(): number {
    return this.starts[0] ?? 0;
  }

  /** Behind the last file. */
  get filesEnd(): number {
    return this.starts.length === 0 ? 0 : this.starts[this.starts.length - 1] + this.fileSizeBytes;
  }

  /** Behind the last unit that is in the file. */
  get committedEnd(): number {
    return this.committed;
  }

  get isFull(): boolean {
    return this.next - this.committed >= MAX_PENDING_UNITS * UNIT_BYTES;
  }

  get isDirty(): boolean {
    return this.dirtyFiles.size > 0 || this.pending.length > 0 || this.doubted.size > 0;
  }

  /** A file failed, and was not made anew yet. */
  get isDoubted(): boolean {
    return this.doubted.size > 0;
  }

  /** What was written last may not be on the disk, though it can be read: the last file is made anew by the next flush. */
  doubt(): void {
    const last = this.starts.at(-1);
    if (last !== undefined) this.doubted.add(last);
  }

  /**
   * Takes the files of the folder up; `setEnd` must follow. Files of another size than asked for keep theirs.
   *
   * @returns why the files can't be used, or undefined; `clear` must follow then.
   */
  open(): string | undefined {
    const names = this.fileSystem.list(this.folder).filter(({ isFolder }) => !isFolder);
    removeCopies(this.fileSystem, this.folder, names);
    const starts = names.map(({ name }) => parseOffsetFileName(name)).filter((start) => start !== undefined);
    this.starts = starts.sort((a, b) => a - b);
    const last = this.starts.at(-1);
    // A crash right after it was made.
    if (last !== undefined && this.sizeOf(last) === 0) this.starts.pop();
    if (this.starts.length === 0) return undefined;
    const sizeBytes = this.sizeOf(this.starts[0]);
    for (const [index, start] of this.starts.entries()) {
      const isInRow = start === this.starts[0] + index * sizeBytes;
      if (this.sizeOf(start) === sizeBytes && isInRow && sizeBytes > UNIT_BYTES + BLANK_BYTES) continue;
      return `${this.pathOf(start)} has ${this.sizeOf(start)} bytes; the files of the timer log must all have one size and leave no gap`;
    }
    this.fileSizeBytes = sizeBytes;
    return undefined;
  }

  /** Removes all units, to be made again. */
  clear(): void {
    for (const start of this.starts) {
      const path = this.pathOf(start);
      this.handles.forget(path);
      this.fileSystem.remove(path);
    }
    this.starts = [];
    this.pending = [];
    this.blocks.clear();
    this.dirtyFiles.clear();
    this.doubted.clear();
    this.setEnd(0);
  }

  /** Where units end, once it is known. */
  setEnd(position: number): void {
    this.committed = position;
    this.next = position;
    this.flushed = Math.min(this.flushed, position);
  }

  /** Units before a position are on stable storage; a killed process left those behind it to the page cache. */
  setFlushed(position: number): void {
    this.flushed = Math.min(position, this.committed);
    for (const start of this.starts) {
      if (start < this.committed && start + this.fileSizeBytes > this.flushed) this.dirtyFiles.add(start);
    }
  }

  /** Adds a unit behind the others, in memory until `commit`. @returns its position */
  add(unit: TimerUnit, nowMs: number, topicHash: number): number {
    const left = this.fileSizeBytes - (this.next % this.fileSizeBytes);
    if (UNIT_BYTES + BLANK_BYTES > left) {
      const blank = this.room(left, BLANK_BYTES);
      const at = blank.length - BLANK_BYTES;
      blank.bytes.fill(0, at, blank.length);
      blank.bytes.writeInt32BE(left, at);
      blank.bytes.writeInt32BE(BLANK_MAGIC, at + 12);
    }
    const position = this.next;
    const run = this.room(UNIT_BYTES, UNIT_BYTES);
    encodeUnit(run.bytes, run.length - UNIT_BYTES, unit, nowMs, topicHash);
    return position;
  }

  /**
   * Writes what was added. After a failure it may be called again.
   *
   * @throws TimerUnitsLostError or what the file system throws.
   */
  async commit(): Promise<void> {
    await this.mend();
    while (this.pending.length > 0) {
      const run = this.pending[0];
      const fileStart = await this.fileFor(run.start);
      const lease = this.handles.retain(this.pathOf(fileStart));
      try {
        await writeAll(lease.file, run.bytes, 0, run.length, run.start - fileStart);
      } catch (error) {
        if (mayLosePages(error)) this.doubted.add(fileStart);
        throw atPath(this.pathOf(fileStart), error as Error);
      } finally {
        lease.release();
      }
      this.dirtyFiles.add(fileStart);
      this.pending.shift();
    }
    this.committed = this.next;
  }

  /**
   * Brings what was written to stable storage. A file whose fdatasync failed is made anew by the next call.
   *
   * @throws TimerUnitsLostError or what the file system throws.
   */
  async flush(): Promise<void> {
    await this.mend();
    const { committed } = this;
    const dirty = this.dirtyFiles;
    this.dirtyFiles = new Set();
    try {
      for (const start of dirty) {
        const lease = this.handles.retain(this.pathOf(start));
        try {
          await syncData(lease.file);
        } catch (error) {
          this.doubted.add(start);
          throw atPath(this.pathOf(start), error as Error);
        } finally {
          lease.release();
        }
      }
      if (this.madeFiles) await syncFolder(this.fileSystem, this.folder);
      this.madeFiles = false;
    } catch (error) {
      for (const start of dirty) this.dirtyFiles.add(start);
      throw error;
    }
    this.flushed = committed;
  }

  /** Makes files anew that failed: on other blocks of the disk, since what is written over blocks whose write-back failed does not last on ext4. */
  private async mend(): Promise<void> {
    for (const start of this.doubted) {
      await this.replace(start);
      this.doubted.delete(start);
      this.dirtyFiles.delete(start);
      this.madeFiles = true;
    }
  }

  private async replace(start: number): Promise<void> {
    const { fileSystem, handles, fileSizeBytes } = this;
    const syncedBytes = Math.max(0, this.flushed - start);
    const usedBytes = Math.max(0, Math.min(this.committed - start, fileSizeBytes));
    await replaceTimerLogFile({ fileSystem, handles, path: this.pathOf(start), fileSizeBytes, syncedBytes, usedBytes });
    this.blocks.clear();
  }

  /** The unit at a position, or undefined when none stands there. */
  async read(position: number): Promise<TimerUnit | undefined> {
    if (position < this.start || position >= this.committed) return undefined;
    const inFile = position % this.fileSizeBytes;
    if (inFile % UNIT_BYTES !== 0) return undefined;
    const block = await this.block(position - inFile, Math.floor(inFile / BLOCK_BYTES));
    return decodeUnit(block, inFile % BLOCK_BYTES);
  }

  /**
   * Goes over the units from a position on, up to the first place where none stands.
   *
   * @param visit told of each; false stops.
   * @returns the position behind the last one.
   */
  async scan(from: number, visit: (position: number, unit: TimerUnit) => boolean): Promise<number> {
    let position = Math.max(from, this.start);
    for (const start of this.starts) {
      const end = start + this.fileSizeBytes;
      if (position >= end) continue;
      position = Math.max(position, start);
      for (;;) {
        if (position + UNIT_BYTES + BLANK_BYTES > end) break;
        const inFile = position - start;
        const number = Math.floor(inFile / BLOCK_BYTES);
        const block = await this.readBlock(start, number);
        let at = inFile % BLOCK_BYTES;
        for (; at < block.length; at += UNIT_BYTES) {
          const unit = decodeUnit(block, at);
          if (unit === undefined) break;
          const unitPosition = start + number * BLOCK_BYTES + at;
          if (unitPosition + UNIT_BYTES + BLANK_BYTES > end) break;
          if (!visit(unitPosition, unit)) return unitPosition;
        }
        position = start + number * BLOCK_BYTES + at;
        if (at < BLOCK_BYTES) break;
      }
      if (position + UNIT_BYTES + BLANK_BYTES <= end) return position;
      // The file is full. Without a next one the place behind the last unit is the end.
      if (!this.starts.includes(end)) return position;
      position = end;
    }
    return position;
  }

  /** Position of the unit before a position, undefined at the start of the log. */
  before(position: number): number | undefined {
    if (position <= this.start) return undefined;
    const inFile = position % this.fileSizeBytes;
    if (inFile >= UNIT_BYTES) return position - UNIT_BYTES;
    const units = Math.floor((this.fileSizeBytes - BLANK_BYTES) / UNIT_BYTES);
    return position - inFile - this.fileSizeBytes + (units - 1) * UNIT_BYTES;
  }

  /** Wipes what stands behind the end, so that it is never taken for units again. */
  async wipe(from: number, to: number): Promise<void> {
    this.blocks.clear();
    for (let at = from; at < to;) {
      const fileStart = at - (at % this.fileSizeBytes);
      const length = Math.min(to - at, fileStart + this.fileSizeBytes - at, BLOCK_BYTES);
      if (this.starts.includes(fileStart)) {
        const lease = this.handles.retain(this.pathOf(fileStart));
        try {
          await writeAll(lease.file, Buffer.alloc(length), 0, length, at - fileStart);
        } finally {
          lease.release();
        }
        this.dirtyFiles.add(fileStart);
      }
      at += length;
    }
  }

  /** Removes the files whose units all lead to messages that are gone. The last file stays. Follows `deleteExpiredFileByOffsetForTimerLog`. */
  async removeBefore(minPhysicalOffset: number): Promise<void> {
    while (this.starts.length > 1 && this.committed >= this.starts[1]) {
      const last = this.before(this.starts[1]);
      const unit = last === undefined ? undefined : await this.read(last);
      if (unit === undefined || unit.physicalOffset >= minPhysicalOffset) return;
      const path = this.pathOf(this.starts[0]);
      this.dirtyFiles.delete(this.starts[0]);
      this.starts.shift();
      this.handles.forget(path);
      this.fileSystem.remove(path);
    }
  }

  close(): void {
    this.handles.end();
    this.blocks.clear();
  }

  private room(consumedBytes: number, storedBytes: number): PendingRun {
    let run = this.pending.at(-1);
    const isBehind = run !== undefined && run.start + run.length === this.next;
    if (
      run === undefined ||
      !isBehind ||
      run.length + storedBytes > run.bytes.length ||
      this.next % this.fileSizeBytes === 0
    ) {
      run = { start: this.next, bytes: Buffer.allocUnsafe(MAX_PENDING_UNITS * 8), length: 0 };
      this.pending.push(run);
    }
    run.length += storedBytes;
    this.next += consumedBytes;
    return run;
  }

  private async fileFor(position: number): Promise<number> {
    const start = position - (position % this.fileSizeBytes);
    if (!this.starts.includes(start)) {
      const lease = this.fileSystem.open(this.pathOf(start), { create: true });
      try {
        lease.truncate(this.fileSizeBytes);
      } finally {
        lease.close();
      }
      this.starts.push(start);
      this.madeFiles = true;
    }
    return start;
  }

  private async block(fileStart: number, number: number): Promise<Buffer> {
    const key = fileStart + number * BLOCK_BYTES;
    const known = this.blocks.get(key);
    if (known !== undefined) {
      this.blocks.delete(key);
      this.blocks.set(key, known);
      return known;
    }
    const block = await this.readBlock(fileStart, number);
    // The block at the end still grows.
    if (key + BLOCK_BYTES > this.committed) return block;
    if (this.blocks.size >= MAX_BLOCKS) this.blocks.delete(this.blocks.keys().next().value!);
    this.blocks.set(key, block);
    return block;
  }

  private async readBlock(fileStart: number, number: number): Promise<Buffer> {
    const length = Math.min(BLOCK_BYTES, this.fileSizeBytes - number * BLOCK_BYTES);
    const block = Buffer.allocUnsafe(length);
    const lease = this.handles.retain(this.pathOf(fileStart));
    try {
      const read = await readFully(lease.file, block, 0, length, number * BLOCK_BYTES);
      return block.subarray(0, read);
    } finally {
      lease.release();
    }
  }

  private sizeOf(start: number): number {
    return this.fileSystem.stat(this.pathOf(start))?.sizeBytes ?? 0;
  }

  private pathOf(start: number): string {
    return join(this.folder, offsetFileName(start));
  }
}
