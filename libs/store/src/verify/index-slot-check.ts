import type { StoreFile } from '../io/file-system.js';
import { INDEX_HEADER_BYTES, SLOT_BYTES, type IndexSizes } from '../index-file/index-layout.js';
import { readFullySync } from '../io/transfer.js';

const PIECE_SLOTS = 65_536;

export interface SlotProblem {
  readonly position: number;
  readonly text: string;
}

/**
 * What the slots of an index file must hold, from its entries in their order: each slot points to its newest entry, and each entry to the one that
 * was in its slot before (IndexFile.putKey). Messages whose chain is broken are not found by their keys, though they are all there.
 */
export class IndexSlotCheck {
  private readonly newest: Int32Array;

  constructor(private readonly sizes: IndexSizes) {
    this.newest = new Int32Array(sizes.slots);
  }

  /** Begins a file. */
  clear(): void {
    this.newest.fill(0);
  }

  /** Takes the next entry. @returns the entry that it must point to: 0 for none. */
  follow(keyHash: number, index: number): number {
    const slot = keyHash % this.sizes.slots;
    const previous = this.newest[slot];
    this.newest[slot] = index;
    return previous;
  }

  /** Compares the slots of the file with what its entries say. @returns the first that is wrong. */
  problemOf(file: StoreFile): SlotProblem | undefined {
    const { newest, sizes } = this;
    const bytes = Buffer.allocUnsafeSlow(Math.min(PIECE_SLOTS, sizes.slots) * SLOT_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let from = 0; from < sizes.slots; from += PIECE_SLOTS) {
      const count = Math.min(PIECE_SLOTS, sizes.slots - from);
      const position = INDEX_HEADER_BYTES + from * SLOT_BYTES;
      readFullySync(file, bytes, 0, count * SLOT_BYTES, position);
      for (let i = 0; i < count; i++) {
        const found = view.getInt32(i * SLOT_BYTES);
        const expected = newest[from + i];
        if (found === expected) continue;
        const text = `slot ${from + i} points to entry ${found}; its newest entry is ${expected === 0 ? 'none' : expected}`;
        return { position: position + i * SLOT_BYTES, text };
      }
    }
    return undefined;
  }
}
