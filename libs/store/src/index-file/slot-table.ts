import type { StoreFile } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFully, writeAll } from '../io/transfer.js';
import { INDEX_HEADER_BYTES, SLOT_BYTES, viewOf } from './index-layout.js';

/** Slots of one page in memory: 16 KiB, so that a busy table takes few reads and a quiet one little memory. */
const PAGE_SLOTS = 4_096;
const PAGE_SHIFT = 12;
const PAGE_BYTES = PAGE_SLOTS * SLOT_BYTES;

/** Pages this close are read in one go, and this many at most. */
const READ_GAP_PAGES = 2;
const MAX_RUN_PAGES = 64;

/**
 * The hash slots of an index file: pages are loaded when they are needed, changed in memory, and written by a commit. A page of the file
 * is therefore never newer than what a commit made durable.
 */
export class SlotTable {
  private readonly pages: (DataView | undefined)[];
  private readonly dirty: Uint8Array;
  private dirtyPages = 0;
  private residentPages = 0;

  constructor(
    private readonly path: string,
    private readonly slots: number,
    private readonly handles: HandlePool,
    /** The file was just made: what was never used is zero, and need not be read. */
    private isNew: boolean,
  ) {
    const count = Math.ceil(slots / PAGE_SLOTS);
    this.pages = new Array<DataView | undefined>(count).fill(undefined);
    this.dirty = new Uint8Array(count);
  }

  get residentBytes(): number {
    return this.residentPages * PAGE_BYTES;
  }

  get isDirty(): boolean {
    return this.dirtyPages > 0;
  }

  /** True when `get` and `set` may be called for the slot. */
  isResident(slot: number): boolean {
    return this.pages[slot >>> PAGE_SHIFT] !== undefined;
  }

  get(slot: number): number {
    return this.page(slot).getInt32((slot & (PAGE_SLOTS - 1)) << 2);
  }

  set(slot: number, index: number): void {
    const page = slot >>> PAGE_SHIFT;
    this.page(slot).setInt32((slot & (PAGE_SLOTS - 1)) << 2, index);
    if (this.dirty[page] === 0) {
      this.dirty[page] = 1;
      this.dirtyPages++;
    }
  }

  /** Makes the pages of the first `count` hashes resident. */
  ensure(hashes: Int32Array, count: number): Promise<void> | undefined {
    if (this.residentPages === this.pages.length) return undefined;
    let missing: number[] | undefined;
    for (let i = 0; i < count; i++) {
      const page = (hashes[i] % this.slots) >>> PAGE_SHIFT;
      if (this.pages[page] !== undefined) continue;
      if (this.isNew) this.hold(page, new DataView(new ArrayBuffer(PAGE_BYTES)));
      else (missing ??= []).push(page);
    }
    return missing === undefined ? undefined : this.load(missing);
  }

  /** The value of one slot, from memory or from the file. */
  read(slot: number): number | Promise<number> {
    if (this.isResident(slot)) return this.get(slot);
    if (this.isNew) return 0;
    return this.readSlot(slot);
  }

  /** Writes the changed pages. They are clean then, though not yet on stable storage; after a failure all of them are still dirty. */
  async write(file: StoreFile): Promise<void> {
    if (this.dirtyPages === 0) return;
    // One piece of memory for all runs: V8 collects its whole heap when memory outside of it was taken again and again.
    const memory = Buffer.allocUnsafeSlow(Math.min(MAX_RUN_PAGES, this.dirtyPages) * PAGE_BYTES);
    for (let page = 0; page < this.pages.length;) {
      if (this.dirty[page] === 0) {
        page++;
        continue;
      }
      let end = page + 1;
      while (end < this.pages.length && this.dirty[end] === 1 && end - page < MAX_RUN_PAGES) end++;
      const bytes = this.copyTo(memory, page, end);
      await writeAll(file, memory, 0, bytes, pagePosition(page));
      page = end;
    }
    this.dirty.fill(0);
    this.dirtyPages = 0;
  }

  /** Frees the memory; only what is not dirty may go. */
  release(): void {
    if (this.dirtyPages > 0) return;
    this.isNew = false;
    this.pages.fill(undefined);
    this.residentPages = 0;
  }

  private page(slot: number): DataView {
    const page = this.pages[slot >>> PAGE_SHIFT];
    if (page === undefined) throw new Error(`the page of slot ${slot} is not loaded`);
    return page;
  }

  private hold(page: number, view: DataView): void {
    this.pages[page] = view;
    this.residentPages++;
  }

  /** @returns how many bytes the pages have. */
  private copyTo(memory: Buffer, fromPage: number, toPage: number): number {
    const endSlot = Math.min(toPage * PAGE_SLOTS, this.slots);
    const bytes = (endSlot - fromPage * PAGE_SLOTS) * SLOT_BYTES;
    for (let page = fromPage; page < toPage; page++) {
      const view = this.pages[page];
      if (view === undefined) continue;
      const at = (page - fromPage) * PAGE_BYTES;
      memory.set(new Uint8Array(view.buffer, view.byteOffset, Math.min(PAGE_BYTES, bytes - at)), at);
    }
    return bytes;
  }

  private async load(missing: number[]): Promise<void> {
    missing.sort((a, b) => a - b);
    const lease = this.handles.retain(this.path);
    try {
      for (let i = 0; i < missing.length;) {
        const from = missing[i];
        let last = from;
        while (++i < missing.length && missing[i] - last <= READ_GAP_PAGES && missing[i] - from < MAX_RUN_PAGES)
          last = missing[i];
        const bytes = Buffer.alloc((last + 1 - from) * PAGE_BYTES);
        const length = Math.min(bytes.length, (this.slots - from * PAGE_SLOTS) * SLOT_BYTES);
        await readFully(lease.file, bytes, 0, length, pagePosition(from));
        for (let page = from; page <= last; page++) {
          if (this.pages[page] !== undefined) continue;
          // A copy of its own: a run that stays in memory for one of its pages would hold them all.
          const own = Buffer.allocUnsafeSlow(PAGE_BYTES);
          bytes.copy(own, 0, (page - from) * PAGE_BYTES, (page - from + 1) * PAGE_BYTES);
          this.hold(page, viewOf(own));
        }
      }
    } finally {
      lease.release();
    }
  }

  private async readSlot(slot: number): Promise<number> {
    const bytes = Buffer.alloc(SLOT_BYTES);
    const lease = this.handles.retain(this.path);
    try {
      await readFully(lease.file, bytes, 0, SLOT_BYTES, INDEX_HEADER_BYTES + slot * SLOT_BYTES);
    } finally {
      lease.release();
    }
    // Loaded, and changed, meanwhile.
    return this.isResident(slot) ? this.get(slot) : bytes.readInt32BE(0);
  }
}

function pagePosition(page: number): number {
  return INDEX_HEADER_BYTES + page * PAGE_BYTES;
}
