import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { readInt64, writeInt64 } from '@rocknest/protocol';
import { StoreError } from '../errors.js';
import { syncData, syncFolder } from '../io/durable.js';
import { atPath, type FileSystem, mayLosePages, type StoreFile } from '../io/file-system.js';
import { replaceFile } from '../io/replace-file.js';
import { readFully, writeAll } from '../io/transfer.js';
import { SLOT_BYTES, SLOT_MS, WHEEL_BYTES, WHEEL_SLOTS } from './timer-layout.js';

/** 128 slots: what a change of one slot writes. */
const PAGE_BYTES = 4_096;
const PAGE_SLOTS = PAGE_BYTES / SLOT_BYTES;
const READ_BYTES = 1024 * 1024;
const EMPTY_PAGE = Buffer.alloc(PAGE_BYTES);
/** What the CRC of a slot covers. */
const CHECKED_BYTES = 28;

/**
 * The file `timerwheel`: for each second of 14 days where the chain of its units ends in the timer log. In memory are the pages that hold something
 * that is not over yet: 5.4 MiB with something in each second of the roll window, and never more than the file (37 MiB).
 *
 * A slot: time in units of its width int64, position of its first and last unit int64, number of messages int32, CRC of these int32. RocketMQ writes 0 into the last,
 * or leaves what is there, and never reads it.
 * Follows `store/timer/TimerWheel.java`.
 */
export class TimerWheel {
  private readonly pages = new Map<number, Buffer>();
  private readonly dirty = new Set<number>();
  private file: StoreFile | undefined = undefined;
  /** A write or an fdatasync failed: the disk may not have what the file shows. */
  private doubted = false;

  constructor(
    readonly path: string,
    private readonly fileSystem: FileSystem,
  ) {}

  get memoryBytes(): number {
    return this.pages.size * PAGE_BYTES;
  }

  get isDirty(): boolean {
    return this.dirty.size > 0 || this.doubted;
  }

  get isDoubted(): boolean {
    return this.doubted;
  }

  /** What the file shows may not be on the disk: it is made anew by the next flush. */
  doubt(): void {
    this.doubted = true;
  }

  /**
   * Opens or makes the file and reads the slots from a time on.
   *
   * @returns why what it says can't be believed, or undefined; then it is empty.
   * @throws StoreError STORE_FOREIGN_LAYOUT when its slots are of another width.
   */
  async open(fromMs: number): Promise<string | undefined> {
    const sizeBytes = this.fileSystem.stat(this.path)?.sizeBytes ?? 0;
    const file = this.fileSystem.open(this.path, { create: true });
    this.file = file;
    let problem: string | undefined;
    if (sizeBytes === 0) problem = 'it was missing';
    else if (sizeBytes !== WHEEL_BYTES) problem = `it had ${sizeBytes} bytes, a timer wheel has ${WHEEL_BYTES}`;
    else problem = await this.load(file, fromMs);
    if (problem !== undefined) this.clear();
    return problem;
  }

  /** Position of the last unit of a slot, -1 when it has none. */
  lastOf(slotMs: number): number {
    const page = this.pages.get(pageOf(slotMs));
    if (page === undefined) return -1;
    const at = placeOf(slotMs);
    return readInt64(page, at) === slotMs / SLOT_MS ? readInt64(page, at + 16) : -1;
  }

  /** How many messages a slot has: cancellations count -1, as in RocketMQ. */
  countOf(slotMs: number): number {
    const page = this.pages.get(pageOf(slotMs));
    if (page === undefined) return 0;
    const at = placeOf(slotMs);
    return readInt64(page, at) === slotMs / SLOT_MS ? page.readInt32BE(at + 24) : 0;
  }

  /** Makes a unit the last of its slot. */
  add(slotMs: number, position: number, change: 1 | -1): void {
    const isUsed = this.lastOf(slotMs) >= 0;
    const page = this.touch(slotMs);
    const at = placeOf(slotMs);
    if (!isUsed) {
      writeInt64(page, slotMs / SLOT_MS, at);
      writeInt64(page, position, at + 8);
      writeInt64(page, 0, at + 24);
    }
    writeInt64(page, position, at + 16);
    page.writeInt32BE((page.readInt32BE(at + 24) + change) | 0, at + 24);
    page.writeUInt32BE(checksum(page, at), at + CHECKED_BYTES);
  }

  /** Takes units off the end of a slot: `previous` is the last one then, -1 for none; the messages counted change by `change`. */
  cut(slotMs: number, previous: number, change = 0): void {
    if (this.lastOf(slotMs) < 0) return;
    const page = this.touch(slotMs);
    const at = placeOf(slotMs);
    writeInt64(page, previous, at + 16);
    page.writeInt32BE((page.readInt32BE(at + 24) + change) | 0, at + 24);
    page.writeUInt32BE(checksum(page, at), at + CHECKED_BYTES);
    if (previous < 0) page.fill(0, at, at + SLOT_BYTES);
  }

  /** The first slot in `[fromMs, toMs)` that has units. */
  nextUsed(fromMs: number, toMs: number): number | undefined {
    if (this.pages.size === 0) return undefined;
    const endMs = Math.min(toMs, fromMs + WHEEL_SLOTS * SLOT_MS);
    for (let slotMs = fromMs; slotMs < endMs;) {
      const index = indexOf(slotMs);
      if (!this.pages.has(Math.floor(index / PAGE_SLOTS))) {
        slotMs += (PAGE_SLOTS - (index % PAGE_SLOTS)) * SLOT_MS;
        continue;
      }
      if (this.lastOf(slotMs) >= 0) return slotMs;
      slotMs += SLOT_MS;
    }
    return undefined;
  }

