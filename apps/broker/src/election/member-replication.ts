import { type HARuntimeInfo, NO_HA_CLIENT } from '@rocknest/protocol';
import type { RemotingClient } from '@rocknest/remoting';
import { type ConfirmGate, EpochFile, type EpochTable, type MessageStore } from '@rocknest/store';
import type { BrokerServices } from '../broker-services.js';
import type { BrokerConfig } from '../config/broker-settings.js';
import { BrokerStartError } from '../errors.js';
import type { BrokerLogger } from '../logger.js';
import type { Metadata } from '../metadata/index.js';
import type { BrokerReplication } from '../replication/broker-replication.js';
import { SLAVE_TAKES_NO_MESSAGES } from '../replication/broker-role.js';
import { buildSlaveService } from '../replication/build-slave-service.js';
import { MetadataFollowers } from '../replication/metadata-followers.js';
import type { SlaveService } from '../replication/slave-service.js';
import { MemberHaClient } from './ha/member-ha-client.js';
import { MemberHaServer } from './ha/member-ha-server.js';
import type { LeaseRecord } from './lease-store/lease-store.js';
import type { MasterTerm } from './master-term.js';
import type { MemberRole } from './member-role.js';

/** How often senders are looked for that have waited too long, within slaveTimeout. */
const TIMEOUT_CHECKS = 10;

const NO_MASTER_ANY_MORE = 'this broker is not the master of its group any more: send to the one that is';

/** Writes down which epoch begins where, before anything is written in it, and forgets the epochs of what was cut. */
async function openEpochs(file: EpochFile, store: MessageStore, role: MemberRole): Promise<EpochTable> {
  const epochs = file.load();
  const { term, cutAtOffset } = role;
  // After the log: epochs that say more than there is do no harm, bytes without their epoch would.
  if (cutAtOffset !== undefined) epochs.cutTo(cutAtOffset);
  if (term !== undefined) {
    // What was written before the group had a lease belongs to one master, too.
    if (epochs.lastEpoch < 0 && store.maxPhysicalOffset > 0) epochs.append({ epoch: 0, startOffset: 0 });
    epochs.append({ epoch: term.epoch, startOffset: store.maxPhysicalOffset });
  }
  if (cutAtOffset !== undefined || term !== undefined) await file.save(epochs);
  return epochs;
}

/**
 * Replication of one member of a group with a lease, for one role. A master acknowledges, and shows, what all who may lead next have; a slave shows
 * what its master says is confirmed.
 */
export class MemberReplication implements BrokerReplication {
  readonly isSlave: boolean;
  private readonly server: MemberHaServer;
  private readonly client: MemberHaClient | undefined;
  private slave: SlaveService | undefined = undefined;
  private followers: MetadataFollowers | undefined = undefined;
  private leader: LeaseRecord | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;
  private draining = false;
  /** What the log held at the start may lack the agreement of the group. */
  private readonly openedEndOffset: number;

  private constructor(
    private readonly store: MessageStore,
    private readonly config: BrokerConfig,
    private readonly role: MemberRole,
    private readonly gate: ConfirmGate,
    private readonly epochs: EpochTable,
    epochFile: EpochFile,
    onCut: (physicalOffset: number) => void,
    private readonly logger: BrokerLogger,
  ) {
    const { term, memberId } = role;
    this.isSlave = term === undefined;
    this.openedEndOffset = store.maxPhysicalOffset;
    this.server = new MemberHaServer(store, term, epochs, config, () => this.progress(), logger);
    if (term === undefined) {
      store.replication.putRefusal = () => ({ status: 'SERVICE_NOT_AVAILABLE', reason: SLAVE_TAKES_NO_MESSAGES });
      const { haSendHeartbeatInterval: heartbeatMs, haHousekeepingInterval: housekeepingMs } = config;
      const onConnected = (): void => this.slave?.registered({ masterAddr: this.leader?.brokerAddress });
      const options = { memberId, heartbeatMs, housekeepingMs, onCut, onConnected };
      this.client = new MemberHaClient(store, gate, epochs, epochFile, options, logger);
    } else this.serveAs(term);
  }

  /** @param onCut told when the log goes further than the group took over: this replication has stopped then. */
  static async open(
    store: MessageStore,
    config: BrokerConfig,
    role: MemberRole,
    onCut: (physicalOffset: number) => void,
    logger: BrokerLogger,
  ): Promise<MemberReplication> {
    const file = new EpochFile(config.storePathRootDir);
    const epochs = await openEpochs(file, store, role);
    return new MemberReplication(store, config, role, store.replication.holdUnconfirmed(), epochs, file, onCut, logger);
  }

  get logEndOffset(): number {
    return this.store.maxPhysicalOffset;
  }

  get lastEpoch(): number {
    return this.client?.lastEpoch ?? this.epochs.lastEpoch;
  }

  get hasSlaves(): boolean {
    return this.server.slaves > 0;
  }

