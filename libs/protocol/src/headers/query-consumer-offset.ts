import { defineHeader, int32, int64, optionalBool, text } from './header-codec.js';

/**
 * QUERY_CONSUMER_OFFSET (14): Committed offset of a group in a queue; QUERY_NOT_FOUND (22) when it has none. No body.
 *
 * Follows `remoting/protocol/header/QueryConsumerOffsetRequestHeader.java`.
 */
export interface QueryConsumerOffsetRequest {
  consumerGroup: string;
  topic: string;
  queueId: number;
  /** False: never answer 0 for a group without offset. Absent before 5.0. */
  setZeroIfNotFound?: boolean | undefined;
}

const requestCodec = defineHeader<QueryConsumerOffsetRequest>({
  consumerGroup: text,
  topic: text,
  queueId: int32,
  setZeroIfNotFound: optionalBool,
});

export const decodeQueryConsumerOffsetRequest = requestCodec.decode;
export const encodeQueryConsumerOffsetRequest = requestCodec.encode;

/** QUERY_CONSUMER_OFFSET (14), response. */
export interface QueryConsumerOffsetResponse {
  offset: number;
}

const responseCodec = defineHeader<QueryConsumerOffsetResponse>({
  offset: int64,
});

export const decodeQueryConsumerOffsetResponse = responseCodec.decode;
export const encodeQueryConsumerOffsetResponse = responseCodec.encode;
