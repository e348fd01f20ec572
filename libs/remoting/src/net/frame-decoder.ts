import { ProtocolError } from '@rocknest/protocol';

const LENGTH_BYTES = 4;
/** A frame holds at least the word with the header's length and form. */
const MIN_LENGTH = 4;
/** A frame across chunks up to this size gets its buffer at once; above, memory is taken as the bytes arrive. */
const EAGER_BYTES = 64 * 1024;
const TLS_HANDSHAKE = 0x16;
const EMPTY = Buffer.alloc(0);

/** Memory of the frames of several connections whose end has not come. */
export interface PartialFrameBudget {
  bytes: number;
  readonly maxBytes: number;
}

/**
 * Cuts the byte stream of one connection into frames (`int32 length`, then `length` bytes).
 *
 * A frame that lies within one chunk is read where it stands, without a copy. A frame across chunks is collected in one buffer that
 * at most doubles when it grows: each byte is copied a bounded number of times, and no more memory is taken than twice
 * what has really arrived, whatever the length field claims.
 *
 * Frames are pulled, so that a connection may stop in the middle of a chunk. At most one chunk is held at a time.
 *
 * Follows `remoting/netty/NettyDecoder.java` (a length-field decoder whose limit counts the length field itself).
 */
export class FrameDecoder {
  /** Whole frames so far. */
  frames = 0;
  /** Where the frame stands that {@link find} found last, without its length field. */
  frameSource: Buffer = EMPTY;
  frameStart = 0;
  frameEnd = 0;
  /** The frame stands in borrowed bytes. */
  frameIsBorrowed = false;

  private chunk: Buffer | undefined = undefined;
  private isBorrowed = false;
  private chunkEnd = 0;
  private offset = 0;
  private started = false;

  /** A frame whose end has not come yet; its length field is not part of it. */
  private partial: Buffer | undefined = undefined;
  private partialBytes = 0;
  private frameBytes = 0;
  /** Bytes of a length field that ended with its chunk. */
  private lengthBytes = 0;
  private length = 0;

  /** @param maxFrameBytes the largest frame, its length field included */
  constructor(
    private readonly maxFrameBytes: number,
    private readonly budget: PartialFrameBudget = { bytes: 0, maxBytes: Infinity },
  ) {}

  /** Lets go of a frame that will not be completed. */
  close(): void {
    this.budget.bytes -= this.partial?.length ?? 0;
    this.partial = undefined;
    this.chunk = undefined;
    this.frameSource = EMPTY;
  }

  /** True when a frame has begun (one byte of its length is enough) and its end has not come. */
  get hasPartialFrame(): boolean {
    return this.partial !== undefined || this.lengthBytes > 0;
  }

  /** Length of the frame that has begun, 0 when it is not known yet. */
  get partialFrameBytes(): number {
    return this.partial === undefined ? 0 : this.frameBytes;
  }

  /** True when `next()` may still find a frame in the chunk given last. */
  get hasChunk(): boolean {
    return this.chunk !== undefined;
  }

  /**
   * Gives the decoder the next bytes, those of `chunk` up to `end`. All frames of the chunk before must have been taken.
   *
   * @param borrowed the bytes are there only for now: {@link keep} must be called before they go
   */
  push(chunk: Buffer, end = chunk.length, borrowed = false): void {
    this.chunk = chunk;
    this.chunkEnd = end;
    this.isBorrowed = borrowed;
    this.offset = 0;
  }

  /** Copies what is left of borrowed bytes. */
  keep(): void {
    if (this.isBorrowed && this.chunk !== undefined)
      this.push(Buffer.from(this.chunk.subarray(this.offset, this.chunkEnd)));
  }

  /** The next whole frame as a slice, or undefined when more bytes are needed; else as {@link find}. */
  next(): Buffer | undefined {
    return this.find() ? this.frameSource.subarray(this.frameStart, this.frameEnd) : undefined;
  }

  /**
   * Looks for the next whole frame: {@link frameSource}, {@link frameStart} and {@link frameEnd} then say where it is. False when
   * more bytes are needed.
   *
   * @throws ProtocolError PROTOCOL_FRAME for a length out of bounds, PROTOCOL_LIMIT when incomplete frames of all connections
   *   take too much memory; the connection cannot be read any further.
   */
  find(): boolean {
    if (this.seek()) return true;
    // An idle connection shall not hold on to what it received last.
    this.frameSource = EMPTY;
    return false;
  }

