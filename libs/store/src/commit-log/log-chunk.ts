/**
 * A piece of the log in memory: records are encoded into it, written to the segment from it, and read from it while it stays in
 * the tail cache. It belongs to one segment.
 */
export class LogChunk {
  readonly buffer: Buffer;
  readonly view: DataView;
  /** Bytes that hold records. */
  lengthBytes = 0;
  /** Bytes of them that were written to the segment. */
  writtenBytes = 0;
  /** Somebody may still hold a slice: the memory must not be used again. */
  shared = false;
  /** No record is added any more. */
  sealed = false;
  /** Its last 8 bytes are the filler of its segment: behind them the log goes on in the next segment. */
  endsSegment = false;

  constructor(
    capacityBytes: number,
    /** Physical offset of the first byte. */
    public startOffset: number,
    public createdAtMs: number,
  ) {
    // Not from Node's pool: the chunk is its own ArrayBuffer, so that giving it up frees it.
    this.buffer = Buffer.allocUnsafeSlow(capacityBytes);
    this.view = new DataView(this.buffer.buffer);
  }

  get capacityBytes(): number {
    return this.buffer.length;
  }

  /** Physical offset behind the last record. */
  get endOffset(): number {
    return this.startOffset + this.lengthBytes;
  }

  get writtenOffset(): number {
    return this.startOffset + this.writtenBytes;
  }

  reuse(startOffset: number, nowMs: number): void {
    this.startOffset = startOffset;
    this.createdAtMs = nowMs;
    this.lengthBytes = 0;
    this.writtenBytes = 0;
    this.sealed = false;
    this.endsSegment = false;
  }
}
