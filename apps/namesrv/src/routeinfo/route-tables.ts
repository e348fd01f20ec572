import type { DataVersion, QueueData } from '@rocknest/protocol';
import { addressKey } from './broker-identity.js';

/** What the tables need of a broker's connection. */
export interface BrokerConnection {
  close(reason?: string): void;
}

/** A broker group. RocketMQ's BrokerData. */
export interface BrokerGroup {
  readonly cluster: string;
  readonly brokerName: string;
  /** broker id -> `ip:port` */
  readonly brokerAddrs: Map<number, string>;
  enableActingMaster: boolean;
  zoneName: string | undefined;
}

/** A broker that gave a sign of life. RocketMQ's BrokerLiveInfo. */
export interface LiveBroker {
  readonly clusterName: string;
  readonly brokerAddr: string;
  lastUpdateMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly dataVersion: DataVersion;
  readonly connection: BrokerConnection;
  readonly haServerAddr: string;
}

/**
 * The tables of a namesrv, and the few changes that keep them consistent. They live in memory only: brokers fill them.
 *
 * Follows the tables of `namesrv/routeinfo/RouteInfoManager.java`.
 */
export class RouteTables {
  /** topic -> broker name -> queues */
  readonly topicQueues = new Map<string, Map<string, QueueData>>();
  /** broker name -> group */
  readonly brokers = new Map<string, BrokerGroup>();
  /** cluster -> broker names */
  readonly clusters = new Map<string, Set<string>>();
  /** (cluster, address) -> sign of life */
  readonly live = new Map<string, LiveBroker>();
  /** (cluster, address) -> filter servers */
  readonly filterServers = new Map<string, readonly string[]>();
  /** topic -> broker name -> static topic mapping, carried as it came */
  readonly queueMappings = new Map<string, Map<string, unknown>>();
  private queueDataTotal = 0;

  /** Queue data of all topics and groups together. */
  get queueDataCount(): number {
    return this.queueDataTotal;
  }

  liveBroker(clusterName: string, brokerAddr: string): LiveBroker | undefined {
    return this.live.get(addressKey(clusterName, brokerAddr));
  }

  /** The group of a name, made if need be. A group stays in the cluster in which its name was first seen. */
  groupOf(clusterName: string, brokerName: string): BrokerGroup {
    let names = this.clusters.get(clusterName);
    if (names === undefined) this.clusters.set(clusterName, (names = new Set<string>()));
    names.add(brokerName);
    let group = this.brokers.get(brokerName);
    if (group === undefined) {
      group = {
        cluster: clusterName,
        brokerName,
        brokerAddrs: new Map(),
        enableActingMaster: false,
        zoneName: undefined,
      };
      this.brokers.set(brokerName, group);
    }
    return group;
  }

  setQueueData(topic: string, data: QueueData): void {
    let groups = this.topicQueues.get(topic);
    if (groups === undefined) this.topicQueues.set(topic, (groups = new Map<string, QueueData>()));
    if (!groups.has(data.brokerName)) this.queueDataTotal++;
    groups.set(data.brokerName, data);
  }

  /** Takes a topic from one group; a topic that no group has any more is gone. */
  removeQueueData(topic: string, brokerName: string): void {
    const groups = this.topicQueues.get(topic);
    if (groups === undefined || !groups.delete(brokerName)) return;
    this.queueDataTotal--;
    if (groups.size === 0) this.topicQueues.delete(topic);
    this.removeMapping(topic, brokerName);
  }

  removeTopic(topic: string): void {
    for (const brokerName of [...(this.topicQueues.get(topic)?.keys() ?? [])]) this.removeQueueData(topic, brokerName);
    this.queueMappings.delete(topic);
  }

  setMapping(topic: string, brokerName: string, mapping: unknown): void {
    let mappings = this.queueMappings.get(topic);
    if (mappings === undefined) this.queueMappings.set(topic, (mappings = new Map<string, unknown>()));
    mappings.set(brokerName, mapping);
  }

  /** Takes groups that have no member left from clusters and topics. One pass over the topics for all of them. */
  removeGroups(brokerNames: ReadonlySet<string>): void {
    if (brokerNames.size === 0) return;
    for (const brokerName of brokerNames) this.brokers.delete(brokerName);
    for (const [cluster, names] of this.clusters) {
      for (const brokerName of brokerNames) names.delete(brokerName);
      if (names.size === 0) this.clusters.delete(cluster);
    }
    for (const [topic, groups] of this.topicQueues) {
      for (const brokerName of brokerNames) if (groups.has(brokerName)) this.removeQueueData(topic, brokerName);
    }
  }

  private removeMapping(topic: string, brokerName: string): void {
    const mappings = this.queueMappings.get(topic);
    if (mappings === undefined) return;
    mappings.delete(brokerName);
    if (mappings.size === 0) this.queueMappings.delete(topic);
  }
}

/** The smallest id of a group, undefined when it has no member. */
export function minBrokerId(group: BrokerGroup): number | undefined {
  let min: number | undefined;
  for (const id of group.brokerAddrs.keys()) if (min === undefined || id < min) min = id;
  return min;
}
