import { isRetryTopic, RETRY_GROUP_TOPIC_PREFIX } from './names.js';

/** Revive queue id that marks messages popped in order: they have no check point (`KeyBuilder.POP_ORDER_REVIVE_QUEUE`). */
export const POP_ORDER_REVIVE_QUEUE = 999;

/** Group under which the revive service keeps its progress. */
export const POP_REVIVE_GROUP = 'CID_RMQ_SYS_REVIVE_GROUP';

/** Where a popped message stands: `0` the topic itself, `1` the pop retry topic of form 1, `2` that of form 2. */
export type PopRetryFlag = '0' | '1' | '2';

/** What the names of revive topics begin with; the cluster's name follows. */
export const REVIVE_TOPIC_PREFIX = 'rmq_sys_REVIVE_LOG_';

/** The topic of check points and acknowledgements of a cluster's brokers. Source: `common/PopAckConstants.java`. */
export function reviveTopicOf(cluster: string): string {
  return REVIVE_TOPIC_PREFIX + cluster;
}

/**
 * The topic into which messages of a topic go that a group popped and did not acknowledge: `%RETRY%group_topic`, in its second form
 * `%RETRY%group+topic`, which can be taken apart again. Source: `common/KeyBuilder.java`.
 */
export function popRetryTopicOf(topic: string, group: string, version: 1 | 2): string {
  return `${RETRY_GROUP_TOPIC_PREFIX}${group}${version === 2 ? '+' : '_'}${topic}`;
}

export function isPopRetryTopicV2(topic: string): boolean {
  return isRetryTopic(topic) && topic.includes('+');
}

/** The flag that stands for a stored topic in extra infos; every retry topic that is not of form 2 counts as form 1. */
export function popRetryFlagOf(topic: string): PopRetryFlag {
  if (!isRetryTopic(topic)) return '0';
  return topic.includes('+') ? '2' : '1';
}

/** The stored topic that a flag stands for. */
export function popRealTopicOf(topic: string, group: string, retry: PopRetryFlag): string {
  return retry === '0' ? topic : popRetryTopicOf(topic, group, retry === '2' ? 2 : 1);
}

/** The topic that a group's pop retry topic belongs to; a topic that is none comes back as it is. */
export function popNormalTopicOf(topic: string, group: string): string {
  const prefix = `${RETRY_GROUP_TOPIC_PREFIX}${group}`;
  if (!topic.startsWith(prefix)) return topic;
  const separator = topic[prefix.length];
  return separator === '+' || separator === '_' ? topic.slice(prefix.length + 1) : topic;
}

/** Group and topic of a pop retry topic of form 2; undefined for every other topic. */
export function parsePopRetryTopicV2(topic: string): { group: string; topic: string } | undefined {
  if (!isPopRetryTopicV2(topic)) return undefined;
  const parts = topic.slice(RETRY_GROUP_TOPIC_PREFIX.length).split('+');
  return parts.length === 2 ? { group: parts[0], topic: parts[1] } : undefined;
}
