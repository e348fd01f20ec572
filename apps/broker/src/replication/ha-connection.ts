import type { Socket } from 'node:net';
import { decodeHaReport, encodeHaTransferHeader, HA_REPORT_BYTES, HA_TRANSFER_HEADER_BYTES } from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import { ByteRate } from './byte-rate.js';
import { HA_SEND_BUFFER_BYTES, HA_TRANSFER_DELAY_MS } from './defaults.js';

export interface HaConnectionOptions {
  readonly transferBatchBytes: number;
  readonly heartbeatMs: number;
  readonly housekeepingMs: number;
  /** Send puts might wait for: at once. */
  readonly isUrgent: () => boolean;
}

export interface HaConnectionEvents {
  /** The slave has more than before. */
  reported(): void;
  /** @param reason why the master cut the line; undefined when the slave went. */
  closed(connection: HaConnection, reason: string | undefined): void;
}

/**
 * One slave, as its master sees it: takes its reports and sends it the log from the first one on. A slave takes one buffer of memory: the log is read
 * when the socket has taken what was sent before, wherever the slave stands.
 *
 * Follows `store/ha/DefaultHAConnection.java`.
 */
export class HaConnection {
  /** The slave has everything before this offset; -1 before its first report. */
  ackOffset = -1;
  readonly remoteAddress: string;
  /** What it gets next; -1 before its first report. */
  transferOffset = -1;
  readonly sentRate = new ByteRate();
  /** The buffers are in use. */
  private busy = false;
  private scheduled = false;
  private closed = false;
  private readonly body: Buffer;
  private readonly headers: Buffer;
  private readonly report = Buffer.alloc(HA_REPORT_BYTES);
  private reportBytes = 0;
  private lastReadMs = performance.now();
  private lastWriteMs = performance.now();

  constructor(
    private readonly socket: Socket,
    private readonly store: MessageStore,
    private readonly options: HaConnectionOptions,
    private readonly events: HaConnectionEvents,
  ) {
    const { transferBatchBytes } = options;
    const frames = Math.max(1, Math.floor(HA_SEND_BUFFER_BYTES / transferBatchBytes));
    this.body = Buffer.allocUnsafeSlow(frames * transferBatchBytes);
    this.headers = Buffer.allocUnsafeSlow(frames * HA_TRANSFER_HEADER_BYTES);
    this.remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.received(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => this.close(undefined));
  }

  /** Bytes that the slave lacks; undefined before its first report. */
  get behindBytes(): number | undefined {
    return this.ackOffset < 0 ? undefined : this.store.maxPhysicalOffset - this.ackOffset;
  }

  /** The log has grown. */
  wake(): void {
    if (this.busy || this.scheduled || this.transferOffset < 0) return;
    this.scheduled = true;
    const isFull = this.store.maxPhysicalOffset - this.transferOffset >= this.options.transferBatchBytes;
    if (isFull || this.options.isUrgent()) setImmediate(this.pump);
    else setTimeout(this.pump, HA_TRANSFER_DELAY_MS);
  }

  /** Called now and then: sends a sign of life when nothing else was sent, cuts a silent line. */
  check(nowMs: number): void {
    const { heartbeatMs, housekeepingMs } = this.options;
    if (nowMs - this.lastReadMs > housekeepingMs) {
      this.close(`nothing came from it for ${housekeepingMs} ms (haHousekeepingInterval)`);
      return;
    }
    if (this.transferOffset < 0 || this.busy || nowMs - this.lastWriteMs < heartbeatMs) return;
    this.sendFrames(0);
  }

  close(reason: string | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.destroy();
    this.events.closed(this, reason);
  }

