import type { ReadGate } from '../io/read-gate.js';
import type { ReadCache } from './read-cache.js';

export interface ReadAheadOptions {
  /** Blocks that are loaded ahead of a reader. */
  readonly blocks: number;
  /** Blocks that were loaded ahead and not used yet take so much of the cache at most. */
  readonly maxUnusedBytes: number;
}

/**
 * Loads blocks before their readers come for them, off the event loop, when the log is read from block to block: a reader that had to
 * wait for one block finds the next ones in memory, and is served on the event loop without waiting.
 *
 * What is loaded ahead never waits in line before what somebody waits for.
 */
export class ReadAhead {
  constructor(
    private readonly options: ReadAheadOptions,
    private readonly cache: ReadCache,
    private readonly gate: ReadGate,
    private readonly writtenOffset: () => number,
  ) {
    cache.onAheadUsed = (blockStart) => this.extend(blockStart);
  }

  /** A reader had to wait for that block. */
  missed(blockStart: number): void {
    const isSequential = blockStart > 0 && this.cache.has(this.cache.blockStart(blockStart - 1));
    if (isSequential) this.extend(blockStart);
  }

  private extend(blockStart: number): void {
    let next = blockStart;
    for (let i = 0; i < this.options.blocks; i++) {
      next = this.cache.nextBlockStart(next);
      if (!this.cache.isComplete(next, this.writtenOffset())) return;
      if (this.cache.has(next)) continue;
      if (this.gate.isFull || this.cache.unusedAheadBytes >= this.options.maxUnusedBytes) return;
      // The gate may have a place for one more by then.
      void this.cache.loadAhead(next).then((isLoaded) => {
        if (isLoaded) this.extend(blockStart);
      });
    }
  }
}
