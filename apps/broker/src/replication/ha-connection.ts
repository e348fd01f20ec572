import { decodeHaReport, encodeHaTransferHeader, HA_REPORT_BYTES, HA_TRANSFER_HEADER_BYTES } from '@rocknest/protocol';
import type { Clock, MessageStore } from '@rocknest/store';
import type { HaSocket } from './ha-network.js';
import { LogSender } from './log-sender.js';

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
 * One slave, as its master sees it: takes its reports and sends it the log from the first one on.
 *
 * Follows `store/ha/DefaultHAConnection.java`.
 */
export class HaConnection {
  /** The slave has everything before this offset; -1 before its first report. */
  ackOffset = -1;
  readonly remoteAddress: string;
  readonly sender: LogSender;
  private closed = false;
  private readonly report = Buffer.alloc(HA_REPORT_BYTES);
  private reportBytes = 0;
  private lastReadMs: number;

  constructor(
    private readonly socket: HaSocket,
    private readonly store: MessageStore,
    private readonly options: HaConnectionOptions,
    private readonly events: HaConnectionEvents,
    private readonly clock: Clock,
  ) {
    this.lastReadMs = clock.monotonicMs();
    this.sender = new LogSender(
      socket,
      store,
      {
        headerBytes: HA_TRANSFER_HEADER_BYTES,
        maxBodyBytes: options.transferBatchBytes,
        endOfFrame: () => Infinity,
        encodeHeader: (frame, physicalOffset, bodyBytes) => encodeHaTransferHeader(frame, 0, physicalOffset, bodyBytes),
        hasNews: () => false,
        isUrgent: options.isUrgent,
      },
      (reason) => this.close(reason),
      clock,
    );
    this.remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.received(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => this.close(undefined));
  }

  /** Bytes that the slave lacks; undefined before its first report. */
  get behindBytes(): number | undefined {
    return this.ackOffset < 0 ? undefined : this.store.maxPhysicalOffset - this.ackOffset;
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
    this.lastReadMs = this.clock.monotonicMs();
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
    const { transferOffset } = this.sender;
    if (transferOffset < 0) this.start(newest);
    else if (newest > transferOffset)
      this.close(`it reported offset ${newest}, but has been sent no more than what is before ${transferOffset}`);
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
    this.acknowledged(physicalOffset);
    this.sender.start(physicalOffset === 0 ? lastFile : physicalOffset);
  }

  private acknowledged(physicalOffset: number): void {
    this.ackOffset = physicalOffset;
    this.events.reported();
  }
}
