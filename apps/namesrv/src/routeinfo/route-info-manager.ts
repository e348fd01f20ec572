import {
  PERM_READ_WRITE,
  PermName,
  type BrokerMemberGroup,
  type ClusterInfo,
  type DataVersion,
  type QueueData,
  type TopicList,
  type TopicRouteData,
} from '@rocknest/protocol';
import type { Clock } from '../clock.js';
import type { NamesrvConfig } from '../config/namesrv-settings.js';
import { NamesrvLimitError } from '../errors.js';
import type { NamesrvLogger } from '../logger.js';
import { removeBrokers, type Departure } from './broker-departure.js';
import type { BrokerIdentity } from './broker-identity.js';
import {
  BrokerRegistration,
  isVersionChanged,
  type RegisterBrokerInput,
  type RegisterBrokerOutcome,
} from './broker-registration.js';
import { checkName, checkRegistration } from './input-checks.js';
import type { MinBrokerIdChange } from './min-broker-id-change.js';
import { RouteTables, type BrokerConnection } from './route-tables.js';
import * as lists from './topic-lists.js';
import { brokerDataOf, pickTopicRoute } from './topic-route.js';

export type RouteInfoConfig = Pick<
  NamesrvConfig,
  | 'deleteTopicWithBrokerRegistration'
  | 'supportActingMaster'
  | 'notifyMinBrokerIdChanged'
  | 'unRegisterBrokerQueueCapacity'
  | 'maxBrokers'
  | 'maxTopics'
  | 'maxQueueData'
>;

export interface RouteInfoOptions {
  /** Read at each use: some of it may change while the namesrv runs. */
  readonly config: RouteInfoConfig;
  readonly clock: Clock;
  readonly logger: NamesrvLogger;
  /** Told when the smallest id of a group changed, if `notifyMinBrokerIdChanged` is on. */
  readonly onMinBrokerIdChange: (change: MinBrokerIdChange) => void;
}

/**
 * What a namesrv knows: brokers, clusters, topics. Brokers tell it, and each sign of life counts; nothing is stored.
 *
 * Departures are collected and carried out together at the end of the loop turn (RocketMQ's BatchUnregistrationService), in any case
 * before the next registration.
 *
 * Follows `namesrv/routeinfo/RouteInfoManager.java`.
 */
export class RouteInfoManager {
  private readonly tables = new RouteTables();
  private readonly registration: BrokerRegistration;
  private departures: Departure[] = [];

  constructor(private readonly options: RouteInfoOptions) {
    this.registration = new BrokerRegistration(this.tables, options.config, options.clock);
  }

  /**
   * @throws RequestRefusedError for names that are none, NamesrvLimitError when it would exceed a limit. Nothing is changed then.
   */
  registerBroker(input: RegisterBrokerInput): RegisterBrokerOutcome {
    this.removeDeparted();
    checkRegistration(input);
    const isNew = this.tables.liveBroker(input.clusterName, input.brokerAddr) === undefined;
    const outcome = this.registration.register(input, this.options.config.deleteTopicWithBrokerRegistration);
    if (outcome.registered && isNew) this.options.logger.log(`broker registered: ${describe(input)}`);
    if (outcome.registered && outcome.minBrokerIdChange) this.notify(outcome.minBrokerIdChange);
    return outcome;
  }

  /**
   * A broker says that it leaves.
   *
   * @returns false when too many departures wait already.
   */
  unregisterBroker(identity: BrokerIdentity): boolean {
    return this.depart({ ...identity, connection: undefined });
  }

  /** All brokers of a connection that closed leave. */
  connectionClosed(connection: BrokerConnection): void {
    for (const live of this.tables.live.values()) {
      if (live.connection === connection) this.departByAddress(live.clusterName, live.brokerAddr, connection);
    }
  }

  /** Brokers that gave no sign of life in time leave, and their connections are closed. */
  removeExpired(): void {
    const now = this.options.clock();
    for (const live of this.tables.live.values()) {
      const silentMs = now - live.lastUpdateMs;
      if (silentMs <= live.heartbeatTimeoutMs) continue;
      this.options.logger.warn(
        `broker ${live.brokerAddr} of ${live.clusterName} gave no sign of life for ${silentMs} ms: removed`,
      );
      this.departByAddress(live.clusterName, live.brokerAddr, live.connection);
      live.connection.close('the broker gave no sign of life');
    }
  }

  /** A sign of life of a broker that is registered. */
  touch(clusterName: string, brokerAddr: string): void {
    const live = this.tables.liveBroker(clusterName, brokerAddr);
    if (live !== undefined) live.lastUpdateMs = this.options.clock();
  }

  dataVersionOf(clusterName: string, brokerAddr: string): DataVersion | undefined {
    this.removeDeparted();
    return this.tables.liveBroker(clusterName, brokerAddr)?.dataVersion;
  }

  isTopicConfigChanged(clusterName: string, brokerAddr: string, version: DataVersion): boolean {
    return isVersionChanged(this.dataVersionOf(clusterName, brokerAddr), version);
  }

  /** Where a topic's queues are; undefined when nobody has it. */
  routeOf(topic: string): TopicRouteData | undefined {
    this.removeDeparted();
    return pickTopicRoute(this.tables, topic, this.options.config.supportActingMaster);
  }

