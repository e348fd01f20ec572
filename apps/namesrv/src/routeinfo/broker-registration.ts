import {
  MASTER_ID,
  PermName,
  sameDataVersion,
  type DataVersion,
  type QueueData,
  type TopicConfig,
  type TopicConfigSerializeWrapper,
} from '@rocknest/protocol';
import type { Clock } from '../clock.js';
import { DEFAULT_BROKER_CHANNEL_EXPIRED_TIME_MS, MAX_MAPPING_LENGTH } from '../defaults.js';
import { NamesrvLimitError } from '../errors.js';
import { addressKey, type BrokerIdentity } from './broker-identity.js';
import type { MinBrokerIdChange } from './min-broker-id-change.js';
import { minBrokerId, type BrokerConnection, type BrokerGroup, type RouteTables } from './route-tables.js';

export interface RegisterBrokerInput extends BrokerIdentity {
  readonly haServerAddr: string;
  readonly zoneName: string | undefined;
  /** undefined: 120 s */
  readonly heartbeatTimeoutMs: number | undefined;
  /** undefined: a broker of 4.x, which does not know the field */
  readonly enableActingMaster: boolean | undefined;
  readonly topics: TopicConfigSerializeWrapper;
  readonly filterServers: readonly string[];
  readonly connection: BrokerConnection;
}

export type RegisterBrokerOutcome =
  | {
      readonly registered: true;
      /** Where a slave finds its master; nothing for the master itself. */
      readonly masterAddr?: string;
      readonly haServerAddr?: string;
      readonly minBrokerIdChange?: MinBrokerIdChange;
    }
  /** A registration of one topic from a broker that never registered in full. */
  | { readonly registered: false };

export interface RegistrationLimits {
  readonly maxBrokers: number;
  readonly maxTopics: number;
  readonly maxQueueData: number;
}

/**
 * Registers a broker: who it is, where it is, which topics it has.
 *
 * Follows `registerBroker` of `namesrv/routeinfo/RouteInfoManager.java`, except that a refused registration changes nothing at all (there it
 * leaves an empty group behind).
 *
 * @throws NamesrvLimitError when it would exceed a limit; nothing is changed.
 */
export class BrokerRegistration {
  constructor(
    private readonly tables: RouteTables,
    private readonly limits: RegistrationLimits,
    private readonly clock: Clock,
  ) {}

  /** @param deleteMissingTopics topics that the group had and the registration does not name are removed. */
  register(input: RegisterBrokerInput, deleteMissingTopics: boolean): RegisterBrokerOutcome {
    const { clusterName, brokerName, brokerAddr, brokerId } = input;
    const topics = Object.values(input.topics.topicConfigTable);
    const known = this.tables.brokers.get(brokerName);
    if (known?.brokerAddrs.has(brokerId) !== true && topics.length === 1) return { registered: false };
    this.checkLimits(input, topics);

    const isFirstOfGroup = known === undefined;
    const group = this.tables.groupOf(clusterName, brokerName);
    const previousMinId = minBrokerId(group);
    removeOtherIdsOf(group, brokerAddr, brokerId);
    if (this.yieldsToLiveBroker(group, input)) {
      this.tables.live.delete(addressKey(clusterName, brokerAddr));
      return { registered: true };
    }

    group.enableActingMaster = input.enableActingMaster === true;
    group.zoneName = input.zoneName;
    const previousAddr = group.brokerAddrs.get(brokerId);
    group.brokerAddrs.set(brokerId, brokerAddr);
    this.updateTopics(group, input, topics, isFirstOfGroup || previousAddr === undefined, deleteMissingTopics);
    this.noteAlive(input);
    return {
      registered: true,
      ...this.masterOf(group, input),
      // An empty group has had the smallest id 0 for RocketMQ, so its first member changes nothing.
      ...(previousMinId !== undefined && brokerId < previousMinId && { minBrokerIdChange: arrival(group, input) }),
    };
  }

  private checkLimits(input: RegisterBrokerInput, topics: readonly TopicConfig[]): void {
    const { tables, limits } = this;
    const key = addressKey(input.clusterName, input.brokerAddr);
    if (!tables.live.has(key) && tables.live.size >= limits.maxBrokers) {
      throw new NamesrvLimitError('brokers', limits.maxBrokers, 'maxBrokers');
    }
    let newTopics = 0;
    let newQueueData = 0;
    for (const { topicName } of topics) {
      const groups = tables.topicQueues.get(topicName);
      if (groups === undefined) newTopics++;
      if (groups?.has(input.brokerName) !== true) newQueueData++;
    }
    if (newTopics > 0 && tables.topicQueues.size + newTopics > limits.maxTopics) {
      throw new NamesrvLimitError('topics', limits.maxTopics, 'maxTopics');
    }
    if (newQueueData > 0 && tables.queueDataCount + newQueueData > limits.maxQueueData) {
      throw new NamesrvLimitError('topics of broker groups', limits.maxQueueData, 'maxQueueData');
    }
  }

