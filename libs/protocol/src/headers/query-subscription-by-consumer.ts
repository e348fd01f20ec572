import { defineHeader, optionalText, text } from './header-codec.js';

/**
 * QUERY_SUBSCRIPTION_BY_CONSUMER (345): What a group that is online subscribes of a topic: response body `GroupSubscription`.
 *
 * Follows `remoting/protocol/header/QuerySubscriptionByConsumerRequestHeader.java`.
 */
export interface QuerySubscriptionByConsumerRequest {
  group: string;
  topic?: string | undefined;
}

const requestCodec = defineHeader<QuerySubscriptionByConsumerRequest>({ group: text, topic: optionalText });

export const decodeQuerySubscriptionByConsumerRequest = requestCodec.decode;
export const encodeQuerySubscriptionByConsumerRequest = requestCodec.encode;
