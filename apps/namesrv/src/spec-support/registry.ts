import type { DataVersion, TopicConfig } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import type { RegisterBrokerInput, RegisterBrokerOutcome } from '../routeinfo/broker-registration.js';
import type { MinBrokerIdChange } from '../routeinfo/min-broker-id-change.js';
import { RouteInfoManager, type RouteInfoConfig } from '../routeinfo/route-info-manager.js';
import type { BrokerConnection } from '../routeinfo/route-tables.js';

/** For specs: a connection that remembers whether it was closed. */
export class FakeConnection implements BrokerConnection {
  closedWith: string | undefined = undefined;

  close(reason = ''): void {
    this.closedWith = reason;
  }
}

export const version = (counter: number, stateVersion = 0): DataVersion => ({
  stateVersion,
  timestamp: 1_000,
  counter,
});

export const topicConfig = (topicName: string, fields: Partial<TopicConfig> = {}): TopicConfig => ({
  topicName,
  readQueueNums: 8,
  writeQueueNums: 4,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
  attributes: {},
  ...fields,
});

export interface Registration extends Partial<Omit<RegisterBrokerInput, 'topics'>> {
  readonly topics?: readonly (string | TopicConfig)[];
  readonly version?: DataVersion;
}

/** For specs: a RouteInfoManager with a clock of its own, and registrations in few words. */
export class Registry {
  nowMs = 1_000_000;
  readonly changes: MinBrokerIdChange[] = [];
  readonly routes: RouteInfoManager;
  readonly config: { -readonly [K in keyof RouteInfoConfig]: RouteInfoConfig[K] };

  constructor(config: Partial<RouteInfoConfig> = {}) {
    this.config = {
      deleteTopicWithBrokerRegistration: false,
      supportActingMaster: false,
      notifyMinBrokerIdChanged: true,
      unRegisterBrokerQueueCapacity: 3_000,
      maxBrokers: 100,
      maxTopics: 100,
      maxQueueData: 100,
      ...config,
    };
    this.routes = new RouteInfoManager({
      config: this.config,
      clock: () => this.nowMs,
      logger: silentLogger,
      onMinBrokerIdChange: (change) => this.changes.push(change),
    });
  }

  /** Registers `10.0.0.1:10911` as the master of `broker-a` in cluster `c`, with two topics, unless told otherwise. */
  register(registration: Registration = {}): RegisterBrokerOutcome {
    const { topics = ['t1', 't2'], version: dataVersion = version(1), ...rest } = registration;
    const configs = topics.map((topic) => (typeof topic === 'string' ? topicConfig(topic) : topic));
    return this.routes.registerBroker({
      clusterName: 'c',
      brokerName: 'broker-a',
      brokerAddr: '10.0.0.1:10911',
      brokerId: 0,
      haServerAddr: '10.0.0.1:10912',
      zoneName: undefined,
      heartbeatTimeoutMs: undefined,
      enableActingMaster: undefined,
      topics: {
        topicConfigTable: Object.fromEntries(configs.map((config) => [config.topicName, config])),
        dataVersion,
      },
      filterServers: [],
      connection: new FakeConnection(),
      ...rest,
    });
  }

  /** id -> address of the brokers of a topic's first group. */
  addrsOf(topic: string): Record<string, string> | undefined {
    const [group] = this.routes.routeOf(topic)?.brokerDatas ?? [];
    return group && Object.fromEntries(group.brokerAddrs);
  }

  permOf(topic: string, brokerName = 'broker-a'): number | undefined {
    return this.routes.routeOf(topic)?.queueDatas.find((data) => data.brokerName === brokerName)?.perm;
  }
}
