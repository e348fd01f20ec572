import { connect, type Socket } from 'node:net';
import {
  type HAClientRuntimeInfo,
  decodeHaEpochs,
  decodeHaEpochTransferHeader,
  decodeHaHandshakeHeader,
  encodeHaHandshakeRequest,
  encodeHaTransferReport,
  HA_EPOCH_ENTRY_BYTES,
  HA_EPOCH_TRANSFER_HEADER_BYTES,
  HA_HANDSHAKE_HEADER_BYTES,
} from '@rocknest/protocol';
import { type ConfirmGate, type EpochFile, EpochTable, type MessageStore } from '@rocknest/store';
import type { BrokerLogger } from '../../logger.js';
import { ByteRate } from '../../replication/byte-rate.js';
import { HA_CONNECT_TIMEOUT_MS, HA_MAX_UNWRITTEN_BYTES, MAX_HA_BODY_BYTES } from '../../replication/defaults.js';
import { MAX_EPOCHS, MEMBER_RECONNECT_MS, NEW_LEADER_PATIENCE_MS } from '../defaults.js';

export interface MemberHaClientOptions {
  readonly memberId: number;
  readonly heartbeatMs: number;
  readonly housekeepingMs: number;
  /** The log goes further than the group took over: it has to end at this offset before the master can be followed. */
  readonly onCut: (physicalOffset: number) => void;
  /** The log comes from this leader now. */
  readonly onConnected: (leader: Leader) => void;
}

/** Whom to follow. */
export interface Leader {
  /** `host:port` of its log. */
  readonly haAddress: string;
  readonly epoch: number;
}

type Stage = 'connecting' | 'header' | 'epochs' | 'agreeing' | 'log';

/** One line to a master, from its connection to its end. */
interface Line {
  readonly socket: Socket;
  readonly leader: Leader;
  stage: Stage;
  readonly head: Buffer;
  headBytes: number;
  epochs: Buffer;
  masterEndOffset: number;
  /** What is left of the body that is being received, and where it belongs. */
  bodyBytes: number;
  physicalOffset: number;
  lastReadMs: number;
  lastReportMs: number;
}

/** Told of one leader at most. */
const MAX_PROBLEMS = 100;

const NO_BYTES = Buffer.alloc(0);

/**
 * How a member follows the master of its group: the two compare the epochs of their logs; what only this log has is cut, then the log goes on where both
 * are the same. Nothing of a master with an older epoch than the newest known is ever taken.
 *
 * Follows `store/ha/autoswitch/AutoSwitchHAClient.java`.
 */
export class MemberHaClient {
  private leader: Leader | undefined = undefined;
  private line: Line | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;
  private stopped = true;
  private leaderSinceMs = 0;
  private readonly receivedRate = new ByteRate();
  /** ms since 1970, for tools. */
  private lastReadAtMs = 0;
  private lastReportAtMs = 0;
  /** Of the present leader, each told once. */
  private readonly problems = new Set<string>();

  constructor(
    private readonly store: MessageStore,
    private readonly gate: ConfirmGate,
    epochs: EpochTable,
    private readonly epochFile: EpochFile,
    private readonly options: MemberHaClientOptions,
    private readonly logger: BrokerLogger,
  ) {
    this.known = epochs;
  }

  /** The epochs of this log, as they are now. */
  private known: EpochTable;

  /** How it stands, for tools. */
  status(): HAClientRuntimeInfo {
    return {
      masterAddr: this.leader?.haAddress ?? '',
      transferredByteInSecond: this.receivedRate.perSecond(performance.now()),
      maxOffset: this.store.maxPhysicalOffset,
      lastReadTimestamp: this.lastReadAtMs,
      lastWriteTimestamp: this.lastReportAtMs,
      masterFlushOffset: 0,
      activated: this.line?.stage === 'log',
    };
  }

  get lastEpoch(): number {
    return this.known.lastEpoch;
  }

  start(): void {
    this.stopped = false;
    this.store.replication.appender.listen({
      written: () => this.written(),
      failed: (error) => this.end(error.message),
    });
    this.schedule(0);
  }

  /** Another leader than before takes effect at once. */
  setLeader(leader: Leader): void {
    if (this.leader?.epoch === leader.epoch && this.leader.haAddress === leader.haAddress) return;
    this.leader = leader;
    this.problems.clear();
    this.leaderSinceMs = performance.now();
    if (this.stopped) return;
    this.end(undefined);
    this.schedule(0);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.end(undefined);
  }

