/**
 * A piece of the log in memory: records are encoded into it, written to the segment from it, and read from it while it stays in
 * the tail cache. It belongs to one segment.
 */
export class LogChunk {
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
    readonly buffer: Buffer,
    /** Physical offset of the first byte. */
    public startOffset: number,
    public createdAtMs: number,
  ) {
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
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
}
