import { randomUUID } from 'node:crypto';
import { MASTER_ID, PERM_READ_WRITE } from '@rocknest/protocol';
import { type MessageStore, type RecoveryReport, SystemClock } from '@rocknest/store';
import { Broker, type RunningBroker } from '../broker.js';
import type { BrokerConfig } from '../config/broker-settings.js';
import type { StartSettings } from '../config/broker-settings-in-force.js';
import type { BrokerLogger } from '../logger.js';
import type { Metadata } from '../metadata/index.js';
import { checkMember } from './check-member.js';
import {
  DISTRUST_LEASES,
  FOUNDING_DELAY_LEASES,
  LEASE_MARGIN,
  LOOKS_PER_LEASE,
  RENEWALS_PER_LEASE,
  ROLE_CHANGE_GRACE_MS,
  ROLE_RETRY_MS,
} from './defaults.js';
import { LeaseMember, type Replica } from './lease-member.js';
import type { LeaseRecord, LeaseStore } from './lease-store/lease-store.js';
import { openLeaseStore } from './lease-store/open-lease-store.js';
import type { MasterTerm } from './master-term.js';
import { MemberReplication } from './member-replication.js';
import type { MemberRole } from './member-role.js';

/** Queues of one topic that are looked at, at most, when a topic is found in the log alone. */
const MAX_FOUND_QUEUES = 1_024;

/**
 * One member of a broker group that elects its master. The process stays; the broker in it is stopped and started when its role changes, which takes a
 * fraction of a second and leaves nothing of the old role behind: what a start recovers and begins is right for the new one.
 */
export class GroupMember implements Replica {
  private readonly clock = new SystemClock();
  private readonly memberId: number;
  private broker: RunningBroker | undefined = undefined;
  private replication: MemberReplication | undefined = undefined;
  private lease: LeaseMember | undefined = undefined;
  private leader: LeaseRecord | undefined = undefined;
  /** The role that the broker has, and the one that it shall have; undefined: slave. */
  private currentTerm: MasterTerm | undefined = undefined;
  private wantedTerm: MasterTerm | undefined = undefined;
  private cutAtOffset: number | undefined = undefined;
  private changing: Promise<void> | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;
  private electableFromMs = 0;
  private lastEndOffset = 0;
  private lastKnownEpoch = -1;
  private ports: { listenPort?: number; haListenPort?: number } = {};

  private constructor(
    private readonly settings: StartSettings,
    private readonly store: LeaseStore,
    private readonly logger: BrokerLogger,
  ) {
    this.memberId = settings.values.brokerId;
  }

