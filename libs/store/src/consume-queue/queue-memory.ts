/** What all consume queues of a store hold in memory together. */
export class QueueMemory {
  /** Bytes of tails. */
  tailBytes = 0;
  /** Entries that are in no file yet. */
  unwrittenEntries = 0;

  constructor(
    /** Past it a tail drops entries that are in the file instead of growing. */
    readonly maxTailBytes: number,
  ) {}

  /** Whether a tail may take so many bytes more. */
  hasRoomFor(bytes: number): boolean {
    return this.tailBytes + bytes <= this.maxTailBytes;
  }
}
