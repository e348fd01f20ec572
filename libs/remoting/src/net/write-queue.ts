import type { Socket } from 'node:net';
import { COPY_LIMIT_BYTES, EARLY_FLUSH_BYTES, SCRATCH_BYTES } from '../defaults.js';
import { releasePage, takePage, type WritePage } from './write-page.js';

/** Unsent bytes of several connections, counted together. */
export interface BufferedBytes {
  bytes: number;
}

let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
let scratchOffset = 0;

let dirty: WriteQueue[] = [];
let scheduled = false;

/** Sends what all connections of this process have collected. Called once at the end of each loop turn by itself. */
export function flushWrites(): void {
  scheduled = false;
  if (dirty.length === 0) return;
  const queues = dirty;
  dirty = [];
  for (const queue of queues) queue.flush();
}

/**
 * What one connection has to send. Frames are collected and leave together, in one write for each loop turn: small buffers
 * copied into one, larger ones as elements of the same writev. A buffer must not be changed after it was given.
 */
export class WriteQueue {
  /** When the kernel last took bytes, by the monotonic clock. */
  lastSentMs = performance.now();

  private frames: Buffer[] = [];
  /** The page that frames are encoded into, and where those begin that are not in `frames`. */
  private page: WritePage | undefined;
  private pageStart = 0;
  /** Full pages that `frames` has parts of. */
  private fullPages: WritePage[] = [];
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

  /** Adds a frame in one piece. */
  push(frame: Buffer): void {
    if (this.closed) return;
    if (this.page !== undefined) this.endRun();
    this.frames.push(frame);
    this.collected(frame.length);
  }

  /** Adds a frame in several pieces. */
  pushAll(pieces: readonly Buffer[]): void {
    if (this.closed) return;
    if (this.page !== undefined) this.endRun();
    let bytes = 0;
    for (const piece of pieces) {
      this.frames.push(piece);
      bytes += piece.length;
    }
    this.collected(bytes);
  }

  /**
   * Room for a frame of at most `bytes`, to be written to `page.bytes` from `page.used` on; `commit` adds it. Frames that follow one
   * another this way leave as one buffer without being copied again.
   */
  reserve(bytes: number): WritePage {
    const { page } = this;
    if (page !== undefined) {
      if (page.used + bytes <= page.bytes.length) return page;
      this.endRun();
      this.fullPages.push(page);
    }
    this.pageStart = 0;
    return (this.page = takePage(bytes));
  }

  /** Adds the frame between `page.used` and `end`. */
  commit(end: number): void {
    const page = this.page!;
    const bytes = end - page.used;
    page.used = end;
    this.collected(bytes);
  }

  /** The frames that were encoded since the last run become one buffer. */
  private endRun(): void {
    const { used, bytes } = this.page!;
    if (used === this.pageStart) return;
    this.frames.push(bytes.subarray(this.pageStart, used));
    this.pageStart = used;
  }

  /** @param taken the kernel took everything within the call, so that the memory is free again. */
  private leavePages(taken: boolean): void {
    const { page, fullPages } = this;
    if (page === undefined) return;
    this.page = undefined;
    if (taken) {
      releasePage(page);
      for (const full of fullPages) releasePage(full);
    }
    if (fullPages.length > 0) this.fullPages = [];
  }

  private collected(bytes: number): void {
    this.collectedBytes += bytes;
    if (!this.queued) {
      this.queued = true;
      dirty.push(this);
      if (!scheduled) {
        scheduled = true;
        setImmediate(flushWrites);
      }
    }
    if (this.collectedBytes >= EARLY_FLUSH_BYTES) this.write();
  }

  /** Sends now. */
  flush(): void {
    this.queued = false;
    if (this.collectedBytes > 0) this.write();
  }

  /** Forgets everything that was not sent. */
  close(): void {
    this.closed = true;
    this.leavePages(false);
    this.frames = [];
    this.collectedBytes = 0;
    this.total.bytes -= this.socketBytes;
    this.socketBytes = 0;
  }

  private write(): void {
    const { frames, socket } = this;
    if (this.page !== undefined) this.endRun();
    const scratchBefore = scratchOffset;
    const scratchUsed = scratch;
    const segments = frames.length === 1 ? frames : join(frames, this.socketBytes > 0);
    if (segments.length === 1) {
      socket.write(segments[0], this.written);
    } else {
      socket.cork();
      for (const segment of segments) socket.write(segment, this.written);
      socket.uncork();
    }
    frames.length = 0;
    this.collectedBytes = 0;
    this.count();
    this.leavePages(this.socketBytes === 0);
    // The kernel took everything within the call: the shared buffer is free again.
    if (this.socketBytes === 0) {
      this.lastSentMs = performance.now();
      scratchOffset = scratchUsed === scratch ? scratchBefore : 0;
    } else {
      this.onBacklog();
    }
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

/** Copies runs of small buffers together. `backlog`: the socket will keep them, so they get memory of their own, to the byte. */
function join(frames: readonly Buffer[], backlog: boolean): Buffer[] {
  const segments: Buffer[] = [];
  const count = frames.length;
  let index = 0;
  while (index < count) {
    const first = frames[index];
    if (first.length > COPY_LIMIT_BYTES) {
      segments.push(first);
      index++;
      continue;
    }
    let end = index;
    let bytes = 0;
    while (end < count && frames[end].length <= COPY_LIMIT_BYTES && bytes + frames[end].length <= SCRATCH_BYTES) {
      bytes += frames[end++].length;
    }
    segments.push(end - index === 1 ? first : copyRun(frames, index, end, bytes, backlog));
    index = end;
  }
  return segments;
}

function copyRun(frames: readonly Buffer[], from: number, to: number, bytes: number, backlog: boolean): Buffer {
  let target: Buffer;
  let offset: number;
  if (backlog) {
    target = Buffer.allocUnsafeSlow(bytes);
    offset = 0;
  } else {
    if (scratchOffset + bytes > SCRATCH_BYTES) {
      scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
      scratchOffset = 0;
    }
    target = scratch;
    offset = scratchOffset;
    scratchOffset += bytes;
  }
  const start = offset;
  for (let index = from; index < to; index++) {
    const frame = frames[index];
    target.set(frame, offset);
    offset += frame.length;
  }
  return target.subarray(start, offset);
}