  /** A slave shows nothing of what a fail-over could still cut. */
  get isReadable(): boolean {
    return !this.isSlave || this.gate.confirmedOffset >= this.openedEndOffset;
  }

  status(): HARuntimeInfo {
    if (this.client === undefined) return this.server.status();
    return {
      master: false,
      masterCommitLogMaxOffset: 0,
      inSyncSlaveNums: 0,
      haConnectionInfo: [],
      haClientRuntimeInfo: this.client.status(),
    };
  }

  async listen(host: string, listenPort: number): Promise<number> {
    const { haListenPort } = this.config;
    const port = haListenPort !== 0 ? haListenPort : listenPort === 0 ? 0 : listenPort + 1;
    try {
      return await this.server.listen(host, port);
    } catch (error) {
      throw new BrokerStartError(
        'BROKER_HA_PORT',
        `the port for slaves, ${host}:${port}, cannot be opened: ${(error as Error).message}. Set haListenPort to a port that is free.`,
        { cause: error, details: { host, port } },
      );
    }
  }

  connect(client: RemotingClient, metadata: Metadata, services: BrokerServices): void {
    this.followers = services.all().get(MetadataFollowers) as MetadataFollowers;
    if (!this.isSlave) return;
    const { store, config, logger } = this;
    // The lease, not a namesrv, says where the log comes from.
    const haClient = {
      setMaster: () => undefined,
      start: () => undefined,
      stop: () => undefined,
      status: () => NO_HA_CLIENT,
    };
    const haMasterAddress = '';
    this.slave = buildSlaveService({ client, metadata, store, services, haClient, haMasterAddress, config, logger });
    this.slave.stateChanged(true);
  }

  /** Namesrvs may know of an older master. */
  registered(): void {}

  startSlave(): void {
    this.client?.start();
    this.slave?.start(() => Promise.resolve());
    if (this.leader !== undefined) this.follow(this.leader);
  }

  /** The lease names another leader. A member that finds itself there waits until its earlier lease has ended. */
  follow(leader: LeaseRecord): void {
    this.leader = leader;
    if (leader.holderId === this.role.memberId) return;
    this.client?.setLeader(leader);
  }

  /** Takes no more messages, and waits until all that are written are confirmed. @returns whether they are. */
  async drain(timeoutMs: number): Promise<boolean> {
    this.draining = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.gate.idle(), late]);
    clearTimeout(timer);
    return this.gate.pending === 0;
  }

  async handOverMetadata(timeoutMs: number): Promise<void> {
    // Who leads meanwhile has its own.
    if (this.role.term?.isOver !== false) return;
    const lacking = (await this.followers?.handOver(this.config.brokerName, timeoutMs)) ?? 0;
    if (lacking > 0)
      this.logger.warn(`${lacking} slaves did not take the metadata over within ${timeoutMs} ms (shutdownGraceMs)`);
  }

  async stopSlave(): Promise<void> {
    this.client?.stop();
    await this.slave?.stop();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.draining = true;
    this.gate.giveUp('SERVICE_NOT_AVAILABLE', NO_MASTER_ANY_MORE);
    await this.stopSlave();
    if (this.server.isListening) await this.server.stop();
  }

  private serveAs(term: MasterTerm): void {
    const { replication } = this.store;
    const { config } = this;
    replication.putRefusal = () => {
      if (!term.isValid || this.draining)
        return {
          status: 'SERVICE_NOT_AVAILABLE',
          reason:
            term.isOver || this.draining
              ? NO_MASTER_ANY_MORE
              : 'this broker could not renew the lease of its group: it takes no messages until it can',
        };
      const copies = term.inSync.ids.length;
      if (copies >= config.minInSyncReplicas) return undefined;
      return {
        status: 'IN_SYNC_REPLICAS_NOT_ENOUGH',
        reason: `${copies} of the group's brokers are in sync, at least ${config.minInSyncReplicas} must be (minInSyncReplicas)`,
      };
    };
    replication.onWritten(() => this.progress());
    term.onChange(() => this.progress());
    this.timer = setInterval(() => this.expire(), config.slaveTimeout / TIMEOUT_CHECKS).unref();
    this.progress();
  }

  /** The log grew, slaves have more of it, the lease or the in-sync set changed. */
  private progress(): void {
    const { term } = this.role;
    if (term === undefined) return;
    if (term.isOver) this.gate.giveUp('SERVICE_NOT_AVAILABLE', NO_MASTER_ANY_MORE);
    else if (term.isValid) this.gate.confirm(term.inSync.advance(this.store.maxPhysicalOffset, term.acks));
    this.server.wake();
  }

  private expire(): void {
    const { slaveTimeout } = this.config;
    this.gate.giveUp(
      'FLUSH_SLAVE_TIMEOUT',
      `the message is stored, but not all brokers that are in sync had it within ${slaveTimeout} ms (slaveTimeout)`,
      performance.now() - slaveTimeout,
    );
    // A lease that was renewed late lets go on what waited for it.
    this.progress();
  }
}
