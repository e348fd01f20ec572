import type { KeyHashSink } from './key-hash.js';

/** Keys of messages on their way into the index: hash, physical offset and store time of each, in the order of the log. */
export class KeyBatch implements KeyHashSink {
  readonly hashes: Int32Array;
  readonly physicalOffsets: Float64Array;
  readonly storeTimestamps: Float64Array;
  count = 0;
  private physicalOffset = 0;
  private storeTimestamp = 0;

  /**
   * @param capacity keys after which no further message is taken
   * @param maxKeysPerMessage room for the keys of the last message
   */
  constructor(
    private readonly capacity: number,
    maxKeysPerMessage: number,
  ) {
    this.hashes = new Int32Array(capacity + maxKeysPerMessage);
    this.physicalOffsets = new Float64Array(this.hashes.length);
    this.storeTimestamps = new Float64Array(this.hashes.length);
  }

  get isFull(): boolean {
    return this.count >= this.capacity;
  }

  clear(): void {
    this.count = 0;
  }

  /** The keys added from now on belong to this message. */
  startMessage(physicalOffset: number, storeTimestamp: number): void {
    this.physicalOffset = physicalOffset;
    this.storeTimestamp = storeTimestamp;
  }

  addHash(keyHash: number): void {
    const at = this.count++;
    this.hashes[at] = keyHash;
    this.physicalOffsets[at] = this.physicalOffset;
    this.storeTimestamps[at] = this.storeTimestamp;
  }
}
