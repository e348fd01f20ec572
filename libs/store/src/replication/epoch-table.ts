import { StoreError } from '../errors.js';

/** The part of a log that one master wrote begins here. */
export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

/**
 * Which master wrote which part of the log: epochs rise, and so do their start offsets. Two logs that have the same epoch begin at the same offset are
 * the same up to where the first of them leaves that epoch; that is what a member cuts its log to before it follows another one.
 *
 * Follows `store/ha/autoswitch/EpochFileCache.java`.
 */
export class EpochTable {
  private rows: readonly EpochEntry[];

  /** @throws StoreError STORE_EPOCHS when epochs or offsets do not rise. */
  constructor(entries: readonly EpochEntry[] = []) {
    this.rows = [];
    for (const entry of entries) this.append(entry);
  }

  get entries(): readonly EpochEntry[] {
    return this.rows;
  }

  /** The newest epoch; -1 for a log without any. */
  get lastEpoch(): number {
    return this.rows.at(-1)?.epoch ?? -1;
  }

  /** @throws StoreError STORE_EPOCHS */
  append(entry: EpochEntry): void {
    const last = this.rows.at(-1);
    const { epoch, startOffset } = entry;
    const isNumber = Number.isSafeInteger(epoch) && Number.isSafeInteger(startOffset) && epoch >= 0 && startOffset >= 0;
    if (!isNumber || (last !== undefined && (epoch <= last.epoch || startOffset < last.startOffset)))
      throw new StoreError(
        'STORE_EPOCHS',
        `epoch ${epoch} from offset ${startOffset} on cannot follow epoch ${last?.epoch ?? 'none'} from offset ${last?.startOffset ?? 'none'} on`,
        { epoch, startOffset },
      );
    this.rows = [...this.rows, { epoch, startOffset }];
  }

  /** Forgets the epochs that have no byte before the offset. */
  cutTo(physicalOffset: number): void {
    this.rows = this.rows.filter(({ startOffset }) => startOffset < physicalOffset);
  }

  /**
   * Up to where this log and another one are the same.
   *
   * @param ownEnd where this log ends
   * @returns undefined when they have no epoch in common
   */
  commonEnd(ownEnd: number, other: EpochTable, otherEnd: number): number | undefined {
    for (let row = this.rows.length - 1; row >= 0; row--) {
      const { epoch, startOffset } = this.rows[row];
      const match = other.rows.findIndex((entry) => entry.epoch === epoch && entry.startOffset === startOffset);
      if (match >= 0) return Math.min(this.endOf(row, ownEnd), other.endOf(match, otherEnd));
    }
    return undefined;
  }

  /** Which epoch an offset belongs to, with where that begins and ends; undefined before the first one. */
  at(physicalOffset: number): (EpochEntry & { readonly endOffset: number }) | undefined {
    for (let row = this.rows.length - 1; row >= 0; row--)
      if (this.rows[row].startOffset <= physicalOffset)
        return { ...this.rows[row], endOffset: this.endOf(row, Infinity) };
    return undefined;
  }

  private endOf(row: number, logEnd: number): number {
    const isLast = row === this.rows.length - 1;
    return isLast ? logEnd : Math.min(this.rows[row + 1].startOffset, logEnd);
  }
}
