/** A queue as the queue table keeps it: where it begins and ends, its files, and the entries that are in none of them. Offsets in entries. */
export interface QueueState {
  readonly baseOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  readonly writtenOffset: number;
  readonly syncedOffset: number;
  readonly maxPhysicalOffset: number;
  /** -1: there is no file. */
  readonly firstFileOffset: number;
  readonly lastFileOffset: number;
  /** The entries of `[writtenOffset, maxOffset)`. */
  readonly unwritten: Buffer | undefined;
}
