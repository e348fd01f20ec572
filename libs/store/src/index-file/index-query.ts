import type { Clock } from '../io/clock.js';
import { errnoOf } from '../io/file-system.js';
import type { IndexFile } from './index-file.js';
import type { IndexEntry } from './index-layout.js';
import { INDEX_ENTRY_BYTES, readIndexEntry, viewOf } from './index-layout.js';

export interface IndexQueryOptions {
  /** Entries that one query looks at, at most. */
  readonly maxSteps: number;
  /** How long one query goes on, at most. */
  readonly maxMs: number;
}

/** A place where the message with the wanted key may stand: only its record tells. @returns whether more are wanted. */
export type CandidateVisitor = (physicalOffset: number) => Promise<boolean>;

/** Entries read in one go: neighbours in a chain of one busy key lie close to each other. */
const BLOCK_ENTRIES = 256;
/** Blocks that one query keeps: 1.3 MB. */
const MAX_BLOCKS = 256;
const YIELD_STEPS = 4_096;
/** Entries tell the second, not the millisecond. */
const TIME_UNIT_MS = 1_000;

/**
 * One search: follows the chains of a hash through the files, from the newest message to the oldest (IndexService.queryOffset,
 * IndexFile.selectPhyOffset). A damaged chain ends the search in its file; previous entries are always older ones, so there are no loops.
 */
export class IndexQuery {
  private steps = 0;
  private readonly untilMs: number;
  private blocks = new Map<number, { bytes: Buffer; count: number }>();

  constructor(
    private readonly options: IndexQueryOptions,
    private readonly clock: Clock,
    private readonly keyHash: number,
    private readonly beginMs: number,
    private readonly endMs: number,
    private readonly visit: CandidateVisitor,
  ) {
    this.untilMs = clock.monotonicMs() + options.maxMs;
  }

  /** @returns false when a limit ended the search before it was complete. */
  async run(files: readonly IndexFile[]): Promise<boolean> {
    for (const file of [...files].reverse()) {
      this.blocks.clear();
      if (this.overlaps(file) && !(await this.searchFile(file))) return !this.isOver;
      if (file.header.beginTimestamp < this.beginMs) break;
    }
    return true;
  }

  private get isOver(): boolean {
    return this.steps >= this.options.maxSteps || this.clock.monotonicMs() >= this.untilMs;
  }

  private overlaps(file: IndexFile): boolean {
    const { beginTimestamp, endTimestamp } = file.header;
    return file.entryCount > 0 && this.beginMs <= endTimestamp && this.endMs >= beginTimestamp;
  }

  /** @returns false when the search is over. */
  private async searchFile(file: IndexFile): Promise<boolean> {
    try {
      return await this.followChain(file);
    } catch (error) {
      // Retention removed the file meanwhile.
      if (errnoOf(error) === 'ENOENT') return true;
      throw error;
    }
  }

  private async followChain(file: IndexFile): Promise<boolean> {
    const { beginTimestamp } = file.header;
    let index = await file.slots.read(this.keyHash % file.sizes.slots);
    let limit = file.header.indexCount;
    while (index > 0 && index < limit) {
      if (this.steps++ % YIELD_STEPS === YIELD_STEPS - 1) await this.yield();
      if (this.isOver) return false;
      const entry = file.bufferedEntry(index) ?? this.cachedEntry(index) ?? (await this.readEntry(file, index));
      if (entry === undefined || entry.timeDiffSeconds < 0) return true;
      // The time of the first entry was taken against the begin that the file had before.
      const timeMs = index === 1 ? beginTimestamp : beginTimestamp + entry.timeDiffSeconds * 1000;
      if (timeMs + TIME_UNIT_MS <= this.beginMs) return true;
      const isWanted = entry.keyHash === this.keyHash && timeMs <= this.endMs;
      if (isWanted && !(await this.visit(entry.physicalOffset))) return false;
      limit = index;
      index = entry.previousIndex;
    }
    return true;
  }

  private cachedEntry(index: number): IndexEntry | undefined {
    const block = this.blocks.get(Math.floor(index / BLOCK_ENTRIES));
    const at = index % BLOCK_ENTRIES;
    if (block === undefined || at >= block.count) return undefined;
    return readIndexEntry(viewOf(block.bytes), at * INDEX_ENTRY_BYTES);
  }

  private async readEntry(file: IndexFile, index: number): Promise<IndexEntry | undefined> {
    if (this.blocks.size >= MAX_BLOCKS) this.blocks.clear();
    const block = Math.floor(index / BLOCK_ENTRIES);
    const bytes = Buffer.allocUnsafeSlow(BLOCK_ENTRIES * INDEX_ENTRY_BYTES);
    const read = await file.readEntries(block * BLOCK_ENTRIES, BLOCK_ENTRIES, bytes);
    // Entries that were still in memory when the block was read stand in it as zeros.
    const count = Math.min(read, Math.max(0, file.writtenCount - block * BLOCK_ENTRIES));
    this.blocks.set(block, { bytes, count });
    return this.cachedEntry(index);
  }

  private yield(): Promise<void> {
    return new Promise((resolve) => {
      this.clock.defer(resolve);
    });
  }
}
