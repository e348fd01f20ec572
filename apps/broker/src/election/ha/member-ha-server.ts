import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { type HARuntimeInfo, NO_HA_CLIENT } from '@rocknest/protocol';
import type { EpochTable, MessageStore } from '@rocknest/store';
import type { BrokerConfig } from '../../config/broker-settings.js';
import type { BrokerLogger } from '../../logger.js';
import type { MasterTerm } from '../master-term.js';
import { MemberConnection } from './member-connection.js';

/** Time between two looks at all connections: a quarter of the shorter interval, a second at most. */
const MAX_CHECK_MS = 1_000;

export type MemberHaConfig = Pick<
  BrokerConfig,
  'haTransferBatchSize' | 'haSendHeartbeatInterval' | 'haHousekeepingInterval' | 'haMaxConnections'
>;

/** The port where the other members of a group get the log while this one leads; closed to them while it does not. */
export class MemberHaServer {
  private server: Server | undefined = undefined;
  private readonly lines = new Set<MemberConnection>();
  private timer: NodeJS.Timeout | undefined = undefined;

  /**
   * @param term undefined: this member follows, nobody gets anything from it
   * @param onProgress told when a slave has more, came or went
   */
  constructor(
    private readonly store: MessageStore,
    private readonly term: MasterTerm | undefined,
    private readonly epochs: EpochTable,
    private readonly config: MemberHaConfig,
    private readonly onProgress: () => void,
    private readonly logger: BrokerLogger,
  ) {}

  /** Opens the port. @returns the port. @throws what the socket says (`EADDRINUSE`). */
  async listen(host: string, port: number): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.logger.error(`the port for slaves: ${error.message}`));
        resolve();
      });
    });
    this.server = server;
    const { haSendHeartbeatInterval, haHousekeepingInterval } = this.config;
    const intervalMs = Math.min(MAX_CHECK_MS, haSendHeartbeatInterval / 4, haHousekeepingInterval / 4);
    this.timer = setInterval(() => {
      const nowMs = performance.now();
      for (const line of this.lines) line.check(nowMs);
    }, intervalMs).unref();
    return (server.address() as AddressInfo).port;
  }

  get isListening(): boolean {
    return this.server !== undefined;
  }

  /** Slaves that said who they are. */
  get slaves(): number {
    return this.term?.acks.connectedIds().length ?? 0;
  }

  /** How it stands, for tools. */
  status(): HARuntimeInfo {
    const nowMs = performance.now();
    const { maxPhysicalOffset } = this.store;
    const inSyncIds = this.term?.inSync.ids ?? [];
    return {
      master: true,
      masterCommitLogMaxOffset: maxPhysicalOffset,
      inSyncSlaveNums: Math.max(0, inSyncIds.length - 1),
      haConnectionInfo: Array.from(this.lines, (line) => ({
        addr: line.remoteAddress,
        slaveAckOffset: line.ackOffset,
        diff: maxPhysicalOffset - Math.max(0, line.ackOffset),
        inSync: inSyncIds.includes(line.brokerId),
        transferredByteInSecond: line.sender.sentRate.perSecond(nowMs),
        transferFromWhere: line.sender.transferOffset,
      })),
      haClientRuntimeInfo: NO_HA_CLIENT,
    };
  }

  /** There is something to send: log, or the news that more of it is confirmed. */
  wake(): void {
    for (const line of this.lines) line.sender.wake();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    const { server } = this;
    this.server = undefined;
    for (const line of [...this.lines]) line.close(undefined);
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private accept(socket: Socket): void {
    const { term, config } = this;
    if (this.server === undefined || term === undefined || term.isOver || this.lines.size >= config.haMaxConnections) {
      socket.destroy();
      return;
    }
    const line = new MemberConnection(
      socket,
      this.store,
      {
        transferBatchBytes: config.haTransferBatchSize,
        heartbeatMs: config.haSendHeartbeatInterval,
        housekeepingMs: config.haHousekeepingInterval,
        epochs: this.epochs,
        confirmedOffset: () => term.inSync.confirmedOffset,
      },
      {
        introduced: (connection) => this.introduced(connection, term),
        reported: ({ brokerId }, physicalOffset) => {
          term.acks.reported(brokerId, physicalOffset, this.store.maxPhysicalOffset, performance.now());
          this.onProgress();
        },
        closed: (connection, reason) => this.left(connection, reason, term),
      },
    );
    this.lines.add(line);
  }

  private introduced(line: MemberConnection, term: MasterTerm): string | undefined {
    const { brokerId, remoteAddress } = line;
    if (brokerId === term.memberId)
      return `it has the brokerId of this broker, ${brokerId}: each member needs one of its own`;
    // A member that came back before its old line broke.
    for (const other of this.lines)
      if (other !== line && other.brokerId === brokerId)
        other.close(`broker ${brokerId} connected again from ${remoteAddress}`);
    term.acks.connected(brokerId, this.store.maxPhysicalOffset, performance.now());
    this.logger.log(`slave ${brokerId} (${remoteAddress}) connected`);
    return undefined;
  }

  private left(line: MemberConnection, reason: string | undefined, term: MasterTerm): void {
    this.lines.delete(line);
    const isReplaced = [...this.lines].some(({ brokerId }) => brokerId === line.brokerId);
    if (line.brokerId > 0 && !isReplaced) term.acks.disconnected(line.brokerId);
    if (this.server !== undefined) {
      const name = line.brokerId === 0 ? line.remoteAddress : `${line.brokerId} (${line.remoteAddress})`;
      if (reason === undefined) this.logger.log(`slave ${name} disconnected`);
      else this.logger.warn(`the line to slave ${name} was cut: ${reason}`);
    }
    this.onProgress();
  }
}
