import { randomInt } from 'node:crypto';
import { totalmem } from 'node:os';
import { encodeHost, UniqKeyGenerator } from '@rocknest/protocol';
import { RemotingClient } from '@rocknest/remoting';
import { MessageStore } from '@rocknest/store';
import { BrokerServices } from './broker-services.js';
import type { BrokerConfig } from './config/broker-settings.js';
import { BrokerSettingsInForce, type StartSettings } from './config/broker-settings-in-force.js';
import { ConfigImport } from './exchange/config-import.js';
import type { MemberRole } from './election/member-role.js';
import type { BrokerLogger } from './logger.js';
import type { Metadata } from './metadata/index.js';
import { type BrokerNetwork, resolveBrokerNetwork } from './network/broker-network.js';
import { BrokerHeartbeats } from './registration/broker-heartbeats.js';
import { MinBrokerIdChanges } from './registration/min-broker-id-changes.js';
import { NamesrvRegistration } from './registration/namesrv-registration.js';
import { RegistrationMessages } from './registration/registration-messages.js';
import { checkRole } from './replication/broker-role.js';
import type { BrokerReplication } from './replication/broker-replication.js';
import { Replication } from './replication/replication.js';
import { takeBackOffsets } from './replication/take-back-offsets.js';
import { parseDelayLevels } from './schedule/index.js';
import { warnOfLostTopics } from './start/lost-topics.js';
import { SpareSpace } from './start/spare-space.js';
import { storeHostIp } from './start/store-host.js';
import { retentionOptions } from './start/retention-options.js';
import { SystemTopicSet } from './topics/system-topics.js';
import { listen, type Listener } from './start/listen.js';

/** A broker that serves. */
export interface RunningBroker {
  /** `ip:port` that clients are told. */
  readonly address: string;
  readonly port: number;
  /** `host:port` of each namesrv, joined by `;`: what clients of this broker are configured with. */
  readonly namesrvAddr: string;
  readonly storePath: string;
  /** Where the broker listens: `ip:port`. */
  readonly listenAddress: string;
  /** Where slaves get the log: `ip:port`; undefined when the port could not be opened. */
  readonly haAddress: string | undefined;
  /** True when the namesrv runs in this process. */
  readonly embeddedNamesrv: boolean;
  /** Stops: says goodbye to the namesrvs, answers what is under way, flushes and closes the store. May be called again. */
  close(): Promise<void>;
}

/** Something that was started and must be stopped when the broker stops, or when a later step of the start fails. */
type Stop = () => Promise<void>;

/**
 * Starts a broker step by step, and stops it in the opposite order.
 *
 * Follows `broker/BrokerStartup.java` and `BrokerController.java`.
 */
export class Broker {
  private readonly stops: Stop[] = [];
  private readonly settings: BrokerSettingsInForce;
  private readonly config: BrokerConfig;
  private readonly network: BrokerNetwork;
  private readonly delayLevelsMs: readonly number[];

  /** @throws BrokerStartError, RocknestError when the configuration cannot be followed. */
  constructor(
    started: StartSettings,
    private readonly logger: BrokerLogger,
    /** What this broker is in a group with a lease. */
    private readonly role?: MemberRole,
  ) {
    checkRole(started.values);
    this.settings = new BrokerSettingsInForce(started, logger);
    const config = (this.config = this.settings.values);
    this.delayLevelsMs = parseDelayLevels(config.messageDelayLevel);
    this.network = resolveBrokerNetwork({
      brokerIP1: config.brokerIP1,
      bindAddress: config.bindAddress,
      namesrvAddresses: this.configuredNamesrvs,
    });
  }

