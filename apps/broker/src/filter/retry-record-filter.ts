import {
  findProperty,
  isRetryTopic,
  MessageConst,
  parsePopRetryTopicV2,
  propertiesPosition,
  RETRY_GROUP_TOPIC_PREFIX,
} from '@rocknest/protocol';
import type { ConsumerManager } from '../clients/consumer-manager.js';
import type { RecordFilter } from '../clients/subscription.js';

/**
 * The filter of a retry topic that is subscribed by SQL92 (`filterSupportRetry`): each message is asked what the group's subscription to the
 * topic says that it came from. What has no such subscription passes.
 *
 * Follows `broker/filter/ExpressionForRetryMessageFilter.java`.
 *
 * @returns undefined for any other topic.
 */
export function retryRecordFilter(topic: string, consumers: ConsumerManager): RecordFilter | undefined {
  if (!isRetryTopic(topic)) return undefined;
  const group = parsePopRetryTopicV2(topic)?.group ?? topic.slice(RETRY_GROUP_TOPIC_PREFIX.length);
  return (bytes, at, sizeBytes) => {
    const properties = bytes.toString('utf8', propertiesPosition(bytes, at), at + sizeBytes);
    const origin = findProperty(properties, MessageConst.RETRY_TOPIC);
    const subscription = origin === undefined ? undefined : consumers.findSubscription(group, origin);
    return subscription?.matchesRecord?.(bytes, at, sizeBytes) ?? true;
  };
}
