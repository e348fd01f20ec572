import type { SimRandom } from './sim-random.js';

/** What a disk writes atomically. */
const SECTOR_BYTES = 512;

/** Something done to a file that its disk does not have yet. */
type PendingChange =
  | { readonly sequence: number; readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
  | { readonly sequence: number; readonly kind: 'size'; readonly sizeBytes: number };

/**
 * A file as the kernel sees it (`live`: the page cache) and as the disk has it (`durable`). In between lie the changes that no
 * fdatasync covered: a power loss keeps any of them, page by page and sector by sector, and the size on its own.
 */
export class SimFile {
  readonly kind = 'file';
  modifiedAtMs = 0;
  /** Pages that have blocks on the disk: a hole takes none. */
  readonly allocatedPages = new Set<number>();
  private live: Buffer = Buffer.alloc(0);
  private size = 0;
  private durable: Buffer = Buffer.alloc(0);
  private durableSize = 0;
  private pending: PendingChange[] = [];
  /** Pages whose content a failed fdatasync dropped: the page cache still has it and calls it clean, the disk does not have it. */
  private readonly droppedPages = new Set<number>();

  constructor(
    readonly inode: number,
    readonly pageBytes: number,
  ) {}

  get sizeBytes(): number {
    return this.size;
  }

  get hasPending(): boolean {
    return this.pending.length > 0;
  }

  get isDamaged(): boolean {
    return this.droppedPages.size > 0;
  }

  /** The content as a reader sees it now. */
  get content(): Buffer {
    return this.live.subarray(0, this.size);
  }

  read(target: Uint8Array, targetOffset: number, length: number, position: number): number {
    const end = Math.min(this.size, position + length);
    if (position >= end) return 0;
    target.set(this.live.subarray(position, end), targetOffset);
    return end - position;
  }

  write(sequence: number, bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.live = grown(this.live, end);
    for (let page = this.pageOf(position); page <= this.pageOf(end - 1); page++) {
      this.allocatedPages.add(page);
      // A dropped page that is written to becomes dirty as a whole.
      if (this.droppedPages.delete(page)) this.pending.push(this.wholePage(sequence, page));
    }
    const copy = Buffer.from(bytes);
    this.live.set(copy, position);
    this.size = Math.max(this.size, end);
    this.pending.push({ sequence, kind: 'write', position, bytes: copy });
  }

  truncate(sequence: number, sizeBytes: number): void {
    if (sizeBytes === this.size) return;
    this.live = grown(this.live, sizeBytes);
    this.live.fill(0, sizeBytes);
    this.size = sizeBytes;
    for (const page of this.allocatedPages) {
      if (page * this.pageBytes >= sizeBytes) this.allocatedPages.delete(page);
    }
    for (const page of this.droppedPages) {
      if (page * this.pageBytes >= sizeBytes) this.droppedPages.delete(page);
    }
    this.pending.push({ sequence, kind: 'size', sizeBytes });
  }

  /** An fdatasync that began at `sequence` ends well: what was done before it is on the disk. */
  synced(sequence: number): void {
    const covered = this.pending.filter((change) => change.sequence <= sequence);
    this.pending = this.pending.filter((change) => change.sequence > sequence);
    for (const change of covered) this.toDisk(change);
  }

  /**
   * An fdatasync that began at `sequence` fails: some pages got to the disk, the others are dropped, and all count as clean from now on.
   * Sizes are metadata: they are in the journal.
   */
  syncFailed(sequence: number, random: SimRandom): void {
    const covered = this.pending.filter((change) => change.sequence <= sequence);
    const rest = this.pending.filter((change) => change.sequence > sequence);
    const sizes = covered.filter((change) => change.kind === 'size');
    const written = this.touchedPages(covered.filter((change) => change.kind === 'write'));
    for (const page of this.touchedPages(covered)) {
      const isDropped = written.has(page) && random.chance(0.6);
      this.replayPage(page, isDropped ? sizes : covered);
      if (isDropped) this.droppedPages.add(page);
    }
    for (const change of covered) {
      if (change.kind === 'size') this.durableSize = change.sizeBytes;
      else this.durableSize = Math.max(this.durableSize, change.position + change.bytes.length);
    }
    this.pending = [];
    // Later writes made their pages dirty again, as a whole.
    for (const page of this.touchedPages(rest)) {
      if (this.droppedPages.delete(page)) this.pending.push(this.wholePage(sequence + 1, page));
    }
    this.pending.push(...rest);
  }

  /** The kernel drops clean pages from its cache: the dropped ones read as the disk has them from now on. @returns their start offsets. */
  evictDropped(): number[] {
    const starts: number[] = [];
    for (const page of this.droppedPages) {
      const start = page * this.pageBytes;
      const end = Math.min(start + this.pageBytes, this.size);
      this.durable = grown(this.durable, end);
      if (!this.durable.subarray(start, end).equals(this.live.subarray(start, end))) starts.push(start);
      this.durable.copy(this.live, start, start, end);
    }
    this.droppedPages.clear();
    return starts;
  }

  /** What the disk has once the power is back. */
  powerLoss(random: SimRandom): void {
    const { pending } = this;
    if (pending.length > 0) {
      const sizes = [this.durableSize];
      for (const change of pending) {
        const before = sizes[sizes.length - 1];
        sizes.push(change.kind === 'size' ? change.sizeBytes : Math.max(before, change.position + change.bytes.length));
      }
      const how = random.weighted({ none: 2, all: 4, some: 1 });
      const chosen = how === 'some' ? random.pick(sizes) : sizes[how === 'none' ? 0 : sizes.length - 1];
      for (const page of this.touchedPages(pending)) this.losePage(page, random);
      this.durable = grown(this.durable, chosen);
      this.durable.fill(0, chosen);
      this.durableSize = chosen;
    }
    this.pending = [];
    this.droppedPages.clear();
    this.live = Buffer.from(this.durable.subarray(0, this.durableSize));
    this.size = this.durableSize;
    for (const page of this.allocatedPages) {
      if (page * this.pageBytes >= this.size) this.allocatedPages.delete(page);
    }
  }

  /** Flips bits on the disk and in the page cache alike. */
  corrupt(position: number, mask: number): void {
    if (position >= this.size) return;
    this.live[position] ^= mask;
    this.durable = grown(this.durable, position + 1);
    this.durable[position] ^= mask;
  }

  private losePage(page: number, random: SimRandom): void {
    const touching = this.pending.filter((change) => this.touches(change, page));
    const how = random.weighted({ none: 3, all: 3, some: 2, torn: 3 });
    if (how === 'none') return;
    if (how !== 'torn') {
      const count = how === 'all' ? touching.length : random.between(0, touching.length);
      return this.replayPage(page, touching.slice(0, count));
    }
    // The page was on its way to the disk: each sector has arrived or not.
    const arriving = touching.slice(0, random.chance(0.7) ? touching.length : random.between(1, touching.length));
    for (let at = page * this.pageBytes; at < (page + 1) * this.pageBytes; at += SECTOR_BYTES) {
      if (random.chance(0.5)) this.replay(at, at + SECTOR_BYTES, arriving);
    }
  }

  private replayPage(page: number, changes: readonly PendingChange[]): void {
    const start = page * this.pageBytes;
    this.replay(start, start + this.pageBytes, changes);
  }

  private wholePage(sequence: number, page: number): PendingChange {
    const start = page * this.pageBytes;
    const bytes = Buffer.from(this.live.subarray(start, Math.min(start + this.pageBytes, this.size)));
    return { sequence, kind: 'write', position: start, bytes };
  }

  /** Applies changes to the durable bytes of `[start, end)`. */
  private replay(start: number, end: number, changes: readonly PendingChange[]): void {
    this.durable = grown(this.durable, end);
    for (const change of changes) {
      if (change.kind === 'size') {
        if (change.sizeBytes < end) this.durable.fill(0, Math.max(start, change.sizeBytes), end);
        continue;
      }
      const from = Math.max(start, change.position);
      const to = Math.min(end, change.position + change.bytes.length);
      if (from < to) change.bytes.copy(this.durable, from, from - change.position, to - change.position);
    }
  }

  private toDisk(change: PendingChange): void {
    if (change.kind === 'size') {
      this.durable = grown(this.durable, change.sizeBytes);
      this.durable.fill(0, change.sizeBytes);
      this.durableSize = change.sizeBytes;
      return;
    }
    const end = change.position + change.bytes.length;
    this.durable = grown(this.durable, end);
    this.durable.set(change.bytes, change.position);
    this.durableSize = Math.max(this.durableSize, end);
  }

  private touchedPages(changes: readonly PendingChange[]): Set<number> {
    const pages = new Set<number>();
    for (const change of changes) {
      const start = change.kind === 'size' ? change.sizeBytes : change.position;
      const end = change.kind === 'size' ? this.durable.length : change.position + change.bytes.length;
      for (let page = this.pageOf(start); page * this.pageBytes < end; page++) pages.add(page);
    }
    return pages;
  }

  private touches(change: PendingChange, page: number): boolean {
    const start = page * this.pageBytes;
    if (change.kind === 'size') return change.sizeBytes < start + this.pageBytes;
    return change.position < start + this.pageBytes && change.position + change.bytes.length > start;
  }

  private pageOf(position: number): number {
    return Math.floor(position / this.pageBytes);
  }
}

/** A buffer of at least that length; what is added is zeros. */
function grown(buffer: Buffer, length: number): Buffer {
  if (buffer.length >= length) return buffer;
  const larger = Buffer.alloc(Math.max(length, Math.min(buffer.length * 2, buffer.length + 65_536)));
  buffer.copy(larger);
  return larger;
}