  private received(bytes: Buffer): void {
    this.lastReadMs = performance.now();
    let newest = -1;
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.report, this.reportBytes, at, at + HA_REPORT_BYTES - this.reportBytes);
      at += copied;
      this.reportBytes += copied;
      if (this.reportBytes < HA_REPORT_BYTES) break;
      this.reportBytes = 0;
      try {
        newest = decodeHaReport(this.report, 0);
      } catch (error) {
        this.close((error as Error).message);
        return;
      }
    }
    if (newest < 0) return;
    if (this.transferOffset < 0) this.start(newest);
    else if (newest > this.transferOffset)
      this.close(`it reported offset ${newest}, but has been sent no more than what is before ${this.transferOffset}`);
    else this.acknowledged(newest);
  }

  /** The first report: where to begin. A slave that has nothing gets the last file only, as with RocketMQ. */
  private start(physicalOffset: number): void {
    const { minPhysicalOffset, maxPhysicalOffset, replication } = this.store;
    if (physicalOffset > maxPhysicalOffset) {
      this.close(
        `it has the log up to offset ${physicalOffset}, this master only to ${maxPhysicalOffset}: the two have different histories. ` +
          'Let the slave begin anew, with its store folder moved away, or bring the master back that it followed',
      );
      return;
    }
    if (physicalOffset > 0 && physicalOffset < minPhysicalOffset) {
      this.close(
        `it goes on at offset ${physicalOffset}, but the log begins at ${minPhysicalOffset} now (fileReservedTime): move its store folder away, it begins anew`,
      );
      return;
    }
    const lastFile = Math.max(
      minPhysicalOffset,
      maxPhysicalOffset - (maxPhysicalOffset % replication.segmentSizeBytes),
    );
    this.transferOffset = physicalOffset === 0 ? lastFile : physicalOffset;
    this.acknowledged(physicalOffset);
    this.pump();
  }

  private acknowledged(physicalOffset: number): void {
    this.ackOffset = physicalOffset;
    this.events.reported();
  }

  private readonly pump = (): void => {
    this.scheduled = false;
    if (this.busy || this.closed) return;
    if (this.transferOffset < this.store.minPhysicalOffset) {
      this.close(`offset ${this.transferOffset}, which it needs next, has been deleted (fileReservedTime)`);
      return;
    }
    try {
      const read = this.store.replication.reader.readInto(this.transferOffset, this.body, this.body.length);
      if (typeof read === 'number') {
        if (read > 0) this.sendFrames(read);
        return;
      }
      this.busy = true;
      read.then(
        (bytes) => {
          this.busy = false;
          if (bytes > 0) this.sendFrames(bytes);
        },
        (error: unknown) => this.close(`the log cannot be read at ${this.transferOffset}: ${String(error)}`),
      );
    } catch (error) {
      this.close(`the log cannot be read at ${this.transferOffset}: ${String(error)}`);
    }
  };

  /** Sends what was read, in frames; nothing: a sign of life. */
  private sendFrames(bytes: number): void {
    if (this.closed) return;
    const { socket, body, headers } = this;
    const { transferBatchBytes } = this.options;
    this.busy = true;
    this.lastWriteMs = performance.now();
    this.sentRate.add(bytes, this.lastWriteMs);
    socket.cork();
    let last: Buffer;
    let at = 0;
    let header = 0;
    do {
      const length = Math.min(transferBatchBytes, bytes - at);
      encodeHaTransferHeader(headers, header, this.transferOffset, length);
      last = headers.subarray(header, header + HA_TRANSFER_HEADER_BYTES);
      header += HA_TRANSFER_HEADER_BYTES;
      if (length > 0) {
        socket.write(last);
        last = body.subarray(at, at + length);
      }
      this.transferOffset += length;
      at += length;
      if (at < bytes) socket.write(last);
    } while (at < bytes);
    socket.write(last, this.sent);
    socket.uncork();
  }

  /** The kernel has it all: the buffers are free. */
  private readonly sent = (error?: Error | null): void => {
    this.busy = false;
    // A slow slave is silent while it still takes what was sent.
    this.lastWriteMs = performance.now();
    if (error == null) this.pump();
  };
}