  private seek(): boolean {
    const chunk = this.chunk;
    if (chunk === undefined) return false;
    if (this.partial === undefined && this.lengthBytes === 0) {
      const start = this.offset + LENGTH_BYTES;
      const { chunkEnd } = this;
      if (start <= chunkEnd) {
        const { offset } = this;
        const length = (chunk[offset] << 24) | (chunk[offset + 1] << 16) | (chunk[offset + 2] << 8) | chunk[offset + 3];
        this.check(length);
        const end = start + length;
        if (end <= chunkEnd) {
          if (end === chunkEnd) this.chunk = undefined;
          else this.offset = end;
          return this.found(chunk, start, end, this.isBorrowed);
        }
        this.offset = start;
        this.beginPartial(length, chunkEnd - start);
      }
    }
    return this.nextAcrossChunks(chunk);
  }

  private found(source: Buffer, start: number, end: number, borrowed: boolean): true {
    this.frames++;
    this.frameIsBorrowed = borrowed;
    this.frameSource = source;
    this.frameStart = start;
    this.frameEnd = end;
    return true;
  }

  private nextAcrossChunks(chunk: Buffer): boolean {
    if (this.partial === undefined && !this.completeLength(chunk)) return false;
    const take = Math.min(this.frameBytes - this.partialBytes, this.chunkEnd - this.offset);
    const partial = this.roomFor(this.partialBytes + take);
    chunk.copy(partial, this.partialBytes, this.offset, this.offset + take);
    this.partialBytes += take;
    this.offset += take;
    if (this.offset === this.chunkEnd) this.chunk = undefined;
    if (this.partialBytes < this.frameBytes) return false;
    this.partial = undefined;
    this.budget.bytes -= partial.length;
    return this.found(partial, 0, this.frameBytes, false);
  }

  /** Reads the length field byte by byte: it lies across two chunks. */
  private completeLength(chunk: Buffer): boolean {
    while (this.lengthBytes < LENGTH_BYTES) {
      if (this.offset === this.chunkEnd) {
        this.chunk = undefined;
        return false;
      }
      this.length = (this.length << 8) | chunk[this.offset++] | 0;
      this.lengthBytes++;
    }
    const length = this.length;
    this.lengthBytes = 0;
    this.length = 0;
    this.check(length);
    this.beginPartial(length, this.chunkEnd - this.offset);
    return true;
  }

  private beginPartial(length: number, availableBytes: number): void {
    this.frameBytes = length;
    this.partialBytes = 0;
    this.partial = this.allocate(
      length <= EAGER_BYTES ? length : Math.min(length, Math.max(EAGER_BYTES, availableBytes)),
    );
  }

  private roomFor(bytes: number): Buffer {
    const partial = this.partial!;
    if (bytes <= partial.length) return partial;
    const larger = this.allocate(Math.min(this.frameBytes, Math.max(bytes, 2 * partial.length)));
    partial.copy(larger, 0, 0, this.partialBytes);
    this.budget.bytes -= partial.length;
    this.partial = larger;
    return larger;
  }

  private allocate(bytes: number): Buffer {
    const { budget } = this;
    if (budget.bytes + bytes > budget.maxBytes) {
      throw new ProtocolError(
        'PROTOCOL_LIMIT',
        `incomplete frames of all connections take ${budget.bytes} bytes already, and this one of ${this.frameBytes} needs ${bytes} more`,
        { bytes, maxBytes: budget.maxBytes },
      );
    }
    budget.bytes += bytes;
    return Buffer.allocUnsafe(bytes);
  }

  private check(length: number): void {
    const first = !this.started;
    this.started = true;
    if (length >= MIN_LENGTH && length <= this.maxFrameBytes - LENGTH_BYTES) return;
    // No frame begins with this byte: its length would be above 369 MB.
    const tls = first && length >>> 24 === TLS_HANDSHAKE;
    throw new ProtocolError(
      'PROTOCOL_FRAME',
      tls
        ? `the peer speaks TLS, and this port takes plain connections only: switch TLS off in the client (tls.enable=false)`
        : `frame length ${length} is outside ${MIN_LENGTH} to ${this.maxFrameBytes - LENGTH_BYTES}`,
      { length, maxFrameBytes: this.maxFrameBytes, tls },
    );
  }
}
