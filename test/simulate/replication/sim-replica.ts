import { AckWaiter } from '../../../apps/broker/src/replication/ack-waiter.js';
import { HaClient } from '../../../apps/broker/src/replication/ha-client.js';
import { HaService } from '../../../apps/broker/src/replication/ha-service.js';
import { MessageStore } from '../../../libs/store/src/message-store.js';
import type { RecoveryReport } from '../../../libs/store/src/recovery/recovery-report.js';
import type { CrashPlan, SimProcess } from '../../../libs/store/src/simulation/sim-host.js';
import { SimHost } from '../../../libs/store/src/simulation/sim-host.js';
import { demand } from '../../../libs/store/src/simulation/sim-violation.js';
import type { SimWorld } from '../../../libs/store/src/simulation/sim-world.js';
import { MOUNT_PATH, ROOT_PATH } from '../../../libs/store/src/simulation/sim-options.js';
import type { ReplicationConfig } from './replication-history.js';
import type { SimNetwork } from './sim-network.js';

const HANG_MS = 200_000;
const HEARTBEAT_MS = 5_000;
const HOUSEKEEPING_MS = 20_000;

export type SimRole = 'master' | 'slave';

/** One broker of the group: the real store and the real ends of the replication, on a host of its own. */
export class SimReplica {
  readonly host: SimHost;
  process: SimProcess | undefined;
  store: MessageStore | undefined;
  /** The next opening must find everything before. */
  sureOffset = 0;
  /** The same if the power fails before. */
  private stableOffset = 0;
  /** Its log once went so far; a power loss may have taken some of it back. */
  highestOffset = 0;
  /** The last opening found less than there once was. */
  hasLost = false;
  private service: HaService | undefined;
  private waiter: AckWaiter | undefined;
  private client: HaClient | undefined;

  constructor(
    readonly name: string,
    private readonly world: SimWorld,
    private readonly network: SimNetwork,
    private readonly config: ReplicationConfig,
    private readonly note: (line: () => string) => void,
  ) {
    this.host = new SimHost(world, name, config);
    this.host.disk.makeMountPoint(MOUNT_PATH);
  }

  get isUp(): boolean {
    return this.store !== undefined && this.process?.isAlive === true;
  }

  /** Opens the store, and takes the role on. @returns false when it died on the way, or the disk was full. */
  async open(role: SimRole, masterName: string, crash: CrashPlan | undefined): Promise<boolean> {
    const process = this.host.start();
    if (crash !== undefined) process.armCrash(crash.kind, Math.max(1, crash.afterOperations));
    this.process = process;
    const log = (line: string): void => {
      this.note(() => `${this.name}: ${line}`);
    };
    const logger = { log, warn: log, error: log };
    const store = new MessageStore({
      ...this.config,
      rootPath: ROOT_PATH,
      storeHost: '127.0.0.1:10911',
      fileReservedTimeHours: 1_000_000,
      diskMaxUsedSpaceRatio: 100,
      diskSpaceCleanForciblyRatio: 100,
      diskSpaceWarningLevelRatio: 100,
      messageIndexEnable: false,
      fileSystem: process.fileSystem,
      clock: process.clock,
      machine: process.machine,
      logger,
    });
    let report: RecoveryReport | undefined;
    let failure: Error | undefined;
    store.open().then(
      (value) => (report = value),
      (error: unknown) => (failure = error as Error),
    );
    const isOver = (): boolean => report !== undefined || failure !== undefined || !process.isAlive;
    demand(await this.world.runUntil(isOver, HANG_MS), 'hang', () => `${this.name}: open() does not end`);
    if (!process.isAlive) {
      if (process.diedOf === 'power') this.sureOffset = this.stableOffset;
      return false;
    }
    if (report === undefined) {
      const isExcused = Number.isFinite(this.host.disk.capacityPages) || this.host.faults.fired > 0;
      this.host.faults.fired = 0;
      demand(isExcused, 'open-refused', () => `${this.name}: ${failure?.message ?? ''}`);
      process.exit();
      this.heal();
      return false;
    }
    demand(
      store.maxPhysicalOffset >= this.sureOffset,
      'lost',
      () => `${this.name} had the log up to ${this.sureOffset}, and opens with ${store.maxPhysicalOffset}`,
    );
    this.hasLost = store.maxPhysicalOffset < this.highestOffset;
    this.store = store;
    this.take(role, store, process, masterName, logger);
    this.note(() => `${this.name} is ${role}, its log ends at ${store.maxPhysicalOffset}`);
    return true;
  }

  heal(): void {
    this.host.faults.heal();
    this.host.disk.capacityPages = Number.POSITIVE_INFINITY;
  }

