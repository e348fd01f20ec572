import { defineHeader, text } from './header-codec.js';

/**
 * QUERY_TOPICS_BY_CONSUMER (343): Topics a group has committed offsets of: response body `TopicList`.
 *
 * Follows `remoting/protocol/header/QueryTopicsByConsumerRequestHeader.java`.
 */
export interface QueryTopicsByConsumerRequest {
  group: string;
}

const requestCodec = defineHeader<QueryTopicsByConsumerRequest>({
  group: text,
});

export const decodeQueryTopicsByConsumerRequest = requestCodec.decode;
export const encodeQueryTopicsByConsumerRequest = requestCodec.encode;
