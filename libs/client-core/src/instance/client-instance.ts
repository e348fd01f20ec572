import {
  AUTO_CREATE_TOPIC,
  encodeGetMaxOffsetRequest,
  encodeGetRouteInfoByTopicRequest,
  encodeUnregisterClientRequest,
  RemotingCommand,
  RequestCode,
  type MessageQueue,
} from '@rocknest/protocol';
import { errorText, MQClientError, MQClientErrorCode } from '../errors.js';
import { LogLimiter, type ClientLogger } from '../logger.js';
import { NamesrvClient } from '../namesrv/namesrv-client.js';
import type { ResolvedClientOptions } from '../options.js';
import { RouteManager } from '../route/route-manager.js';
import { RouteRefreshAfterLoss } from '../route/route-refresh-after-loss.js';
import { settledWithin } from '../support/concurrency.js';
import { PeriodicTask } from '../support/periodic-task.js';
import { BrokerAddressTable } from './broker-address-table.js';
import { BrokerPulse } from './broker-pulse.js';
import { registerClientCallbacks } from './client-callbacks.js';
import type { ConnectionStatus, InstanceConsumer, InstanceProducer } from './client-members.js';
import { HeartbeatService } from './heartbeat-service.js';
import { NamespacedTransport } from './namespaced-transport.js';
import type { ClientTransport, TransportFactory } from './transport.js';

/**
 * What all producers and consumers with one client id share: the connections (one for each broker), the routes, the heartbeats
 * (RocketMQ: `impl/factory/MQClientInstance.java`). Made by `ClientInstanceRegistry`.
 */
export class ClientInstance {
  readonly transport: ClientTransport;
  readonly brokers = new BrokerAddressTable();
  readonly namesrv: NamesrvClient;
  readonly routes: RouteManager;
  readonly heartbeats: HeartbeatService;
  readonly pulse: BrokerPulse;
  readonly producers = new Map<string, InstanceProducer>();
  readonly consumers = new Map<string, InstanceConsumer>();
  /** Users of this instance; the registry closes it when none is left. */
  users = 0;
  private readonly tasks: PeriodicTask[];
  private readonly lossRefresh: RouteRefreshAfterLoss;
  private readonly troubles = new LogLimiter();
  private ready: Promise<void> | undefined = undefined;
  private closed = false;

  constructor(
    readonly clientId: string,
    readonly options: ResolvedClientOptions,
    transportFactory: TransportFactory,
  ) {
    const transport = transportFactory(
      {
        onConnectionOpen: (address) => this.connectionChanged('connected', address),
        onConnectionClose: (address) => this.connectionChanged('disconnected', address),
      },
      options.logger,
    );
    const { namespaceV2 } = options;
    this.transport = namespaceV2 === undefined ? transport : new NamespacedTransport(transport, namespaceV2);
    this.namesrv = new NamesrvClient(this.transport, {
      addresses: options.namesrvAddresses,
      timeoutMs: options.mqClientApiTimeoutMs,
    });
    this.routes = new RouteManager({
      namesrv: this.namesrv,
      brokers: this.brokers,
      logger: options.logger,
      onChange: (topic) => {
        for (const consumer of this.consumers.values()) consumer.routeChanged(topic);
      },
    });
    this.heartbeats = new HeartbeatService({
      clientId,
      transport: this.transport,
      brokers: this.brokers,
      producers: this.producers,
      consumers: this.consumers,
      timeoutMs: options.mqClientApiTimeoutMs,
      logger: options.logger,
    });
    this.pulse = new BrokerPulse({
      brokers: this.brokers,
      intervalMs: options.brokerPingIntervalMs,
      ping: (address, queue, timeoutMs) => this.ping(address, queue, timeoutMs),
      onDoubt: (address) => {
        options.logger.debug?.(`broker ${address} does not answer: its group is read elsewhere`);
        this.brokerDoubted(address);
      },
    });
    registerClientCallbacks(this);
    const refreshTask = this.task(options.pollNameServerIntervalMs, 'route refresh', () => this.routes.refreshAll());
    this.lossRefresh = new RouteRefreshAfterLoss({
      brokers: this.brokers,
      topicOf: (brokerName) => this.routes.topicOf(brokerName),
      probe: (topic) => this.routes.refreshEach([topic]),
      refresh: async () => {
        await refreshTask.wake();
        this.leaveGoneBrokers();
      },
    });
    this.tasks = [
      refreshTask,
      this.task(options.pollMissingRouteIntervalMs, 'look for missing topics', () => this.routes.refreshMissing()),
      this.task(options.heartbeatIntervalMs, 'heartbeat', () => this.beat()),
    ];
  }

  get logger(): ClientLogger {
    return this.options.logger;
  }

