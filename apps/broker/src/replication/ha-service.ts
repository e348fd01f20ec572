import { type HARuntimeInfo, NO_HA_CLIENT } from '@rocknest/protocol';
import { type Clock, type MessageStore, SystemClock, type Timer } from '@rocknest/store';
import type { BrokerConfig } from '../config/broker-settings.js';
import type { BrokerLogger } from '../logger.js';
import { HaConnection } from './ha-connection.js';
import { type HaNetwork, type HaServer, type HaSocket, nodeHaNetwork } from './ha-network.js';

/** Time between two looks at all connections: a quarter of the shorter interval, a second at most. */
const MAX_CHECK_MS = 1_000;

/** What replication reads of the broker's settings; always those in force. */
export type HaServiceConfig = Pick<
  BrokerConfig,
  | 'brokerRole'
  | 'haTransferBatchSize'
  | 'haSendHeartbeatInterval'
  | 'haHousekeepingInterval'
  | 'haMaxConnections'
  | 'haMaxGapNotInSync'
>;

/**
 * The port where slaves get the log, and the slaves that are connected.
 *
 * Follows `store/ha/DefaultHAService.java`.
 */
export class HaService {
  /** Told when a slave has more, came or went. */
  onProgress: () => void = () => undefined;
  private server: HaServer | undefined = undefined;
  private readonly slaves = new Set<HaConnection>();
  private timer: Timer | undefined = undefined;
  private stopWatching: (() => void) | undefined = undefined;
  private refused = 0;
  /** Told at each progress while the log is being handed over. */
  private handedOver: (() => void) | undefined = undefined;

  constructor(
    private readonly store: MessageStore,
    private readonly config: HaServiceConfig,
    private readonly logger: BrokerLogger,
    private readonly clock: Clock = new SystemClock(),
    private readonly network: HaNetwork = nodeHaNetwork,
  ) {}

  /** Opens the port. @returns the port. @throws what the socket says (`EADDRINUSE`). */
  async listen(host: string, port: number): Promise<number> {
    this.server = await this.network.listen(
      host,
      port,
      (socket) => this.accept(socket),
      (error) => this.logger.error(`the port for slaves: ${error.message}`),
    );
    this.scheduleCheck();
    return this.server.port;
  }

  private scheduleCheck(): void {
    const { haSendHeartbeatInterval, haHousekeepingInterval } = this.config;
    const intervalMs = Math.min(MAX_CHECK_MS, haSendHeartbeatInterval / 4, haHousekeepingInterval / 4);
    this.timer = this.clock.startTimer(() => {
      this.scheduleCheck();
      const nowMs = this.clock.monotonicMs();
      for (const slave of this.slaves) slave.check(nowMs);
    }, intervalMs);
  }

  /** The connected slaves; those that reported nothing yet included. */
  get connections(): ReadonlySet<HaConnection> {
    return this.slaves;
  }

  /** Slaves that are close enough to count on (haMaxGapNotInSync). */
  get inSyncSlaves(): number {
    let count = 0;
    for (const slave of this.slaves) if (this.isInSync(slave)) count++;
    return count;
  }

  /** A master's view of its slaves. */
  status(): HARuntimeInfo {
    const nowMs = this.clock.monotonicMs();
    const { maxPhysicalOffset } = this.store;
    const haConnectionInfo = Array.from(this.slaves, (slave) => ({
      addr: slave.remoteAddress,
      slaveAckOffset: slave.ackOffset,
      diff: slave.behindBytes ?? maxPhysicalOffset,
      inSync: this.isInSync(slave),
      transferredByteInSecond: slave.sender.sentRate.perSecond(nowMs),
      transferFromWhere: slave.sender.transferOffset,
    }));
    return {
      master: true,
      masterCommitLogMaxOffset: maxPhysicalOffset,
      inSyncSlaveNums: this.inSyncSlaves,
      haConnectionInfo,
      haClientRuntimeInfo: NO_HA_CLIENT,
    };
  }

  /** The offset before which at least `slaves` slaves have everything; -1 when there are not so many. */
  ackedBy(slaves: number): number {
    if (this.slaves.size < slaves) return -1;
    if (slaves === 1) {
      let best = -1;
      for (const { ackOffset } of this.slaves) if (ackOffset > best) best = ackOffset;
      return best;
    }
    const acked = Array.from(this.slaves, ({ ackOffset }) => ackOffset).sort((a, b) => b - a);
    return acked[slaves - 1];
  }

  /**
   * For a master that takes no messages any more: waits until its slaves have the whole log, those that are in sync, and `timeoutMs` at most.
   *
   * @returns how many of them still lack something.
   */
  async handOver(timeoutMs: number): Promise<number> {
    const lacking = (): number => {
      let count = 0;
      for (const slave of this.slaves) if (slave.behindBytes !== 0 && this.isInSync(slave)) count++;
      return count;
    };
    if (lacking() > 0)
      await new Promise<void>((resolve) => {
        const timer = this.clock.startTimer(resolve, timeoutMs);
        this.handedOver = () => {
          if (lacking() > 0) return;
          timer.cancel();
          resolve();
        };
      });
    this.handedOver = undefined;
    return lacking();
  }

  async stop(): Promise<void> {
    this.timer?.cancel();
    this.stopWatching?.();
    const { server } = this;
    this.server = undefined;
    for (const slave of [...this.slaves]) slave.close(undefined);
    await server?.close();
  }

  private accept(socket: HaSocket): void {
    if (this.server === undefined) {
      socket.destroy();
      return;
    }
    if (this.slaves.size >= this.config.haMaxConnections) {
      socket.destroy();
      if (this.refused++ === 0)
        this.logger.warn(`${this.slaves.size} slaves are connected, further ones are refused (haMaxConnections)`);
      return;
    }
    const { haTransferBatchSize, haSendHeartbeatInterval, haHousekeepingInterval } = this.config;
    const slave = new HaConnection(
      socket,
      this.store,
      {
        transferBatchBytes: haTransferBatchSize,
        heartbeatMs: haSendHeartbeatInterval,
        housekeepingMs: haHousekeepingInterval,
        isUrgent: () => this.config.brokerRole === 'SYNC_MASTER',
      },
      {
        reported: () => this.progressed(),
        closed: (connection, reason) => this.left(connection, reason),
      },
      this.clock,
    );
    this.slaves.add(slave);
    // A broker without slaves does nothing at a write.
    this.stopWatching ??= this.store.replication.onWritten(() => {
      for (const connection of this.slaves) connection.sender.wake();
    });
    this.logger.log(`slave ${slave.remoteAddress} connected`);
  }

  private left(slave: HaConnection, reason: string | undefined): void {
    this.slaves.delete(slave);
    if (this.slaves.size === 0) {
      this.stopWatching?.();
      this.stopWatching = undefined;
      this.refused = 0;
    }
    if (this.server !== undefined) {
      if (reason === undefined) this.logger.log(`slave ${slave.remoteAddress} disconnected`);
      else this.logger.warn(`the line to slave ${slave.remoteAddress} was cut: ${reason}`);
    }
    this.progressed();
  }

  private isInSync({ behindBytes }: HaConnection): boolean {
    return behindBytes !== undefined && behindBytes < this.config.haMaxGapNotInSync;
  }

  private progressed(): void {
    this.onProgress();
    this.handedOver?.();
  }
}