  /** A clean stop. */
  async stop(): Promise<void> {
    const { store, process } = this;
    if (store === undefined || process === undefined) return;
    let isOver = false;
    let failure: Error | undefined;
    this.client?.stop();
    this.waiter?.close();
    void this.service?.stop();
    store.close().then(
      () => (isOver = true),
      (error: unknown) => {
        failure = error as Error;
        isOver = true;
      },
    );
    const ended = await this.world.runUntil(() => isOver || !process.isAlive, HANG_MS);
    demand(ended, 'hang', () => `${this.name}: close() does not end`);
    if (!process.isAlive) return;
    this.note(() => `${this.name} stopped ${failure === undefined ? 'cleanly' : failure.message}`);
    this.noteDebts(store);
    process.exit();
    this.network.noticeDeaths();
    this.store = undefined;
  }

  /** The process is gone: what its disk still owes. @returns false when it is not. */
  noticeDeath(): boolean {
    const { store, process } = this;
    if (process === undefined || process.isAlive || store === undefined) return false;
    this.noteDebts(store);
    if (process.diedOf === 'power') this.sureOffset = this.stableOffset;
    this.note(() => `${this.name} died (${String(process.diedOf)}), sure of ${this.sureOffset}`);
    this.store = undefined;
    return true;
  }

  noteEnd(): void {
    this.highestOffset = Math.max(this.highestOffset, this.store?.maxPhysicalOffset ?? 0);
  }

  /** Somebody moved the store folder away. */
  wipe(): void {
    this.host.disk.forget(ROOT_PATH);
    this.sureOffset = this.stableOffset = 0;
  }

  /** The bytes of the log from the start of its first file to the end. */
  log(): { start: number; end: number; bytes: Buffer } {
    const { store } = this;
    if (store === undefined) return { start: 0, end: 0, bytes: Buffer.alloc(0) };
    const start = store.minPhysicalOffset;
    const end = store.maxPhysicalOffset;
    const pieces: Buffer[] = [];
    for (let offset = start; offset < end; offset += this.config.segmentSizeBytes) {
      const file = this.host.disk.file(`${ROOT_PATH}/commitlog/${String(offset).padStart(20, '0')}`);
      if (file !== undefined) pieces.push(file.content);
    }
    return { start, end, bytes: Buffer.concat(pieces).subarray(0, end - start) };
  }

  private noteDebts(store: MessageStore): void {
    this.noteEnd();
    // A slave that has only been told where to begin has nothing to lose.
    const owed = (offset: number): number => (offset > store.minPhysicalOffset ? offset : 0);
    this.stableOffset = owed(store.stats().flushedPhysicalOffset);
    this.sureOffset = owed(store.maxPhysicalOffset);
  }

  private take(
    role: SimRole,
    store: MessageStore,
    process: SimProcess,
    masterName: string,
    logger: { log(line: string): void; warn(line: string): void; error(line: string): void },
  ): void {
    const network = this.network.of(process);
    const { brokerRole, haTransferBatchSize } = this.config;
    this.client = this.service = this.waiter = undefined;
    if (role === 'slave') {
      store.replication.putRefusal = () => ({ status: 'SERVICE_NOT_AVAILABLE', reason: 'a slave' });
      const options = { heartbeatMs: HEARTBEAT_MS, housekeepingMs: HOUSEKEEPING_MS, onState: () => undefined };
      this.client = new HaClient(store, options, logger, process.clock, network);
      this.client.setMaster(`${masterName}:1`);
      this.client.start();
      return;
    }
    const service = new HaService(
      store,
      {
        brokerRole,
        haTransferBatchSize,
        haSendHeartbeatInterval: HEARTBEAT_MS,
        haHousekeepingInterval: HOUSEKEEPING_MS,
        haMaxConnections: 8,
        haMaxGapNotInSync: 256 * 1024 * 1024,
      },
      logger,
      process.clock,
      network,
    );
    this.service = service;
    void service.listen(this.name, 1);
    if (brokerRole !== 'SYNC_MASTER') return;
    const waiter = new AckWaiter(
      service,
      store,
      {
        inSyncReplicas: 2,
        minInSyncReplicas: 1,
        allAckInSyncStateSet: this.config.allAckInSyncStateSet,
        enableAutoInSyncReplicas: false,
        slaveTimeout: 3_000,
      },
      process.clock,
    );
    this.waiter = waiter;
    service.onProgress = () => {
      waiter.progress();
    };
    store.replication.holdAnswers(waiter);
    store.replication.putRefusal = waiter.refusal;
  }
}
