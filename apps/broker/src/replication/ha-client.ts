import {
  decodeHaTransferHeader,
  encodeHaReport,
  HA_TRANSFER_HEADER_BYTES,
  type HAClientRuntimeInfo,
} from '@rocknest/protocol';
import { type Clock, type MessageStore, SystemClock, type Timer } from '@rocknest/store';
import type { BrokerLogger } from '../logger.js';
import { ByteRate } from './byte-rate.js';
import {
  HA_CONNECT_TIMEOUT_MS,
  HA_MAX_UNWRITTEN_BYTES,
  HA_MAX_RECONNECT_MS,
  HA_MIN_RECONNECT_MS,
  MAX_HA_BODY_BYTES,
} from './defaults.js';
import { type HaNetwork, type HaSocket, nodeHaNetwork } from './ha-network.js';

export interface HaClientOptions {
  readonly heartbeatMs: number;
  readonly housekeepingMs: number;
  /** The line to the master opened or broke. */
  readonly onState: (isConnected: boolean) => void;
}

/** One line to a master, from its connection to its end. */
interface Line {
  readonly socket: HaSocket;
  readonly address: string;
  readonly header: Buffer;
  headerBytes: number;
  /** What is left of the body that is being received, and where it belongs. */
  bodyBytes: number;
  physicalOffset: number;
  /** The first report was sent: what comes may be taken. */
  ready: boolean;
  lastReadMs: number;
  lastReportMs: number;
}

/**
 * A slave's side of the replication: connects to its master, reports how far its log goes, appends what comes, and does so again whenever the line
 * breaks.
 *
 * Follows `store/ha/DefaultHAClient.java`.
 */
export class HaClient {
  private masterAddress: string | undefined = undefined;
  private line: Line | undefined = undefined;
  private timer: Timer | undefined = undefined;
  private stopped = true;
  /** Before the next try. */
  private reconnectMs = HA_MIN_RECONNECT_MS;
  /** What was logged last, so that the same is not logged every 5 s. */
  private lastProblem = '';
  private readonly receivedRate = new ByteRate();
  /** ms since 1970, of all lines. */
  private lastReadAtMs = 0;
  private lastReportAtMs = 0;

  constructor(
    private readonly store: MessageStore,
    private readonly options: HaClientOptions,
    private readonly logger: BrokerLogger,
    private readonly clock: Clock = new SystemClock(),
    private readonly network: HaNetwork = nodeHaNetwork,
  ) {}

  get isConnected(): boolean {
    return this.line?.ready === true;
  }

  status(): HAClientRuntimeInfo {
    return {
      masterAddr: this.masterAddress ?? '',
      transferredByteInSecond: this.receivedRate.perSecond(this.clock.monotonicMs()),
      maxOffset: this.store.maxPhysicalOffset,
      lastReadTimestamp: this.lastReadAtMs,
      lastWriteTimestamp: this.lastReportAtMs,
      masterFlushOffset: 0,
      activated: this.isConnected,
    };
  }

  /** Where the log comes from: `host:port`. Another address than before takes effect at once. */
  setMaster(address: string): void {
    if (address === this.masterAddress) return;
    this.masterAddress = address;
    if (this.stopped) return;
    this.end(undefined);
    this.reconnectMs = HA_MIN_RECONNECT_MS;
    this.schedule(0);
  }

  start(): void {
    this.stopped = false;
    this.store.replication.appender.listen({
      written: () => this.written(),
      failed: (error) => this.end(error.message),
    });
    this.schedule(0);
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.end(undefined);
  }

  private schedule(delayMs: number): void {
    this.timer?.cancel();
    if (this.stopped) return;
    this.timer = this.clock.startTimer(() => {
      if (this.line === undefined) this.connect();
      else this.check(this.line);
    }, delayMs);
  }

