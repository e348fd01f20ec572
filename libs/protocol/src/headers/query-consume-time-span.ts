import { defineHeader, text } from './header-codec.js';

/**
 * QUERY_CONSUME_TIME_SPAN (303): From when the messages of each queue are, and up to when a group has consumed them: response body `ConsumeTimeSpans`.
 *
 * Follows `remoting/protocol/header/QueryConsumeTimeSpanRequestHeader.java`.
 */
export interface QueryConsumeTimeSpanRequest {
  topic: string;
  group: string;
}

const requestCodec = defineHeader<QueryConsumeTimeSpanRequest>({ topic: text, group: text });

export const decodeQueryConsumeTimeSpanRequest = requestCodec.decode;
export const encodeQueryConsumeTimeSpanRequest = requestCodec.encode;
