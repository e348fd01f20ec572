import type { Socket } from 'node:net';
import { COPY_LIMIT_BYTES, EARLY_FLUSH_BYTES, MAX_FREE_OUT_BUFFERS, OUT_BUFFER_BYTES } from '../defaults.js';
import { giveBackOutBuffer, loseOutBuffer, type OutBuffer, outBuffersTaken, takeOutBuffer } from './out-buffers.js';

/** Unsent bytes of several connections, counted together. */
export interface BufferedBytes {
  bytes: number;
}

let dirty: WriteQueue[] = [];
let scheduled = false;

/** Sends what all connections of this process have collected. Called by itself once the running callback of the loop has ended. */
export function flushWrites(): void {
  scheduled = false;
  if (dirty.length === 0) return;
  const queues = dirty;
  dirty = [];
  for (const queue of queues) queue.flush();
}

/**
 * What one connection has to send. Frames are collected and leave together, in one write: small ones are encoded or copied into
 * a buffer, larger ones are elements of the same writev. A Buffer must not be changed after it was given.
 */
export class WriteQueue {
  /** When the kernel last took bytes, by the monotonic clock. */
  lastSentMs = performance.now();

  /** What leaves before the bytes in `out`. */
  private pieces: Buffer[] = [];
  /** The out buffers that `pieces` has slices of. */
  private usedOut: OutBuffer[] = [];
  private out: OutBuffer | undefined;
  /** Bytes of `out` before this are in `pieces` already. */
  private outStart = 0;
  private outEnd = 0;
  private collectedBytes = 0;
  private queued = false;
  private closed = false;
  /** What the socket had not sent when last looked at, as counted in `total`. */
  private socketBytes = 0;

  /**
   * @param onBacklog called after a write that the socket could not pass on to the kernel as a whole
   * @param onProgress called when the kernel has taken something of such a backlog
   */
  constructor(
    private readonly socket: Socket,
    private readonly total: BufferedBytes,
    private readonly onBacklog: () => void,
    private readonly onProgress: () => void,
  ) {}

  /** Bytes that the kernel has not taken. */
  get bufferedBytes(): number {
    return this.collectedBytes + this.socketBytes;
  }

  /** Where {@link reserve} has room. */
  get reservedAt(): number {
    return this.outEnd;
  }

  /**
   * Room for a frame that is encoded in place, from {@link reservedAt} on; `commit` says how long it became. Undefined when it
   * is too long for that, or the queue is closed.
   */
  reserve(maxBytes: number): OutBuffer | undefined {
    if (this.closed || maxBytes > COPY_LIMIT_BYTES) return undefined;
    const out = this.out;
    return out !== undefined && this.outEnd + maxBytes <= OUT_BUFFER_BYTES ? out : this.nextOut();
  }

  /** Takes over what was encoded into the reserved room. */
  commit(bytes: number): void {
    this.outEnd += bytes;
    this.collected(bytes);
  }

  /** Adds a frame in one piece. */
  push(frame: Buffer): void {
    if (this.closed) return;
    this.add(frame);
    this.collected(frame.length);
  }

  /** Adds a frame in several pieces. */
  pushAll(pieces: readonly Buffer[]): void {
    if (this.closed) return;
    let bytes = 0;
    for (const piece of pieces) {
      this.add(piece);
      bytes += piece.length;
    }
    this.collected(bytes);
  }

  private add(bytes: Buffer): void {
    const out = this.reserve(bytes.length);
    if (out === undefined) {
      this.endRun();
      this.pieces.push(bytes);
    } else {
      out.bytes.set(bytes, this.outEnd);
      this.outEnd += bytes.length;
    }
  }

  /** Sends now. */
  flush(): void {
    this.queued = false;
    if (this.collectedBytes > 0) this.write();
  }

  /** Forgets everything that was not sent. */
  close(): void {
    this.closed = true;
    this.pieces = [];
    this.releaseOut();
    this.collectedBytes = 0;
    this.total.bytes -= this.socketBytes;
    this.socketBytes = 0;
  }

  private collected(bytes: number): void {
    this.collectedBytes += bytes;
    if (!this.queued) {
      this.queued = true;
      dirty.push(this);
      if (!scheduled) {
        scheduled = true;
        // Not `setImmediate`: answers to what was committed arise in the check phase, and would wait for a whole turn more.
        process.nextTick(flushWrites);
      }
    }
    if (this.collectedBytes >= EARLY_FLUSH_BYTES) this.write();
  }

  private nextOut(): OutBuffer {
    this.endRun();
    if (this.out !== undefined) this.usedOut.push(this.out);
    this.out = undefined;
    if (outBuffersTaken() >= MAX_FREE_OUT_BUFFERS) flushWrites();
    this.outStart = this.outEnd = 0;
    return (this.out = takeOutBuffer());
  }

  /** Moves what `out` has gathered to the pieces. */
  private endRun(): void {
    if (this.out === undefined || this.outEnd === this.outStart) return;
    const run = this.out.bytes.subarray(this.outStart, this.outEnd);
    // A socket that is behind keeps what it gets: it shall not keep a whole buffer for a few bytes of it.
    this.pieces.push(this.socketBytes > 0 ? Buffer.from(run) : run);
    this.outStart = this.outEnd;
  }

  private write(): void {
    const { socket, pieces } = this;
    const wasBehind = this.socketBytes > 0;
    this.endRun();
    if (pieces.length === 1) {
      socket.write(pieces[0], this.written);
    } else {
      socket.cork();
      for (const piece of pieces) socket.write(piece, this.written);
      socket.uncork();
    }
    pieces.length = 0;
    this.collectedBytes = 0;
    this.count();
    if (this.socketBytes === 0) {
      // The kernel took everything within the call.
      this.releaseOut();
      this.lastSentMs = performance.now();
    } else {
      if (wasBehind) this.releaseOut();
      else this.abandonOut();
      this.onBacklog();
    }
  }

  private releaseOut(): void {
    for (const buffer of this.usedOut) giveBackOutBuffer(buffer);
    if (this.out !== undefined) giveBackOutBuffer(this.out);
    this.forgetOut();
  }

  private abandonOut(): void {
    for (let i = this.usedOut.length; i > 0; i--) loseOutBuffer();
    if (this.out !== undefined) loseOutBuffer();
    this.forgetOut();
  }

  private forgetOut(): void {
    this.usedOut.length = 0;
    this.out = undefined;
    this.outStart = this.outEnd = 0;
  }

  private readonly written = (): void => {
    if (this.socketBytes === 0 || this.closed) return;
    this.lastSentMs = performance.now();
    this.count();
    this.onProgress();
  };

  private count(): void {
    const bytes = this.socket.writableLength;
    if (bytes === this.socketBytes) return;
    this.total.bytes += bytes - this.socketBytes;
    this.socketBytes = bytes;
  }
}