  private connect(): void {
    const address = this.masterAddress;
    if (address === undefined) return;
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
    const socket = this.network.connect(host, Number(address.slice(colon + 1)));
    const nowMs = this.clock.monotonicMs();
    const line: Line = {
      socket,
      address,
      header: Buffer.alloc(HA_TRANSFER_HEADER_BYTES),
      headerBytes: 0,
      bodyBytes: 0,
      physicalOffset: 0,
      ready: false,
      lastReadMs: nowMs,
      lastReportMs: nowMs,
    };
    this.line = line;
    socket.setTimeout(HA_CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no connection in time')));
    socket.on('error', (error) => this.broken(line, error.message));
    socket.on('close', () => this.broken(line, 'the master closed the line; its log says why'));
    socket.on('data', (bytes: Buffer) => this.received(line, bytes));
    socket.once('connect', () => {
      socket.setTimeout(0);
      this.begin(line).catch((error: unknown) => this.broken(line, String(error)));
    });
    this.schedule(this.options.heartbeatMs);
  }

  /** What is still on its way to the disk is waited for: the first report says where the log goes on. */
  private async begin(line: Line): Promise<void> {
    line.socket.pause();
    const physicalOffset = await this.store.replication.appender.restart();
    if (this.line !== line) return;
    line.ready = true;
    line.lastReadMs = this.clock.monotonicMs();
    this.report(line, physicalOffset);
    line.socket.resume();
    this.logger.log(`connected to the master at ${line.address}: its log is taken from offset ${physicalOffset} on`);
    this.options.onState(true);
  }

  /** Each heartbeat interval: a report when none was sent, and a look at how long nothing came. */
  private check(line: Line): void {
    const nowMs = this.clock.monotonicMs();
    const { heartbeatMs, housekeepingMs } = this.options;
    if (line.ready && nowMs - line.lastReadMs > housekeepingMs) {
      this.end(`nothing came for ${housekeepingMs} ms (haHousekeepingInterval)`, 0);
      return;
    }
    if (line.ready && nowMs - line.lastReportMs >= heartbeatMs) this.report(line, this.store.maxPhysicalOffset);
    this.schedule(Math.max(1, Math.min(heartbeatMs, housekeepingMs / 4)));
  }

  private received(line: Line, bytes: Buffer): void {
    if (this.line !== line) return;
    line.lastReadMs = this.clock.monotonicMs();
    this.lastReadAtMs = this.clock.nowMs();
    this.receivedRate.add(bytes.length, line.lastReadMs);
    try {
      let at = 0;
      while (at < bytes.length)
        at = line.bodyBytes > 0 ? this.takeBody(line, bytes, at) : this.takeHeader(line, bytes, at);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
      return;
    }
    this.lastProblem = '';
    if (this.store.replication.appender.bufferedBytes > HA_MAX_UNWRITTEN_BYTES) line.socket.pause();
  }

  private takeHeader(line: Line, bytes: Buffer, at: number): number {
    const copied = bytes.copy(line.header, line.headerBytes, at, at + HA_TRANSFER_HEADER_BYTES - line.headerBytes);
    line.headerBytes += copied;
    if (line.headerBytes < HA_TRANSFER_HEADER_BYTES) return at + copied;
    line.headerBytes = 0;
    const { physicalOffset, bodyBytes } = decodeHaTransferHeader(line.header, 0, MAX_HA_BODY_BYTES);
    const { appender } = this.store.replication;
    if (appender.nextOffset === 0 && physicalOffset > 0) {
      appender.beginAt(physicalOffset);
      this.logger.warn(
        `this slave has nothing: it begins at offset ${physicalOffset}, the last file of the master's log. Earlier messages are read from the master alone`,
      );
    }
    // A sign of life tells the next offset: a gap shows before there is anything to send.
    if (bodyBytes === 0) appender.append(physicalOffset, NO_BYTES);
    line.bodyBytes = bodyBytes;
    line.physicalOffset = physicalOffset;
    return at + copied;
  }

  private takeBody(line: Line, bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + line.bodyBytes);
    this.store.replication.appender.append(line.physicalOffset, bytes.subarray(at, end));
    line.bodyBytes -= end - at;
    line.physicalOffset += end - at;
    return end;
  }

  private written(): void {
    const { line } = this;
    if (line?.ready !== true) return;
    this.reconnectMs = HA_MIN_RECONNECT_MS;
    this.report(line, this.store.maxPhysicalOffset);
    if (line.socket.isPaused() && this.store.replication.appender.bufferedBytes <= HA_MAX_UNWRITTEN_BYTES)
      line.socket.resume();
  }

  private report(line: Line, physicalOffset: number): void {
    line.lastReportMs = this.clock.monotonicMs();
    this.lastReportAtMs = this.clock.nowMs();
    line.socket.write(encodeHaReport(physicalOffset));
  }

  private broken(line: Line, problem: string): void {
    if (this.line === line) this.end(problem);
  }

  /** @param problem undefined: it is ended on purpose. */
  private end(problem: string | undefined, retryMs = this.reconnectMs): void {
    const { line } = this;
    this.line = undefined;
    if (line === undefined) return;
    line.socket.destroy();
    if (line.ready) this.options.onState(false);
    if (problem === undefined || this.stopped) return;
    if (problem !== this.lastProblem) this.logger.warn(`no replication from the master at ${line.address}: ${problem}`);
    this.lastProblem = problem;
    this.reconnectMs = Math.min(2 * this.reconnectMs, HA_MAX_RECONNECT_MS);
    this.schedule(retryMs);
  }
}

const NO_BYTES = Buffer.alloc(0);