  /**
   * Makes sure that a namesrv answers, and starts the timers. Calls at the same time share one attempt; after a failure the next call
   * tries anew.
   *
   * @throws MQClientError NAMESRV_UNREACHABLE after `startAttempts` rounds.
   */
  start(): Promise<void> {
    this.ready ??= this.startNow().catch((error: unknown) => {
      this.ready = undefined;
      throw error;
    });
    return this.ready;
  }

  /** Tells every broker that a group of this client is gone. Failures are ignored: brokers find out after 120 s. */
  async unregister(group: { producerGroup?: string; consumerGroup?: string }): Promise<void> {
    await settledWithin(this.heartbeats.settled(), this.options.mqClientApiTimeoutMs);
    const addresses = new Set([...this.brokers.all()].map(([, , address]) => address));
    await Promise.all(
      [...addresses].map(async (address) => {
        const command = RemotingCommand.request(
          RequestCode.UNREGISTER_CLIENT,
          encodeUnregisterClientRequest({ clientID: this.clientId, ...group }),
        );
        try {
          await this.transport.invoke(address, command, this.options.mqClientApiTimeoutMs);
        } catch (error) {
          this.logger.debug?.(`not unregistered at ${address}: ${errorText(error)}`);
        }
      }),
    );
  }

  /** Only for the registry, when nobody uses the instance any more. */
  async close(): Promise<void> {
    this.closed = true;
    this.lossRefresh.stop();
    this.pulse.stop();
    const stopped = this.tasks.map((task) => task.stop());
    // Requests of the tasks fail now instead of keeping the shutdown waiting for their time-outs.
    await this.transport.close();
    await Promise.all(stopped);
  }

  /** @throws MQClientError SHUT_DOWN once closed. */
  assertOpen(): void {
    if (this.closed) throw new MQClientError(MQClientErrorCode.SHUT_DOWN, `the client ${this.clientId} was shut down`);
  }

  private async startNow(): Promise<void> {
    const { startAttempts, startRetryIntervalMs } = this.options;
    await this.namesrv.probe(
      () =>
        RemotingCommand.request(
          RequestCode.GET_ROUTEINFO_BY_TOPIC,
          encodeGetRouteInfoByTopicRequest({ topic: AUTO_CREATE_TOPIC, acceptStandardJsonOnly: true }),
        ),
      startAttempts,
      startRetryIntervalMs,
    );
    this.assertOpen();
    // Its route names the brokers to send heartbeats to before the first message is sent.
    await this.routes.refresh(AUTO_CREATE_TOPIC).catch((error: unknown) => {
      this.logger.debug?.(`route of ${AUTO_CREATE_TOPIC}: ${errorText(error)}`);
    });
    if (!this.closed) for (const task of this.tasks) task.start();
  }

  /** A request to this broker failed in a way that a broker's leave or change of role would explain: routes are looked up soon. */
  brokerDoubted(address: string): void {
    this.lossRefresh.doubted(address);
  }

  /** The cheapest question that brokers of every version answer. Whatever they answer, they are there. */
  private async ping(address: string, { topic, queueId }: MessageQueue, timeoutMs: number): Promise<void> {
    const fields = encodeGetMaxOffsetRequest({ topic, queueId, committed: true });
    await this.transport.invoke(address, RemotingCommand.request(RequestCode.GET_MAX_OFFSET, fields), timeoutMs);
  }

  private async beat(): Promise<void> {
    this.leaveGoneBrokers();
    await this.heartbeats.sendToAll();
  }

  /** Requests that wait for brokers that no route has any more fail now, and go to their successors. */
  private leaveGoneBrokers(): void {
    for (const address of this.brokers.retain((known) => this.routes.hasAddress(known))) {
      this.logger.debug?.(`broker ${address} is in no route any more`);
      this.transport.closeConnection(address);
    }
  }

  /** Brokers bind a client to its connection: a new one needs a heartbeat at once. */
  private connectionChanged(status: ConnectionStatus, address: string): void {
    if (![...this.brokers.all()].some(([, , known]) => known === address)) return;
    if (status === 'connected') {
      this.lossRefresh.connectionOpened(address);
      this.heartbeats.connected(address);
    } else {
      this.lossRefresh.connectionClosed(address);
      this.pulse.lost(address);
    }
    for (const member of [...this.producers.values(), ...this.consumers.values()]) {
      try {
        member.connectionChanged(status, address);
      } catch (error) {
        this.logger.warn(`onStatus threw: ${errorText(error)}`);
      }
    }
  }

  private task(intervalMs: number, name: string, run: () => Promise<void>): PeriodicTask {
    return new PeriodicTask(intervalMs, run, (error) => {
      if (this.troubles.allows(name)) this.logger.warn(`${name} failed: ${errorText(error)}`);
    });
  }
}
