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
import type { EpochEntry, EpochTable, MessageStore } from '@rocknest/store';
import { LogSender } from '../../replication/log-sender.js';

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
  readonly sender: LogSender;
  private sentConfirmOffset = -1;
  private closed = false;
  private readonly frame = Buffer.alloc(Math.max(HA_HANDSHAKE_REQUEST_BYTES, HA_TRANSFER_REPORT_BYTES));
  private frameBytes = 0;
  private lastReadMs = performance.now();

  constructor(
    private readonly socket: Socket,
    private readonly store: MessageStore,
    private readonly options: MemberConnectionOptions,
    private readonly events: MemberConnectionEvents,
  ) {
    this.sender = new LogSender(
      socket,
      store,
      {
        headerBytes: HA_EPOCH_TRANSFER_HEADER_BYTES,
        maxBodyBytes: options.transferBatchBytes,
        endOfFrame: (physicalOffset) => this.partAt(physicalOffset).endOffset,
        encodeHeader: (frame, physicalOffset, bodyBytes) => this.encodeHeader(frame, physicalOffset, bodyBytes),
        hasNews: () => options.confirmedOffset() > this.sentConfirmOffset,
        isUrgent: () => true,
      },
      (reason) => this.close(reason),
    );
    this.remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.received(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => this.close(undefined));
  }

  /** Called now and then: sends a sign of life when nothing else was sent, cuts a silent line. */
  check(nowMs: number): void {
    const { heartbeatMs, housekeepingMs } = this.options;
    if (nowMs - this.lastReadMs > housekeepingMs) {
      this.close(`nothing came from it for ${housekeepingMs} ms (haHousekeepingInterval)`);
      return;
    }
    this.sender.keepAlive(nowMs, heartbeatMs);
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
    const { transferOffset } = this.sender;
    if (transferOffset < 0) this.start(newest);
    else if (newest > transferOffset)
      this.close(`it reported offset ${newest}, but has been sent no more than what is before ${transferOffset}`);
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
    this.acknowledged(physicalOffset);
    this.sender.start(physicalOffset === 0 ? minPhysicalOffset : physicalOffset);
  }

  private acknowledged(physicalOffset: number): void {
    this.ackOffset = physicalOffset;
    this.events.reported(this, physicalOffset);
  }

  private encodeHeader(frame: Buffer, physicalOffset: number, bodyBytes: number): void {
    const { epoch, startOffset: epochStartOffset } = this.partAt(physicalOffset);
    const confirmOffset = this.options.confirmedOffset();
    this.sentConfirmOffset = confirmOffset;
    encodeHaEpochTransferHeader(frame, 0, { bodyBytes, physicalOffset, epoch, epochStartOffset, confirmOffset });
  }

  private partAt(physicalOffset: number): EpochEntry & { readonly endOffset: number } {
    const part = this.options.epochs.at(physicalOffset);
    if (part === undefined) throw new Error('that is before the first epoch');
    return part;
  }
}