  /** @throws BrokerStartError, or another RocknestError, when the member cannot start. */
  static async start(settings: StartSettings, logger: BrokerLogger): Promise<RunningBroker> {
    checkMember(settings.values);
    const { leaseStore, leaseDuration } = settings.values;
    const store = await openLeaseStore(leaseStore, leaseDuration / RENEWALS_PER_LEASE);
    const member = new GroupMember(settings, store, logger);
    try {
      return await member.run();
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  get logEndOffset(): number {
    return this.replication?.logEndOffset ?? this.lastEndOffset;
  }

  get lastEpoch(): number {
    return this.replication?.lastEpoch ?? this.lastKnownEpoch;
  }

  get isElectable(): boolean {
    return (
      this.changing === undefined &&
      this.cutAtOffset === undefined &&
      this.replication !== undefined &&
      this.clock.monotonicMs() >= this.electableFromMs
    );
  }

  lead(term: MasterTerm): void {
    this.wantedTerm = term;
    this.change();
  }

  follow(leader: LeaseRecord): void {
    this.leader = leader;
    this.wantedTerm = undefined;
    if (this.changing === undefined && this.currentTerm === undefined) this.replication?.follow(leader);
    else this.change();
  }

  private async run(): Promise<RunningBroker> {
    const { values } = this.settings;
    const running = await this.startBroker();
    const { haAddress, port } = running;
    if (haAddress === undefined) throw new Error('a member of a group needs its port for slaves');
    // From now on always these, whatever the role.
    this.ports = { listenPort: port, haListenPort: Number(haAddress.slice(haAddress.lastIndexOf(':') + 1)) };
    const ttlMs = values.leaseDuration;
    this.lease = new LeaseMember(
      this.store,
      this,
      {
        candidate: {
          group: `${values.brokerClusterName}/${values.brokerName}`,
          holderId: this.memberId,
          holderToken: randomUUID(),
          brokerAddress: running.address,
          haAddress,
        },
        ttlMs,
        renewMs: ttlMs / RENEWALS_PER_LEASE,
        pollMs: ttlMs / LOOKS_PER_LEASE,
        marginMs: ttlMs * LEASE_MARGIN,
        maxLagMs: values.haMaxTimeSlaveNotCatchup,
        requestTimeoutMs: ttlMs / RENEWALS_PER_LEASE,
        foundingDelayMs: ttlMs * FOUNDING_DELAY_LEASES,
      },
      this.clock,
      this.logger,
    );
    this.lease.start();
    this.logger.log(
      `broker ${this.memberId} of ${values.brokerName}: who leads is decided by the lease in ${this.store.name}, which lasts ${ttlMs} ms`,
    );
    return { ...running, close: () => this.close() };
  }

  /** Brings the broker into the role that is wanted; one change after the other. */
  private change(): void {
    this.changing ??= this.changeAll()
      .catch((error: unknown) => this.logger.error(`while changing the role: ${String(error)}`))
      .finally(() => {
        this.changing = undefined;
        if (this.closing === undefined && this.isChangeDue) this.change();
      });
  }

  private get isChangeDue(): boolean {
    return this.broker === undefined || this.wantedTerm !== this.currentTerm || this.cutAtOffset !== undefined;
  }

  private async changeAll(): Promise<void> {
    while (this.isChangeDue && this.closing === undefined) {
      const term = this.wantedTerm;
      const { broker } = this;
      this.broker = undefined;
      await broker?.close();
      this.remember();
      this.replication = undefined;
      if (this.wantedTerm !== term || this.closing !== undefined) continue;
      try {
        await this.startBroker();
        const { logger, leader } = this;
        if (term !== undefined) logger.log(`this broker takes messages now, as master of epoch ${term.epoch}`);
        else logger.log(`this broker is a slave now${leader === undefined ? '' : ` of broker ${leader.holderId}`}`);
      } catch (error) {
        await this.roleFailed(term, error);
      }
    }
  }

  /** What the election asks for while there is no store. */
  private remember(): void {
    const { replication } = this;
    if (replication === undefined) return;
    this.lastEndOffset = replication.logEndOffset;
    this.lastKnownEpoch = replication.lastEpoch;
  }

  private async roleFailed(term: MasterTerm | undefined, error: unknown): Promise<void> {
    const role = term === undefined ? 'a slave' : 'the master';
    this.logger.error(
      `the broker could not be started as ${role}, trying on: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (term !== undefined) {
      this.wantedTerm = undefined;
      await this.lease?.resign();
    }
    await this.clock.sleep(ROLE_RETRY_MS);
  }

  /** Starts the broker in the role that is wanted. */
  private async startBroker(): Promise<RunningBroker> {
    const term = this.wantedTerm;
    const cutAtOffset = term === undefined ? this.cutAtOffset : undefined;
    const { sources, values } = this.settings;
    const role: MemberRole = {
      memberId: this.memberId,
      term,
      cutAtOffset,
      recovered: (report) => this.recovered(report),
      openReplication: (store, metadata, config) => this.openReplication(role, store, metadata, config),
    };
    const roleValues = {
      brokerRole: term === undefined ? ('SLAVE' as const) : ('SYNC_MASTER' as const),
      brokerId: term === undefined ? this.memberId : MASTER_ID,
      // Whoever waits for a new master waits for this, too.
      shutdownGraceMs: Math.min(values.shutdownGraceMs, ROLE_CHANGE_GRACE_MS),
    };
    const started = { values: { ...values, ...this.ports, ...roleValues }, sources };
    this.currentTerm = term;
    const running = await new Broker(started, this.logger, role).start();
    this.broker = running;
    if (this.cutAtOffset === cutAtOffset) this.cutAtOffset = undefined;
    return running;
  }

  private async openReplication(
    role: MemberRole,
    store: MessageStore,
    metadata: Metadata,
    config: BrokerConfig,
  ): Promise<MemberReplication> {
    const onCut = (physicalOffset: number): void => {
      this.cutAtOffset = physicalOffset;
      this.change();
    };
    const replication = await MemberReplication.open(store, config, role, onCut, this.logger);
    this.replication = replication;
    if (role.term === undefined) {
      if (this.leader !== undefined) replication.follow(this.leader);
    } else await this.findTopics(store, metadata);
    return replication;
  }

  /** Topics that the old master made last may be in the log, and not in the metadata that was taken over from it. */
  private async findTopics(store: MessageStore, metadata: Metadata): Promise<void> {
    for (const topicName of store.topics()) {
      if (metadata.topics.get(topicName) !== undefined) continue;
      let queues = 0;
      for (let queueId = 0; queueId < MAX_FOUND_QUEUES; queueId++)
        if (store.maxOffset(topicName, queueId) > 0) queues = queueId + 1;
      if (queues === 0) continue;
      await metadata.topics.put({
        topicName,
        readQueueNums: queues,
        writeQueueNums: queues,
        perm: PERM_READ_WRITE,
        topicFilterType: 'SINGLE_TAG',
        topicSysFlag: 0,
        order: false,
        attributes: {},
      });
      this.logger.warn(`topic ${topicName} was made shortly before the old master went: it has ${queues} queues here`);
    }
  }

  private recovered({ machineRestarted }: RecoveryReport): void {
    const { flushDiskType, leaseDuration } = this.settings.values;
    if (!machineRestarted || flushDiskType === 'SYNC_FLUSH') return;
    this.electableFromMs = this.clock.monotonicMs() + leaseDuration * DISTRUST_LEASES;
    this.logger.warn(
      'the machine went down, and without flushDiskType=SYNC_FLUSH this log may lack messages that were acknowledged: other brokers in sync are let lead first',
    );
  }

  /** Hands over: takes no more messages, waits until all is confirmed and slaves have the metadata, lets the lease go, stops. */
  private close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    await this.changing;
    const { replication, lease, logger } = this;
    lease?.holdBack();
    if (lease?.currentTerm !== undefined && replication !== undefined && !replication.isSlave) {
      const { shutdownGraceMs } = this.settings.values;
      if (!(await replication.drain(shutdownGraceMs)))
        logger.warn(`not all brokers in sync had the end of the log within ${shutdownGraceMs} ms (shutdownGraceMs)`);
      await replication.handOverMetadata(shutdownGraceMs);
    }
    await lease?.stop();
    await this.broker?.close();
    await this.store.close();
  }
}