  /** How many messages are in the slots from a time on. */
  totalFrom(fromMs: number): number {
    let total = 0;
    const first = fromMs / SLOT_MS;
    for (const page of this.pages.values()) {
      for (let at = 0; at < PAGE_BYTES; at += SLOT_BYTES) {
        if (readInt64(page, at) >= first) total += page.readInt32BE(at + 24);
      }
    }
    return total;
  }

  /** Gives back the pages whose slots are all before a time. Call it right behind a flush. */
  forget(beforeMs: number): void {
    for (const [number, page] of this.pages) {
      if (!this.dirty.has(number) && !hasSlotFrom(page, beforeMs)) this.pages.delete(number);
    }
  }

  /** Forgets all slots, to be made again. */
  clear(): void {
    this.pages.clear();
    this.dirty.clear();
    this.file?.truncate(0);
    this.file?.truncate(WHEEL_BYTES);
  }

  /** Brings what changed to stable storage. A file that failed is made anew by the next call. */
  async flush(): Promise<void> {
    if (this.file === undefined || !this.isDirty) return;
    const numbers = [...this.dirty];
    this.dirty.clear();
    try {
      if (this.doubted) await this.replace();
      else await this.overwrite(this.file, numbers);
    } catch (error) {
      for (const number of numbers) this.dirty.add(number);
      throw atPath(this.path, error as Error);
    }
  }

  private async overwrite(file: StoreFile, numbers: readonly number[]): Promise<void> {
    try {
      await this.writePages(file, numbers);
    } catch (error) {
      this.doubted = mayLosePages(error);
      throw error;
    }
    this.doubted = true;
    await syncData(file);
    this.doubted = false;
  }

  /** On other blocks of the disk: what is written over blocks whose write-back failed does not last on ext4. Pages that are not in memory hold nothing that waits. */
  private async replace(): Promise<void> {
    await replaceFile(this.fileSystem, this.path, WHEEL_BYTES, (file) => this.writePages(file, [...this.pages.keys()]));
    this.file?.close();
    this.file = this.fileSystem.open(this.path);
    await syncFolder(this.fileSystem, dirname(this.path));
    this.doubted = false;
  }

  private async writePages(file: StoreFile, numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      const page = Buffer.from(this.pages.get(number)!);
      await writeAll(file, page, 0, PAGE_BYTES, number * PAGE_BYTES);
    }
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
    this.pages.clear();
    this.dirty.clear();
  }

  private async load(file: StoreFile, fromMs: number): Promise<string | undefined> {
    const limit = fromMs / SLOT_MS + 2 * WHEEL_SLOTS;
    let damaged = 0;
    for (let start = 0; start < WHEEL_BYTES; start += READ_BYTES) {
      const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, WHEEL_BYTES - start));
      await readFully(file, bytes, 0, bytes.length, start);
      for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
        const page = bytes.subarray(at, at + PAGE_BYTES);
        if (page.equals(EMPTY_PAGE)) continue;
        const damagedBefore = damaged;
        for (let slot = 0; slot < PAGE_BYTES; slot += SLOT_BYTES) {
          if (!isSlotSound(page, slot)) damaged++;
          else if (readInt64(page, slot) > limit) {
            throw this.foreign(`its slots are narrower than ${SLOT_MS} ms (timerPrecisionMs of the Java broker)`);
          }
        }
        if (damaged === damagedBefore && hasSlotFrom(page, fromMs))
          this.pages.set((start + at) / PAGE_BYTES, Buffer.from(page));
      }
    }
    return damaged === 0 ? undefined : `${damaged} of its slots are damaged, or were changed by the Java broker`;
  }

  private touch(slotMs: number): Buffer {
    const number = pageOf(slotMs);
    let page = this.pages.get(number);
    if (page === undefined) {
      page = Buffer.alloc(PAGE_BYTES);
      this.pages.set(number, page);
    }
    this.dirty.add(number);
    return page;
  }

  private foreign(what: string): StoreError {
    return new StoreError(
      'STORE_FOREIGN_LAYOUT',
      `${this.path} can't be used: ${what}. Let the Java broker deliver what waits, then remove it and the folder timerlog`,
      { path: this.path },
    );
  }
}

/** False when the CRC of a slot is wrong; that of the Java broker's slots is 0. */
export function isSlotSound(bytes: Buffer, at: number): boolean {
  const stated = bytes.readUInt32BE(at + CHECKED_BYTES);
  if (stated !== 0) return stated === checksum(bytes, at);
  // Nothing checks these; but no time and no position is as large as most damage makes them.
  return isExact(bytes, at) && isExact(bytes, at + 8) && isExact(bytes, at + 16);
}

/** Whether an int64 can be read as a number. */
function isExact(bytes: Buffer, at: number): boolean {
  const sign = bytes.readInt32BE(at) >> 20;
  return sign === 0 || sign === -1;
}

/** Never 0, which is what the Java broker writes. */
function checksum(page: Buffer, at: number): number {
  return crc32(page.subarray(at, at + CHECKED_BYTES)) || 1;
}

function indexOf(slotMs: number): number {
  return (slotMs / SLOT_MS) % WHEEL_SLOTS;
}

function pageOf(slotMs: number): number {
  return Math.floor(indexOf(slotMs) / PAGE_SLOTS);
}

function placeOf(slotMs: number): number {
  return (indexOf(slotMs) % PAGE_SLOTS) * SLOT_BYTES;
}

function hasSlotFrom(page: Buffer, fromMs: number): boolean {
  const first = fromMs / SLOT_MS;
  for (let at = 0; at < PAGE_BYTES; at += SLOT_BYTES) if (readInt64(page, at) >= first) return true;
  return false;
}
