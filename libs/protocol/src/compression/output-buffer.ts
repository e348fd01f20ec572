import { ProtocolError } from '../errors.js';

/** Bytes that a decoder makes, which grow as they come and never above a limit: what a peer says of their number is not believed. */
export class OutputBuffer {
  bytes: Buffer;
  length = 0;

  constructor(
    expectedBytes: number,
    private readonly maxBytes: number,
  ) {
    this.bytes = Buffer.allocUnsafe(Math.max(64, Math.min(expectedBytes, maxBytes)));
  }

  /**
   * Makes room for `count` further bytes.
   * @throws ProtocolError PROTOCOL_LIMIT
   */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    if (needed > this.maxBytes) {
      throw new ProtocolError('PROTOCOL_LIMIT', `Compressed bytes hold more than ${this.maxBytes} bytes`, {
        maxBytes: this.maxBytes,
      });
    }
    const grown = Buffer.allocUnsafe(Math.min(this.maxBytes, Math.max(needed, this.bytes.length * 2)));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  append(source: Uint8Array, start = 0, end = source.length): void {
    this.reserve(end - start);
    this.bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** What was made; a copy when much of the buffer was not needed. */
  result(): Buffer {
    const made = this.bytes.subarray(0, this.length);
    return this.length * 2 < this.bytes.length ? Buffer.from(made) : made;
  }
}
