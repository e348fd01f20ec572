import type { Socket } from 'node:net';
import {
  decodeHaHandshakeRequest,
  decodeHaTransferReport,
  encodeHaEpochTransferHeader,
  encodeHaHandshake,
  HA_EPOCH_TRANSFER_HEADER_BYTES,
  HA_HANDSHAKE_REQUEST_BYTES,
  HA_TRANSFER_REPORT_BYTES,
} from '@rocknest/protocol';
import type { EpochTable, MessageStore } from '@rocknest/store';
import { ByteRate } from '../../replication/byte-rate.js';
import { HA_SEND_BUFFER_BYTES } from '../../replication/defaults.js';

export interface MemberConnectionOptions {
  readonly transferBatchBytes: number;
  readonly heartbeatMs: number;
  readonly housekeepingMs: number;
  /** The epochs of the master's log, its own included. */
  readonly epochs: EpochTable;
  /** Everything before is with all who must have it. */
  readonly confirmedOffset: () => number;
}

export interface MemberConnectionEvents {
  /** The slave said who it is. @returns why it is not taken, or undefined. */
  introduced(connection: MemberConnection): string | undefined;
  reported(connection: MemberConnection, physicalOffset: number): void;
  /** @param reason why the master cut the line; undefined when the slave went. */
  closed(connection: MemberConnection, reason: string | undefined): void;
}

/**
 * One slave of a group with a lease, as its master sees it: tells it the epochs of its log, then sends the log from where the slave goes on, each frame
 * within one epoch and with the offset up to which all have it. Costs one buffer, however far behind the slave is.
 *
 * Follows `store/ha/autoswitch/AutoSwitchHAConnection.java`.
 */
export class MemberConnection {
  /** Of the slave; 0 before it said so. */
  brokerId = 0;
  readonly remoteAddress: string;
  /** The slave has everything before this offset; -1 before its first report. */
  ackOffset = -1;
  readonly sentRate = new ByteRate();
  /** What is sent next; -1 before the slave's first report. */
  transferOffset = -1;
  private sentConfirmOffset = -1;
  private busy = false;
  private scheduled = false;
  private closed = false;
  private readonly body: Buffer;
  private readonly headers: Buffer;
  private readonly frame = Buffer.alloc(Math.max(HA_HANDSHAKE_REQUEST_BYTES, HA_TRANSFER_REPORT_BYTES));
  private frameBytes = 0;
  private lastReadMs = performance.now();
  private lastWriteMs = performance.now();

  constructor(
    private readonly socket: Socket,
    private readonly store: MessageStore,
    private readonly options: MemberConnectionOptions,
    private readonly events: MemberConnectionEvents,
  ) {
    const { transferBatchBytes } = options;
    const frames = Math.max(1, Math.floor(HA_SEND_BUFFER_BYTES / transferBatchBytes));
    this.body = Buffer.allocUnsafeSlow(frames * transferBatchBytes);
    this.headers = Buffer.allocUnsafeSlow(frames * HA_EPOCH_TRANSFER_HEADER_BYTES);
    this.remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.received(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => this.close(undefined));
  }

  /** The log has grown, or more of it is confirmed. */
  readonly wake = (): void => {
    if (this.busy || this.scheduled || this.transferOffset < 0) return;
    this.scheduled = true;
    setImmediate(this.pump);
  };

  /** Called now and then: sends a sign of life when nothing else was sent, cuts a silent line. */
  check(nowMs: number): void {
    const { heartbeatMs, housekeepingMs } = this.options;
    if (nowMs - this.lastReadMs > housekeepingMs) {
      this.close(`nothing came from it for ${housekeepingMs} ms (haHousekeepingInterval)`);
      return;
    }
    if (this.transferOffset < 0 || this.busy || nowMs - this.lastWriteMs < heartbeatMs) return;
    this.sendFrames(0, this.options.epochs.lastEpoch, 0);
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
    try {
      for (let at = 0; at < bytes.length && !this.closed;) {
        const wanted = this.brokerId === 0 ? HA_HANDSHAKE_REQUEST_BYTES : HA_TRANSFER_REPORT_BYTES;
        const copied = bytes.copy(this.frame, this.frameBytes, at, at + wanted - this.frameBytes);
        at += copied;
        this.frameBytes += copied;
        if (this.frameBytes < wanted) break;
        this.frameBytes = 0;
        if (this.brokerId === 0) this.introduce(decodeHaHandshakeRequest(this.frame, 0));
        else newest = decodeHaTransferReport(this.frame, 0);
      }
    } catch (error) {
      this.close((error as Error).message);
      return;
    }
    if (newest < 0 || this.closed) return;
    if (this.transferOffset < 0) this.start(newest);
    else if (newest > this.transferOffset)
      this.close(`it reported offset ${newest}, but has been sent no more than what is before ${this.transferOffset}`);
    else this.acknowledged(newest);
  }