  private schedule(delayMs: number): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => (this.line === undefined ? this.connect() : this.check(this.line)), delayMs);
    this.timer.unref();
  }

  private connect(): void {
    const { leader } = this;
    if (leader === undefined) return;
    const colon = leader.haAddress.lastIndexOf(':');
    const host = leader.haAddress.slice(0, colon).replace(/^\[|\]$/g, '');
    const socket = connect({ host, port: Number(leader.haAddress.slice(colon + 1)), noDelay: true });
    const nowMs = performance.now();
    const line: Line = {
      socket,
      leader,
      stage: 'connecting',
      head: Buffer.alloc(Math.max(HA_HANDSHAKE_HEADER_BYTES, HA_EPOCH_TRANSFER_HEADER_BYTES)),
      headBytes: 0,
      epochs: NO_BYTES,
      masterEndOffset: 0,
      bodyBytes: 0,
      physicalOffset: 0,
      lastReadMs: nowMs,
      lastReportMs: nowMs,
    };
    this.line = line;
    socket.setTimeout(HA_CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no connection in time')));
    socket.on('error', (error) => this.broken(line, error.message));
    socket.on('close', () => this.broken(line, 'the master closed the line; its log says why'));
    socket.on('data', (bytes) => this.received(line, bytes));
    socket.once('connect', () => {
      socket.setTimeout(0);
      line.stage = 'header';
      line.lastReadMs = performance.now();
      socket.write(encodeHaHandshakeRequest(this.options.memberId));
    });
    this.schedule(this.options.heartbeatMs);
  }

  /** Each heartbeat interval: a report when none was sent, and a look at how long nothing came. */
  private check(line: Line): void {
    const nowMs = performance.now();
    const { heartbeatMs, housekeepingMs } = this.options;
    if (nowMs - line.lastReadMs > housekeepingMs) {
      this.end(`nothing came for ${housekeepingMs} ms (haHousekeepingInterval)`, 0);
      return;
    }
    if (line.stage === 'log' && nowMs - line.lastReportMs >= heartbeatMs)
      this.report(line, this.store.maxPhysicalOffset);
    this.schedule(Math.max(1, Math.min(heartbeatMs, housekeepingMs / 4)));
  }

  private received(line: Line, bytes: Buffer): void {
    if (this.line !== line) return;
    line.lastReadMs = performance.now();
    this.lastReadAtMs = Date.now();
    this.receivedRate.add(bytes.length, line.lastReadMs);
    try {
      for (let at = 0; at < bytes.length && this.line === line;) {
        if (line.stage === 'agreeing')
          throw new Error('the master sent something before it was told where this log goes on');
        if (line.stage === 'header') at = this.takeHandshake(line, bytes, at);
        else if (line.stage === 'epochs') at = this.takeEpochs(line, bytes, at);
        else if (line.bodyBytes > 0) at = this.takeBody(line, bytes, at);
        else at = this.takeHeader(line, bytes, at);
      }
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.line !== line) return;
    if (this.store.replication.appender.bufferedBytes > HA_MAX_UNWRITTEN_BYTES) line.socket.pause();
  }

  private takeHandshake(line: Line, bytes: Buffer, at: number): number {
    const end = this.fill(line, bytes, at, HA_HANDSHAKE_HEADER_BYTES);
    if (line.headBytes < HA_HANDSHAKE_HEADER_BYTES) return end;
    line.headBytes = 0;
    const { epochsBytes, maxPhysicalOffset, epoch } = decodeHaHandshakeHeader(
      line.head,
      MAX_EPOCHS * HA_EPOCH_ENTRY_BYTES,
    );
    const { leader } = line;
    if (epoch !== leader.epoch || epoch < this.lastEpoch)
      throw new Error(
        `it is the master of epoch ${epoch}, but the one to follow is of epoch ${Math.max(leader.epoch, this.lastEpoch)}`,
      );
    line.masterEndOffset = maxPhysicalOffset;
    line.epochs = Buffer.alloc(epochsBytes);
    line.stage = 'epochs';
    if (epochsBytes === 0) throw new Error('it has no epochs');
    return end;
  }

  private takeEpochs(line: Line, bytes: Buffer, at: number): number {
    const copied = bytes.copy(line.epochs, line.headBytes, at);
    line.headBytes += copied;
    if (line.headBytes === line.epochs.length) {
      line.headBytes = 0;
      line.stage = 'agreeing';
      this.agree(line, new EpochTable(decodeHaEpochs(line.epochs))).catch((error: unknown) =>
        this.broken(line, error instanceof Error ? error.message : String(error)),
      );
    }
    return at + copied;
  }

  /** Finds where both logs are the same. What is still on its way to the disk is waited for. */
  private async agree(line: Line, master: EpochTable): Promise<void> {
    const { store, logger } = this;
    const ownEnd = await store.replication.appender.restart();
    if (this.line !== line) return;
    const isEmpty = ownEnd === 0;
    const common = isEmpty ? 0 : this.known.commonEnd(ownEnd, master, line.masterEndOffset);
    if (common === undefined)
      throw new Error(
        'this log has no epoch in common with its own: it was written by another group, or before the group had a lease. Move the store folder of this member away: it begins anew with the log of the master',
      );
    if (common < ownEnd) {
      logger.warn(
        `this log goes to offset ${ownEnd}, but the group went on from offset ${common}: what follows was acknowledged to nobody, and is cut`,
      );
      this.stop();
      this.options.onCut(common);
      return;
    }
    // On stable storage before a byte of the new epoch is: a master of an older one is not followed any more.
    await this.epochFile.save(master);
    this.known = master;
    if (this.line !== line) return;
    line.stage = 'log';
    line.lastReadMs = performance.now();
    this.report(line, ownEnd);
    this.problems.clear();
    this.options.onConnected(line.leader);
    logger.log(
      `connected to the master at ${line.leader.haAddress}, epoch ${line.leader.epoch}: its log is taken from offset ${ownEnd} on`,
    );
  }

  private takeHeader(line: Line, bytes: Buffer, at: number): number {
    const end = this.fill(line, bytes, at, HA_EPOCH_TRANSFER_HEADER_BYTES);
    if (line.headBytes < HA_EPOCH_TRANSFER_HEADER_BYTES) return end;
    line.headBytes = 0;
    const header = decodeHaEpochTransferHeader(line.head, MAX_HA_BODY_BYTES);
    const { physicalOffset, bodyBytes, epoch, confirmOffset } = header;
    if (epoch > line.leader.epoch || (bodyBytes > 0 && this.known.at(physicalOffset)?.epoch !== epoch))
      throw new Error(`it sent offset ${physicalOffset} as written in epoch ${epoch}, which its own epochs contradict`);
    const { appender } = this.store.replication;
    if (appender.nextOffset === 0 && physicalOffset > 0) appender.beginAt(physicalOffset);
    // A sign of life tells the next offset: a gap shows before there is anything to send.
    if (bodyBytes === 0) appender.append(physicalOffset, NO_BYTES);
    line.bodyBytes = bodyBytes;
    line.physicalOffset = physicalOffset;
    this.gate.confirm(confirmOffset);
    return end;
  }

  private takeBody(line: Line, bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + line.bodyBytes);
    this.store.replication.appender.append(line.physicalOffset, bytes.subarray(at, end));
    line.bodyBytes -= end - at;
    line.physicalOffset += end - at;
    return end;
  }

  private fill(line: Line, bytes: Buffer, at: number, wanted: number): number {
    const copied = bytes.copy(line.head, line.headBytes, at, at + wanted - line.headBytes);
    line.headBytes += copied;
    return at + copied;
  }

  private written(): void {
    const { line } = this;
    if (line?.stage !== 'log') return;
    this.report(line, this.store.maxPhysicalOffset);
    if (line.socket.isPaused() && this.store.replication.appender.bufferedBytes <= HA_MAX_UNWRITTEN_BYTES)
      line.socket.resume();
  }

  private report(line: Line, physicalOffset: number): void {
    line.lastReportMs = performance.now();
    this.lastReportAtMs = Date.now();
    line.socket.write(encodeHaTransferReport(physicalOffset));
  }

  private broken(line: Line, problem: string): void {
    if (this.line === line) this.end(problem);
  }

  /** @param problem undefined: it is ended on purpose. */
  private end(problem: string | undefined, retryMs = MEMBER_RECONNECT_MS): void {
    const { line } = this;
    this.line = undefined;
    if (line === undefined) return;
    line.socket.destroy();
    if (problem === undefined || this.stopped) return;
    // A leader that was just elected is about to open its port.
    const isOld = performance.now() - this.leaderSinceMs > NEW_LEADER_PATIENCE_MS;
    const isAnswered = line.stage !== 'connecting' && line.stage !== 'header';
    if ((isAnswered || isOld) && !this.problems.has(problem) && this.problems.size < MAX_PROBLEMS) {
      this.problems.add(problem);
      this.logger.warn(`no log from the master at ${line.leader.haAddress}: ${problem}`);
    }
    this.schedule(retryMs);
  }
}
