import type { Socket } from 'node:net';
import { COPY_LIMIT_BYTES, EARLY_FLUSH_BYTES } from '../defaults.js';
import { losePage, releasePage, takePage, type WritePage } from './write-page.js';

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
 * a page, larger ones are elements of the same writev. A Buffer must not be changed after it was given.
 */
export class WriteQueue {
  /** When the kernel last took bytes, by the monotonic clock. */
  lastSentMs = performance.now();

  /** What leaves before the bytes of the page. */
  private pieces: Buffer[] = [];
  /** The page that frames are encoded into, and where those begin that are not in `pieces`. */
  private page: WritePage | undefined = undefined;
  private pageStart = 0;
  /** Full pages that `pieces` has parts of. */
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
      this.page = undefined;
    }
    const next = takePage(bytes, page !== undefined, flushWrites);
    this.pageStart = 0;
    return (this.page = next);
  }

  /** Adds the frame between `start` and `end`; what lies between `page.used` and `start` is left out. */
  commit(end: number, start = this.page!.used): void {
    const page = this.page!;
    if (start !== page.used) {
      this.endRun();
      this.pageStart = start;
    }
    page.used = end;
    this.collected(end - start);
  }

  /** Sends now. */
  flush(): void {
    this.queued = false;
    if (this.collectedBytes > 0) this.write();
  }

  /** Forgets everything that was not sent. */
  close(): void {
    this.closed = true;
    this.leavePages(true);
    this.pieces = [];
    this.collectedBytes = 0;
    this.total.bytes -= this.socketBytes;
    this.socketBytes = 0;
  }

  private add(bytes: Buffer): void {
    if (bytes.length > COPY_LIMIT_BYTES) {
      this.endRun();
      this.pieces.push(bytes);
      return;
    }
    const page = this.reserve(bytes.length);
    page.bytes.set(bytes, page.used);
    page.used += bytes.length;
  }

  /** The frames that were encoded since the last run become one buffer. */
  private endRun(): void {
    const { page, pageStart } = this;
    if (page === undefined || page.used === pageStart) return;
    const run = page.bytes.subarray(pageStart, page.used);
    // A socket that is behind keeps what it gets: it shall not keep a whole page for a few bytes of it.
    this.pieces.push(this.socketBytes > 0 ? Buffer.from(run) : run);
    this.pageStart = page.used;
  }

  /** @param free nothing of the pages is needed any more. */
  private leavePages(free: boolean): void {
    const { page, fullPages } = this;
    const leave = free ? releasePage : losePage;
    for (const full of fullPages) leave(full);
    fullPages.length = 0;
    if (page === undefined) return;
    leave(page);
    this.page = undefined;
    this.pageStart = 0;
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
    const isBehind = this.socketBytes > 0;
    // What the kernel did not take within the call is the socket's now; one that was behind before got copies.
    this.leavePages(wasBehind || !isBehind);
    if (isBehind) this.onBacklog();
    else this.lastSentMs = performance.now();
  }

  private readonly written = (): void => {
    if (this.closed) return;
    if (this.socketBytes > 0) {
      this.lastSentMs = performance.now();
      this.count();
    }
    // Also when a write of its own has noticed already that nothing waits any more: this call comes later than the fact.
    this.onProgress();
  };

  private count(): void {
    const bytes = this.socket.writableLength;
    if (bytes === this.socketBytes) return;
    this.total.bytes += bytes - this.socketBytes;
    this.socketBytes = bytes;
  }
}
