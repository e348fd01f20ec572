import { type HARuntimeInfo, NO_HA_CLIENT, type RegisterBrokerResponse } from '@rocknest/protocol';
import type { RemotingClient } from '@rocknest/remoting';
import type { MessageStore } from '@rocknest/store';
import type { BrokerServices } from '../broker-services.js';
import type { BrokerConfig } from '../config/broker-settings.js';
import { BrokerStartError } from '../errors.js';
import type { BrokerLogger } from '../logger.js';
import type { Metadata } from '../metadata/index.js';
import type { BrokerReplication } from './broker-replication.js';
import { AckWaiter } from './ack-waiter.js';
import { buildSlaveService } from './build-slave-service.js';
import { isSlave, SLAVE_TAKES_NO_MESSAGES } from './broker-role.js';
import { HaClient } from './ha-client.js';
import { HaService } from './ha-service.js';
import { MetadataFollowers } from './metadata-followers.js';
import type { SlaveService } from './slave-service.js';

/** Replication of one broker, whatever its role: a master serves slaves, and waits for them where it is SYNC_MASTER; a slave follows its master, and may have slaves of its own. */
export class Replication implements BrokerReplication {
  /** A classic slave serves what it has. */
  readonly isReadable = true;
  readonly isSlave: boolean;
  private readonly service: HaService;
  private readonly waiter: AckWaiter | undefined;
  private slave: SlaveService | undefined = undefined;
  private followers: MetadataFollowers | undefined = undefined;
  private isListening = false;

  constructor(
    private readonly store: MessageStore,
    private readonly config: BrokerConfig,
    private readonly logger: BrokerLogger,
  ) {
    this.isSlave = isSlave(config);
    this.service = new HaService(store, config, logger);
    const { replication } = store;
    if (this.isSlave) {
      replication.putRefusal = () => ({ status: 'SERVICE_NOT_AVAILABLE', reason: SLAVE_TAKES_NO_MESSAGES });
    }
    if (config.brokerRole !== 'SYNC_MASTER') return;
    const waiter = new AckWaiter(this.service, store, config);
    this.waiter = waiter;
    this.service.onProgress = () => waiter.progress();
    replication.holdAnswers(waiter);
    replication.putRefusal = waiter.refusal;
  }

  /** Slaves are connected that can be read from. */
  get hasSlaves(): boolean {
    return this.service.inSyncSlaves > 0;
  }

  /** How it stands, for tools: a slave tells of its master, and not of slaves of its own (as RocketMQ). */
  status(): HARuntimeInfo {
    if (!this.isSlave) return this.service.status();
    const haClientRuntimeInfo = this.slave?.status() ?? NO_HA_CLIENT;
    return {
      master: false,
      masterCommitLogMaxOffset: 0,
      inSyncSlaveNums: 0,
      haConnectionInfo: [],
      haClientRuntimeInfo,
    };
  }

  /**
   * Opens the port for slaves. A broker that nobody asked to replicate starts without it when the port is in use.
   *
   * @returns the port; undefined when it is not open.
   * @throws BrokerStartError BROKER_HA_PORT
   */
  async listen(host: string, listenPort: number): Promise<number | undefined> {
    const { haListenPort, brokerRole } = this.config;
    const port = haListenPort !== 0 ? haListenPort : listenPort === 0 ? 0 : listenPort + 1;
    try {
      const opened = await this.service.listen(host, port);
      this.isListening = true;
      return opened;
    } catch (error) {
      const problem = `the port for slaves, ${host}:${port}, cannot be opened: ${(error as Error).message}`;
      if (haListenPort !== 0 || brokerRole === 'SYNC_MASTER') {
        throw new BrokerStartError('BROKER_HA_PORT', `${problem}. Set haListenPort to a port that is free.`, {
          cause: error,
          details: { host, port },
        });
      }
      this.logger.warn(
        `${problem}. The broker starts without: slaves cannot follow it. Set haListenPort to a port that is free.`,
      );
      return undefined;
    }
  }

  /** Prepares what master and slave say to each other. */
  connect(client: RemotingClient, metadata: Metadata, services: BrokerServices): void {
    this.followers = services.all().get(MetadataFollowers) as MetadataFollowers;
    if (!this.isSlave) return;
    const { config, store, logger } = this;
    const haClient = new HaClient(
      store,
      {
        heartbeatMs: config.haSendHeartbeatInterval,
        housekeepingMs: config.haHousekeepingInterval,
        onState: (isConnected) => this.slave?.stateChanged(isConnected),
      },
      logger,
    );
    const { haMasterAddress } = config;
    this.slave = buildSlaveService({ client, metadata, store, services, haClient, haMasterAddress, config, logger });
  }

  /** A namesrv answered: it tells slaves where their master is. */
  registered(response: RegisterBrokerResponse): void {
    this.slave?.registered(response);
  }

  /** Lets a slave follow its master. @param lookUp registers again, because the master was not there. */
  startSlave(lookUp: () => Promise<void>): void {
    this.slave?.start(lookUp);
  }

  /** A slave follows its master no more. */
  async stopSlave(): Promise<void> {
    await this.slave?.stop();
  }

  async handOverMetadata(timeoutMs: number): Promise<void> {
    const lacking = (await this.followers?.handOver(this.config.brokerName, timeoutMs)) ?? 0;
    if (lacking > 0)
      this.logger.warn(`${lacking} slaves did not take the metadata over within ${timeoutMs} ms (shutdownGraceMs)`);
  }

  /**
   * Ends replication. Slaves get what they lack of the log before, within shutdownGraceMs; senders that wait for them after that are answered that slaves
   * do not have their messages yet.
   */
  async stop(): Promise<void> {
    await this.stopSlave();
    const { shutdownGraceMs } = this.config;
    const lacking = await this.service.handOver(shutdownGraceMs);
    if (lacking > 0)
      this.logger.warn(
        `${lacking} slaves did not get the end of the log within ${shutdownGraceMs} ms (shutdownGraceMs)`,
      );
    this.waiter?.close();
    if (this.isListening) await this.service.stop();
  }
}