  clusterInfo(): ClusterInfo {
    this.removeDeparted();
    const { brokers, clusters } = this.tables;
    return {
      brokerAddrTable: Object.fromEntries(Array.from(brokers, ([name, group]) => [name, brokerDataOf(group)])),
      clusterAddrTable: Object.fromEntries(Array.from(clusters, ([name, names]) => [name, [...names]])),
    };
  }

  memberGroup(cluster: string, brokerName: string): BrokerMemberGroup {
    this.removeDeparted();
    return { cluster, brokerName, brokerAddrs: this.tables.brokers.get(brokerName)?.brokerAddrs ?? new Map() };
  }

  /** Makes all topics of a broker group read-only until it registers with a changed version. Returns how many there are. */
  wipeWritePerm(brokerName: string): number {
    return this.changePerm(brokerName, (perm) => perm & ~PermName.WRITE);
  }

  /** Makes all topics of a broker group readable and writable. Returns how many there are. */
  addWritePerm(brokerName: string): number {
    return this.changePerm(brokerName, () => PERM_READ_WRITE);
  }

  /** @param clusterName given: only groups of this cluster lose the topic. */
  deleteTopic(topic: string, clusterName: string | undefined): void {
    this.removeDeparted();
    if (clusterName === undefined || clusterName === '') {
      this.tables.removeTopic(topic);
      return;
    }
    for (const brokerName of this.tables.clusters.get(clusterName) ?? [])
      this.tables.removeQueueData(topic, brokerName);
  }

  /** Gives groups a topic without their registration. Ignored when one of the groups is not known. */
  registerTopic(topic: string, queueDatas: readonly QueueData[]): void {
    this.removeDeparted();
    checkName('topic', topic);
    if (!queueDatas.every(({ brokerName }) => this.tables.brokers.has(brokerName))) return;
    const { maxTopics, maxQueueData } = this.options.config;
    const isNew = !this.tables.topicQueues.has(topic);
    if (isNew && this.tables.topicQueues.size >= maxTopics) {
      throw new NamesrvLimitError('topics', maxTopics, 'maxTopics');
    }
    if (this.tables.queueDataCount + queueDatas.length > maxQueueData) {
      throw new NamesrvLimitError('topics of broker groups', maxQueueData, 'maxQueueData');
    }
    for (const data of queueDatas) this.tables.setQueueData(topic, data);
  }

  allTopics(): TopicList {
    this.removeDeparted();
    return lists.allTopics(this.tables);
  }

  topicsOfCluster(clusterName: string): TopicList {
    this.removeDeparted();
    return lists.topicsOfCluster(this.tables, clusterName);
  }

  systemTopics(): TopicList {
    this.removeDeparted();
    return lists.systemTopics(this.tables);
  }

  unitTopics(): TopicList {
    return lists.unitTopics(this.tables);
  }

  unitSubTopics(): TopicList {
    return lists.unitSubTopics(this.tables);
  }

  unitSubUnunitTopics(): TopicList {
    return lists.unitSubUnunitTopics(this.tables);
  }

  /** Carries out the departures that wait. */
  removeDeparted(): void {
    if (this.departures.length === 0) return;
    const { departures } = this;
    this.departures = [];
    const { left, changes } = removeBrokers(this.tables, departures);
    for (const departure of left) this.options.logger.log(`broker left: ${describe(departure)}`);
    for (const change of changes) this.notify(change);
  }

  private departByAddress(clusterName: string, brokerAddr: string, connection: BrokerConnection): void {
    for (const group of this.tables.brokers.values()) {
      if (group.cluster !== clusterName) continue;
      for (const [brokerId, addr] of group.brokerAddrs) {
        if (addr !== brokerAddr) continue;
        // Nobody can be told that the queue is full, so it is emptied instead.
        const departure = { clusterName, brokerName: group.brokerName, brokerAddr, brokerId, connection };
        if (!this.depart(departure)) {
          this.removeDeparted();
          this.depart(departure);
        }
        return;
      }
    }
    // Another address has taken its place in the group: only its sign of life is left.
    removeBrokers(this.tables, [{ clusterName, brokerName: '', brokerAddr, brokerId: 0, connection }]);
  }

  private depart(departure: Departure): boolean {
    if (this.departures.length >= this.options.config.unRegisterBrokerQueueCapacity) return false;
    this.departures.push(departure);
    if (this.departures.length === 1) setImmediate(() => this.removeDeparted());
    return true;
  }

  private changePerm(brokerName: string, change: (perm: number) => number): number {
    this.removeDeparted();
    let count = 0;
    for (const groups of this.tables.topicQueues.values()) {
      const data = groups.get(brokerName);
      if (data === undefined) continue;
      groups.set(brokerName, { ...data, perm: change(data.perm) });
      count++;
    }
    return count;
  }

  private notify(change: MinBrokerIdChange): void {
    if (this.options.config.notifyMinBrokerIdChanged) this.options.onMinBrokerIdChange(change);
  }
}

function describe({ clusterName, brokerName, brokerAddr, brokerId }: BrokerIdentity): string {
  return `${brokerAddr}, id ${brokerId} of ${brokerName} in ${clusterName}`;
}
