import { type Clock, type MessageStore, SystemClock } from '@rocknest/store';
import { ByteRate } from './byte-rate.js';
import { HA_TRANSFER_DELAY_MS } from './defaults.js';
import type { HaSocket } from './ha-network.js';

/** How the frames of a line look, and what it sends besides the log. */
export interface LogFrames {
  readonly headerBytes: number;
  /** Of one frame. */
  readonly maxBodyBytes: number;
  /** Where the frame that begins at an offset has to end at the latest. @throws Error when nothing can be sent from there on: the line is cut. */
  endOfFrame(physicalOffset: number): number;
  encodeHeader(frame: Buffer, physicalOffset: number, bodyBytes: number): void;
  /** There is something to tell without any log. */
  hasNews(): boolean;
  /** Puts, or readers, might wait for what is sent: at once. */
  isUrgent(): boolean;
}

/**
 * Sends the log over one line, from an offset on, in frames. A line takes the memory of one frame: the log is read when the socket has taken what was
 * sent before, wherever the other side stands. Each frame is one write.
 */
export class LogSender {
  /** What is sent next; -1 before {@link start}. */
  transferOffset = -1;
  readonly sentRate = new ByteRate();
  private lastWriteMs: number;
  /** The frame is in use. */
  private busy = false;
  private scheduled = false;
  /** A header, and the body behind it. */
  private readonly frame: Buffer;
  private readonly body: Buffer;

  /** @param cut ends the line, for a reason */
  constructor(
    private readonly socket: HaSocket,
    private readonly store: MessageStore,
    private readonly frames: LogFrames,
    private readonly cut: (reason: string) => void,
    private readonly clock: Clock = new SystemClock(),
  ) {
    this.lastWriteMs = clock.monotonicMs();
    this.frame = Buffer.allocUnsafeSlow(frames.headerBytes + frames.maxBodyBytes);
    this.body = this.frame.subarray(frames.headerBytes);
  }

  start(physicalOffset: number): void {
    this.transferOffset = physicalOffset;
    this.pump();
  }

  /** The log has grown, or there is other news. */
  wake(): void {
    if (this.busy || this.scheduled || this.transferOffset < 0) return;
    const waitingBytes = this.store.maxPhysicalOffset - this.transferOffset;
    if (waitingBytes <= 0 && !this.frames.hasNews()) return;
    this.scheduled = true;
    if (waitingBytes >= this.body.length || this.frames.isUrgent()) this.clock.defer(this.pump);
    else this.clock.startTimer(this.pump, HA_TRANSFER_DELAY_MS);
  }

  /** Called now and then: sends a sign of life when nothing else was sent. */
  keepAlive(nowMs: number, heartbeatMs: number): void {
    if (this.transferOffset < 0 || this.busy || nowMs - this.lastWriteMs < heartbeatMs) return;
    this.send(0);
  }

  private readonly pump = (): void => {
    this.scheduled = false;
    if (this.busy || this.socket.destroyed) return;
    const { transferOffset, store, frames } = this;
    if (transferOffset < store.minPhysicalOffset) {
      this.cut(`offset ${transferOffset}, which it needs next, has been deleted (fileReservedTime)`);
      return;
    }
    try {
      const maxBytes = Math.min(this.body.length, frames.endOfFrame(transferOffset) - transferOffset);
      const read = store.replication.reader.readInto(transferOffset, this.body, maxBytes);
      if (typeof read === 'number') {
        this.sendNews(read);
        return;
      }
      this.busy = true;
      read.then(
        (bytes) => {
          this.busy = false;
          this.sendNews(bytes);
        },
        (error: unknown) => this.unreadable(error),
      );
    } catch (error) {
      this.unreadable(error);
    }
  };

  private unreadable(error: unknown): void {
    this.cut(`the log cannot be read at ${this.transferOffset}: ${String(error)}`);
  }

  private sendNews(bodyBytes: number): void {
    if (bodyBytes > 0 || this.frames.hasNews()) this.send(bodyBytes);
  }

  /** Sends what was read; nothing: a sign of life. */
  private send(bodyBytes: number): void {
    const { socket, frame, frames } = this;
    if (socket.destroyed) return;
    this.busy = true;
    this.lastWriteMs = this.clock.monotonicMs();
    this.sentRate.add(bodyBytes, this.lastWriteMs);
    frames.encodeHeader(frame, this.transferOffset, bodyBytes);
    this.transferOffset += bodyBytes;
    socket.write(frame.subarray(0, frames.headerBytes + bodyBytes), this.sent);
  }

  /** The kernel has it all: the frame is free. */
  private readonly sent = (error?: Error | null): void => {
    this.busy = false;
    // A slow slave is silent while it still takes what was sent.
    this.lastWriteMs = this.clock.monotonicMs();
    if (error == null) this.wake();
  };
}