  /** The id is taken by another address whose broker has seen a later epoch of the controller. */
  private yieldsToLiveBroker(group: BrokerGroup, input: RegisterBrokerInput): boolean {
    const takenBy = group.brokerAddrs.get(input.brokerId);
    if (takenBy === undefined || takenBy === input.brokerAddr) return false;
    const live = this.tables.liveBroker(input.clusterName, takenBy);
    return live !== undefined && live.dataVersion.stateVersion > input.topics.dataVersion.stateVersion;
  }

  private updateTopics(
    group: BrokerGroup,
    input: RegisterBrokerInput,
    topics: readonly TopicConfig[],
    isFirst: boolean,
    deleteMissing: boolean,
  ): void {
    const isMaster = input.brokerId === MASTER_ID;
    const isPrimeSlave = !isMaster && input.enableActingMaster !== undefined && input.brokerId === minBrokerId(group);
    if (!isMaster && !isPrimeSlave) return;
    const { brokerName } = group;
    const mappings = Object.entries(input.topics.topicQueueMappingInfoMap ?? {});
    if (deleteMissing && mappings.length === 0) this.removeMissing(brokerName, topics);

    const before = this.tables.liveBroker(input.clusterName, input.brokerAddr)?.dataVersion;
    const isChanged = isFirst || isVersionChanged(before, input.topics.dataVersion);
    for (const topic of topics) {
      const had = this.tables.topicQueues.get(topic.topicName)?.has(brokerName) === true;
      if (had && !isChanged) continue;
      const perm = isPrimeSlave && group.enableActingMaster ? topic.perm & ~PermName.WRITE : topic.perm;
      this.tables.setQueueData(topic.topicName, queueDataOf(brokerName, topic, perm));
    }
    if (!isChanged) return;
    // Mappings without queue data would stay for ever: only those of registered topics are kept.
    for (const [topic, mapping] of mappings) {
      const isKept = this.tables.topicQueues.has(topic) && JSON.stringify(mapping).length <= MAX_MAPPING_LENGTH;
      if (isKept) this.tables.setMapping(topic, brokerName, mapping);
    }
  }

  private removeMissing(brokerName: string, topics: readonly TopicConfig[]): void {
    const named = new Set(topics.map(({ topicName }) => topicName));
    for (const [topic, groups] of this.tables.topicQueues) {
      if (groups.has(brokerName) && !named.has(topic)) this.tables.removeQueueData(topic, brokerName);
    }
  }

  private noteAlive(input: RegisterBrokerInput): void {
    const { clusterName, brokerAddr, connection, haServerAddr, filterServers } = input;
    const key = addressKey(clusterName, brokerAddr);
    this.tables.live.set(key, {
      clusterName,
      brokerAddr,
      lastUpdateMs: this.clock(),
      heartbeatTimeoutMs: input.heartbeatTimeoutMs ?? DEFAULT_BROKER_CHANNEL_EXPIRED_TIME_MS,
      dataVersion: input.topics.dataVersion,
      connection,
      haServerAddr,
    });
    if (filterServers.length === 0) this.tables.filterServers.delete(key);
    else this.tables.filterServers.set(key, filterServers);
  }

  private masterOf(group: BrokerGroup, input: RegisterBrokerInput): { masterAddr?: string; haServerAddr?: string } {
    if (input.brokerId === MASTER_ID) return {};
    const masterAddr = group.brokerAddrs.get(MASTER_ID);
    const master = masterAddr === undefined ? undefined : this.tables.liveBroker(input.clusterName, masterAddr);
    if (masterAddr === undefined || master === undefined) return {};
    return { masterAddr, haServerAddr: master.haServerAddr };
  }
}

/** True for a version that differs in anything, lower included, and for a broker that is not known. */
export function isVersionChanged(before: DataVersion | undefined, now: DataVersion): boolean {
  return before === undefined || !sameDataVersion(before, now);
}

/** A broker whose role changed comes with its old address and a new id: an address has one id at a time. */
function removeOtherIdsOf(group: BrokerGroup, brokerAddr: string, brokerId: number): void {
  for (const [id, addr] of group.brokerAddrs) if (addr === brokerAddr && id !== brokerId) group.brokerAddrs.delete(id);
}

function queueDataOf(brokerName: string, topic: TopicConfig, perm: number): QueueData {
  const { readQueueNums, writeQueueNums, topicSysFlag } = topic;
  return { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag };
}

/** A smaller id came: the members that were there before are told. */
function arrival(group: BrokerGroup, input: RegisterBrokerInput): MinBrokerIdChange {
  const others = [...group.brokerAddrs].filter(([id]) => id !== input.brokerId).map(([, addr]) => addr);
  return {
    brokerName: group.brokerName,
    minBrokerId: input.brokerId,
    minBrokerAddr: input.brokerAddr,
    offlineBrokerAddr: undefined,
    haBrokerAddr: input.haServerAddr,
    notify: others.length === 0 ? [input.brokerAddr] : others,
  };
}
