import { defineHeader, text } from './header-codec.js';

/**
 * QUERY_TOPIC_CONSUME_BY_WHO (300): Groups that read a topic: response body `GroupList`.
 *
 * Follows `remoting/protocol/header/QueryTopicConsumeByWhoRequestHeader.java`.
 */
export interface QueryTopicConsumeByWhoRequest {
  topic: string;
}

const requestCodec = defineHeader<QueryTopicConsumeByWhoRequest>({
  topic: text,
});

export const decodeQueryTopicConsumeByWhoRequest = requestCodec.decode;
export const encodeQueryTopicConsumeByWhoRequest = requestCodec.encode;