  private introduce(brokerId: number): void {
    this.brokerId = brokerId;
    const refusal = this.events.introduced(this);
    if (refusal !== undefined) {
      this.close(refusal);
      return;
    }
    const { epochs } = this.options;
    this.socket.write(encodeHaHandshake(epochs.entries, this.store.maxPhysicalOffset, epochs.lastEpoch));
  }

  /** The first report: where to begin. A slave that has nothing gets all that there is. */
  private start(physicalOffset: number): void {
    const { minPhysicalOffset, maxPhysicalOffset } = this.store;
    if (physicalOffset > maxPhysicalOffset) {
      this.close(`it goes on at offset ${physicalOffset}, but this log ends at ${maxPhysicalOffset}`);
      return;
    }
    if (physicalOffset > 0 && physicalOffset < minPhysicalOffset) {
      this.close(
        `it goes on at offset ${physicalOffset}, but the log begins at ${minPhysicalOffset} now (fileReservedTime): move its store folder away, it begins anew`,
      );
      return;
    }
    this.transferOffset = physicalOffset === 0 ? minPhysicalOffset : physicalOffset;
    this.acknowledged(physicalOffset);
    this.wake();
  }

  private acknowledged(physicalOffset: number): void {
    this.ackOffset = physicalOffset;
    this.events.reported(this, physicalOffset);
  }

  private readonly pump = (): void => {
    this.scheduled = false;
    if (this.busy || this.closed) return;
    if (this.transferOffset < this.store.minPhysicalOffset) {
      this.close(`offset ${this.transferOffset}, which it needs next, has been deleted (fileReservedTime)`);
      return;
    }
    const part = this.options.epochs.at(this.transferOffset);
    if (part === undefined) {
      this.close(`offset ${this.transferOffset} is before the first epoch`);
      return;
    }
    const { epoch, startOffset, endOffset } = part;
    const maxBytes = Math.min(this.body.length, endOffset - this.transferOffset);
    try {
      const read = this.store.replication.reader.readInto(this.transferOffset, this.body, maxBytes);
      if (typeof read === 'number') {
        this.send(read, epoch, startOffset);
        return;
      }
      this.busy = true;
      read.then(
        (bytes) => {
          this.busy = false;
          this.send(bytes, epoch, startOffset);
        },
        (error: unknown) => this.close(`the log cannot be read at ${this.transferOffset}: ${String(error)}`),
      );
    } catch (error) {
      this.close(`the log cannot be read at ${this.transferOffset}: ${String(error)}`);
    }
  };

  private send(bytes: number, epoch: number, epochStartOffset: number): void {
    if (bytes > 0 || this.options.confirmedOffset() > this.sentConfirmOffset)
      this.sendFrames(bytes, epoch, epochStartOffset);
  }

  /** Sends what was read, in frames; nothing: a sign of life. */
  private sendFrames(bytes: number, epoch: number, epochStartOffset: number): void {
    if (this.closed) return;
    const { socket, body, headers } = this;
    const { transferBatchBytes } = this.options;
    const confirmOffset = this.options.confirmedOffset();
    this.sentConfirmOffset = confirmOffset;
    this.busy = true;
    this.lastWriteMs = performance.now();
    this.sentRate.add(bytes, this.lastWriteMs);
    socket.cork();
    let last: Buffer;
    let at = 0;
    let header = 0;
    do {
      const bodyBytes = Math.min(transferBatchBytes, bytes - at);
      const { transferOffset: physicalOffset } = this;
      encodeHaEpochTransferHeader(headers, header, {
        bodyBytes,
        physicalOffset,
        epoch,
        epochStartOffset,
        confirmOffset,
      });
      last = headers.subarray(header, header + HA_EPOCH_TRANSFER_HEADER_BYTES);
      header += HA_EPOCH_TRANSFER_HEADER_BYTES;
      if (bodyBytes > 0) {
        socket.write(last);
        last = body.subarray(at, at + bodyBytes);
      }
      this.transferOffset += bodyBytes;
      at += bodyBytes;
      if (at < bytes) socket.write(last);
    } while (at < bytes);
    socket.write(last, this.sent);
    socket.uncork();
  }

  /** The kernel has it all: the buffers are free. */
  private readonly sent = (error?: Error | null): void => {
    this.busy = false;
    this.lastWriteMs = performance.now();
    if (error == null) this.pump();
  };
}
