/** Names that RocketMQ gives meaning to. Follows `common/MixAll.java`, `TopicValidator.java` and `KeyBuilder.java`. */
export const RETRY_GROUP_TOPIC_PREFIX = '%RETRY%';
export const DLQ_GROUP_TOPIC_PREFIX = '%DLQ%';
export const LMQ_PREFIX = '%LMQ%';
export const SYSTEM_TOPIC_PREFIX = 'rmq_sys_';
export const REPLY_TOPIC_POSTFIX = 'REPLY_TOPIC';
export const CID_RMQ_SYS_PREFIX = 'CID_RMQ_SYS_';

/** Its configuration is the pattern for topics that a send creates. */
export const AUTO_CREATE_TOPIC = 'TBW102';
/** Holds messages until their delay level is due; queue id = level - 1. */
export const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX';
export const TRANS_HALF_TOPIC = 'RMQ_SYS_TRANS_HALF_TOPIC';
export const TRANS_OP_HALF_TOPIC = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';
export const TRANS_CHECK_MAX_TIME_TOPIC = 'TRANS_CHECK_MAX_TIME_TOPIC';
export const TRACE_TOPIC = 'RMQ_SYS_TRACE_TOPIC';
export const SELF_TEST_TOPIC = 'SELF_TEST_TOPIC';
export const OFFSET_MOVED_EVENT = 'OFFSET_MOVED_EVENT';
export const BENCHMARK_TOPIC = 'BenchmarkTest';
export const TIMER_TOPIC = 'rmq_sys_wheel_timer';

/** Topics of the system itself; topics with the prefix `rmq_sys_` belong to it too ({@link isSystemTopic}). */
export const SystemTopics: ReadonlySet<string> = new Set([
  AUTO_CREATE_TOPIC,
  SCHEDULE_TOPIC,
  BENCHMARK_TOPIC,
  TRANS_HALF_TOPIC,
  TRACE_TOPIC,
  TRANS_OP_HALF_TOPIC,
  TRANS_CHECK_MAX_TIME_TOPIC,
  SELF_TEST_TOPIC,
  OFFSET_MOVED_EVENT,
  'CHECKPOINT_TOPIC',
]);

const NOT_ALLOWED_SEND_TOPICS: ReadonlySet<string> = new Set([
  SCHEDULE_TOPIC,
  TRANS_HALF_TOPIC,
  TRANS_OP_HALF_TOPIC,
  TRANS_CHECK_MAX_TIME_TOPIC,
  SELF_TEST_TOPIC,
  OFFSET_MOVED_EVENT,
]);

export const DEFAULT_PRODUCER_GROUP = 'DEFAULT_PRODUCER';
export const DEFAULT_CONSUMER_GROUP = 'DEFAULT_CONSUMER';
export const TOOLS_CONSUMER_GROUP = 'TOOLS_CONSUMER';
export const CLIENT_INNER_PRODUCER_GROUP = 'CLIENT_INNER_PRODUCER';

/** Groups that RocketMQ predefines. Follows the constants of `MixAll.java`. */
export const SystemGroups: ReadonlySet<string> = new Set([
  DEFAULT_CONSUMER_GROUP,
  DEFAULT_PRODUCER_GROUP,
  TOOLS_CONSUMER_GROUP,
  'SCHEDULE_CONSUMER',
  'FILTERSRV_CONSUMER',
  '__MONITOR_CONSUMER',
  CLIENT_INNER_PRODUCER_GROUP,
  'SELF_TEST_P_GROUP',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_ONSAPI_PULL',
  'CID_RMQ_SYS_TRANS',
]);

/** Namespace of KV configuration that holds order topics. */
export const NAMESPACE_ORDER_TOPIC_CONFIG = 'ORDER_TOPIC_CONFIG';

/** Broker id of a master. */
export const MASTER_ID = 0;

export function isSystemTopic(topic: string): boolean {
  return SystemTopics.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX);
}

/** True for topics that only the broker itself writes. */
export function isNotAllowedSendTopic(topic: string): boolean {
  return NOT_ALLOWED_SEND_TOPICS.has(topic);
}

export function isSystemGroup(group: string): boolean {
  return SystemGroups.has(group) || group.startsWith(CID_RMQ_SYS_PREFIX);
}

export function retryTopicOf(group: string): string {
  return RETRY_GROUP_TOPIC_PREFIX + group;
}

export function dlqTopicOf(group: string): string {
  return DLQ_GROUP_TOPIC_PREFIX + group;
}

export function isRetryTopic(topic: string): boolean {
  return topic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
}

export function isDlqTopic(topic: string): boolean {
  return topic.startsWith(DLQ_GROUP_TOPIC_PREFIX);
}

export function replyTopicOf(cluster: string): string {
  return `${cluster}_${REPLY_TOPIC_POSTFIX}`;
}
