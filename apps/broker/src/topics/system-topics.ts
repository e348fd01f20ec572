import {
  AUTO_CREATE_TOPIC,
  BENCHMARK_TOPIC,
  isSystemTopic,
  OFFSET_MOVED_EVENT,
  PERM_READ_WRITE,
  PermName,
  replyTopicOf,
  reviveTopicOf,
  SCHEDULE_TOPIC,
  SELF_TEST_TOPIC,
  TIMER_TOPIC,
  type TopicConfig,
  TRANS_CHECK_MAX_TIME_TOPIC,
  TRANS_HALF_TOPIC,
  TRANS_OP_HALF_TOPIC,
} from '@rocknest/protocol';
import type { BrokerConfig } from '../config/broker-settings.js';
import { BENCHMARK_TOPIC_QUEUE_NUMS, CLUSTER_TOPIC_QUEUE_NUMS, SCHEDULE_TOPIC_QUEUE_NUMS } from '../defaults.js';

/** The topics that a broker has for itself. */
export class SystemTopicSet {
  /** What must exist at start. */
  readonly configs: readonly TopicConfig[];
  private readonly names: ReadonlySet<string>;

  /** @param delayLevels how many delay levels there are: each is a queue of the schedule topic. */
  constructor(config: BrokerConfig, delayLevels: number) {
    this.configs = systemTopicConfigs(config, delayLevels);
    this.names = new Set(this.configs.map(({ topicName }) => topicName));
  }

  /** True for a topic that clients can neither create nor delete. */
  has(topic: string): boolean {
    return this.names.has(topic) || isSystemTopic(topic);
  }
}

/** Follows `init` of `broker/topic/TopicConfigManager.java`. */
function systemTopicConfigs(config: BrokerConfig, delayLevels: number): TopicConfig[] {
  const inherited = (open: boolean): number => PermName.INHERIT | (open ? PERM_READ_WRITE : 0);
  const configs = [
    topic(SELF_TEST_TOPIC, 1, PERM_READ_WRITE),
    topic(BENCHMARK_TOPIC, BENCHMARK_TOPIC_QUEUE_NUMS, PERM_READ_WRITE),
    topic(config.brokerClusterName, CLUSTER_TOPIC_QUEUE_NUMS, inherited(config.clusterTopicEnable)),
    topic(config.brokerName, 1, inherited(config.brokerTopicEnable)),
    topic(OFFSET_MOVED_EVENT, 1, PERM_READ_WRITE),
    topic(SCHEDULE_TOPIC, Math.max(SCHEDULE_TOPIC_QUEUE_NUMS, delayLevels), PERM_READ_WRITE),
    topic(TRANS_HALF_TOPIC, 1, PERM_READ_WRITE),
    topic(TRANS_OP_HALF_TOPIC, 1, PERM_READ_WRITE),
    topic(TRANS_CHECK_MAX_TIME_TOPIC, 1, PERM_READ_WRITE),
    topic(replyTopicOf(config.brokerClusterName), 1, PERM_READ_WRITE),
    topic(reviveTopicOf(config.brokerClusterName), config.reviveQueueNum, PERM_READ_WRITE),
  ];
  if (config.autoCreateTopicEnable) {
    configs.push(topic(AUTO_CREATE_TOPIC, config.defaultTopicQueueNums, inherited(true)));
  }
  if (config.timerWheelEnable) configs.push(topic(TIMER_TOPIC, 1, PERM_READ_WRITE));
  if (config.traceTopicEnable) configs.push(topic(config.msgTraceTopicName, 1, PERM_READ_WRITE));
  return configs;
}

function topic(topicName: string, queueNums: number, perm: number): TopicConfig {
  return {
    topicName,
    readQueueNums: queueNums,
    writeQueueNums: queueNums,
    perm,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
  };
}
