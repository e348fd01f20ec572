import { GROUP_MAX_LENGTH, RETRY_TOPIC_MAX_BYTES, TOPIC_MAX_BYTES } from '../defaults.js';
import { isDlqTopic, isRetryTopic } from './names.js';

const LEGAL = /^[%|a-zA-Z0-9_-]+$/;

/**
 * Checks a topic name the way brokers and clients do.
 *
 * Follows `common/topic/TopicValidator.java`, whose remarks it uses.
 * @returns undefined when the name is good, else what is wrong with it
 */
export function validateTopic(topic: string | undefined): string | undefined {
  if (topic === undefined || topic.trim() === '') return 'The specified topic is blank.';
  if (!LEGAL.test(topic))
    return `The specified topic: ${topic}, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$`;
  if (isRetryTopic(topic) || isDlqTopic(topic)) {
    if (topic.length <= RETRY_TOPIC_MAX_BYTES) return undefined;
    return `The specified topic is DLQ or Retry topic: ${topic}, and it's longer than topic max length: ${RETRY_TOPIC_MAX_BYTES}`;
  }
  if (topic.length <= TOPIC_MAX_BYTES) return undefined;
  return `The specified topic: ${topic}, is longer than topic max length: ${TOPIC_MAX_BYTES}`;
}

/** The same for group names. */
export function validateGroup(group: string | undefined): string | undefined {
  if (group === undefined || group.trim() === '') return 'The specified group is blank.';
  if (!LEGAL.test(group))
    return `The specified group: ${group}, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$`;
  if (group.length <= GROUP_MAX_LENGTH) return undefined;
  return `The specified group: ${group}, is longer than group max length: ${GROUP_MAX_LENGTH}`;
}