  /** @throws the reason why the broker cannot start; everything that was started is stopped again. */
  async start(): Promise<RunningBroker> {
    try {
      return await this.startAll();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  private async startAll(): Promise<RunningBroker> {
    const { config, logger } = this;
    for (const warning of this.network.warnings) logger.warn(warning);
    const storeIp = await storeHostIp(this.network.advertisedIp);
    // Loading the database takes longer than anything else at start: it goes on while the store recovers.
    const metadataModule = import('./metadata/index.js');
    let port = config.listenPort;
    const spareSpace = new SpareSpace(config.storePathRootDir);
    spareSpace.give();
    this.stops.push(() => Promise.resolve(spareSpace.take()));
    const store = await this.openStore(() => `${storeIp}:${port}`);
    const metadata = await this.openMetadata((await metadataModule).openMetadata, store);
    const replication =
      (await this.role?.openReplication(store, metadata, config)) ?? new Replication(store, config, logger);
    const services = new BrokerServices({
      settings: this.settings,
      store,
      metadata,
      delayLevelsMs: this.delayLevelsMs,
      advertisedIp: this.network.advertisedIp,
      createUniqKey: uniqKeys(storeIp),
      hasSlaves: () => replication.hasSlaves,
      haStatus: () => replication.status(),
      isReadable: () => replication.isReadable,
      logger,
    });
    this.stops.push(() => services.pop.service.stop());
    if (!replication.isSlave) await services.pop.service.recover();
    const namesrvs = await this.namesrvs();
    this.stops.push(() => replication.stop());
    const haPort = await replication.listen(this.network.bindAddress, config.listenPort);
    const listener = await this.listen(services);
    port = listener.port;
    await services.start();
    const address = `${this.network.advertisedIp}:${port}`;
    const haServerAddress = `${config.brokerIP2 || this.network.advertisedIp}:${haPort ?? port + 1}`;
    const registration = await this.register(services, metadata, replication, { address, haServerAddress }, namesrvs);
    replication.startSlave(() => registration.registerNow());
    spareSpace.take();
    return {
      address,
      port,
      namesrvAddr: namesrvs.join(';'),
      storePath: config.storePathRootDir,
      listenAddress: `${this.network.bindAddress}:${port}`,
      haAddress: haPort === undefined ? undefined : haServerAddress,
      embeddedNamesrv: this.configuredNamesrvs.length === 0,
      close: () => (this.closing ??= this.stop()),
    };
  }

  private closing: Promise<void> | undefined = undefined;

  private get configuredNamesrvs(): string[] {
    return this.config.namesrvAddr.split(';').filter((address) => address !== '');
  }

  private async openStore(storeHost: () => string): Promise<MessageStore> {
    const { config } = this;
    const store = new MessageStore({
      rootPath: config.storePathRootDir,
      segmentSizeBytes: config.mappedFileSizeCommitLog,
      flushDiskType: config.flushDiskType,
      maxMessageSizeBytes: config.maxMessageSize,
      delayLevelsMs: this.delayLevelsMs,
      damagedLog: config.damagedLog,
      maxOpenFiles: config.maxOpenFiles,
      maxPendingAppends: config.sendThreadPoolQueueCapacity,
      osPageCacheBusyTimeoutMs: config.osPageCacheBusyTimeOutMills,
      inMemoryBytes: (totalmem() * config.accessMessageInMemoryMaxRatio) / 100,
      ...retentionOptions(config),
      messageIndexEnable: config.messageIndexEnable,
      maxHashSlotNum: config.maxHashSlotNum,
      maxIndexNum: config.maxIndexNum,
      maxMsgsNumBatch: config.maxMsgsNumBatch,
      storeHost,
      logger: this.logger,
      ...(this.role?.cutAtOffset === undefined ? {} : { cutAtOffset: this.role.cutAtOffset }),
    });
    const report = await store.open();
    this.role?.recovered(report);
    this.stops.push(() => store.close());
    return store;
  }

  private async openMetadata(
    open: typeof import('./metadata/index.js').openMetadata,
    store: MessageStore,
  ): Promise<Metadata> {
    const { config } = this;
    const brokerKey = `${config.brokerClusterName}/${config.brokerName}/${this.role?.memberId ?? config.brokerId}`;
    const configImport = new ConfigImport(config.storePathRootDir, brokerKey, this.logger);
    const metadata = await open({
      databaseUrl: config.databaseUrl,
      storePath: config.storePathRootDir,
      brokerKey,
      flushConsumerOffsetIntervalMs: config.flushConsumerOffsetInterval,
      seed: configImport.seed,
      logger: this.logger,
    });
    this.stops.push(() => metadata.close());
    configImport.finish();
    warnOfLostTopics(store, metadata, this.logger);
    await metadata.topics.ensure(new SystemTopicSet(config, this.delayLevelsMs.length).configs);
    return metadata;
  }

  private async namesrvs(): Promise<string[]> {
    if (this.configuredNamesrvs.length > 0) return this.configuredNamesrvs;
    const { startEmbeddedNamesrv } = await import('./start/embedded-namesrv.js');
    const namesrv = await startEmbeddedNamesrv({
      port: this.config.namesrvPort,
      bindAddress: this.network.bindAddress,
      storePath: this.config.storePathRootDir,
    });
    this.stops.push(() => namesrv.close());
    return [namesrv.address];
  }

  private async listen(services: BrokerServices): Promise<Listener> {
    const listener = await listen(services, this.config, this.network.bindAddress, this.logger);
    this.stops.push(() => listener.close());
    this.stops.push(() => services.stop());
    return listener;
  }

  private async register(
    services: BrokerServices,
    metadata: Metadata,
    replication: BrokerReplication,
    { address: brokerAddress, haServerAddress }: { readonly address: string; readonly haServerAddress: string },
    namesrvAddresses: readonly string[],
  ): Promise<NamesrvRegistration> {
    const { config, logger } = this;
    const client = new RemotingClient({
      logger,
      onConnectionClose: (namesrv) => registration.connectionClosed(namesrv),
    });
    this.stops.push(() => client.close());
    replication.connect(client, metadata, services);
    // Before the client, so that no call to the master is under way when that is closed.
    this.stops.push(() => replication.stopSlave());
    services.pop.routes.connect({ client, addresses: namesrvAddresses });
    const identity = {
      clusterName: config.brokerClusterName,
      brokerName: config.brokerName,
      brokerId: config.brokerId,
      brokerAddress,
      haServerAddress,
      ...(this.role?.term === undefined ? {} : { stateVersion: this.role.term.epoch }),
      ...(config.enableSlaveActingMaster ? { actingMasterTimeoutMs: config.brokerNotActiveTimeoutMillis } : {}),
    };
    const messages = new RegistrationMessages(identity, metadata.topics, () => config.brokerPermission);
    const registration = new NamesrvRegistration(client, messages, {
      namesrvAddresses,
      periodMs: config.registerNameServerPeriod,
      onRegistered: (response) => replication.registered(response),
      logger,
    });
    this.settings.onChange((keys) => {
      if (keys.includes('brokerPermission')) void registration.registerAll();
    });
    services.announcer.announceWith((topics) => registration.topicsChanged(topics));
    this.stops.push(() => replication.handOverMetadata(config.shutdownGraceMs));
    this.stops.push(() => registration.stop());
    if (config.enableSlaveActingMaster) {
      const heartbeats = new BrokerHeartbeats(client, registration, messages);
      this.stops.push(() => Promise.resolve(heartbeats.stop()));
      if (!replication.isSlave) {
        const { brokerClusterName: clusterName, brokerName } = config;
        const { offsets } = metadata;
        await takeBackOffsets({ client, namesrvAddresses, clusterName, brokerName, offsets, logger });
      }
      heartbeats.start(config.brokerHeartbeatInterval);
    }
    const minIdChanges = services.all().get(MinBrokerIdChanges) as MinBrokerIdChanges;
    if (replication.isSlave) minIdChanges.onChange(() => void registration.registerNow());
    await registration.start();
    return registration;
  }

  /** Stops what was started, last first. A step that fails is reported, and the others go on. */
  private async stop(): Promise<void> {
    for (let stop = this.stops.pop(); stop !== undefined; stop = this.stops.pop()) {
      try {
        await stop();
      } catch (error) {
        this.logger.error(`while stopping: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}

/** Ids for messages whose sender brought none. */
function uniqKeys(ip: string): () => string {
  const host = encodeHost(`${ip}:0`);
  const generator = new UniqKeyGenerator({
    ip: host.subarray(0, host.length - 4),
    pid: process.pid,
    processHash: randomInt(2 ** 31),
    now: () => Date.now(),
  });
  return () => generator.next();
}
