import { defineHeader, int32, int64, text } from './header-codec.js';

/**
 * GET_EARLIEST_MSG_STORETIME (32): Store time of the first message a queue still holds. No body.
 *
 * Follows `remoting/protocol/header/GetEarliestMsgStoretimeRequestHeader.java`.
 */
export interface GetEarliestMsgStoretimeRequest {
  topic: string;
  queueId: number;
}

const requestCodec = defineHeader<GetEarliestMsgStoretimeRequest>({
  topic: text,
  queueId: int32,
});

export const decodeGetEarliestMsgStoretimeRequest = requestCodec.decode;
export const encodeGetEarliestMsgStoretimeRequest = requestCodec.encode;

/** GET_EARLIEST_MSG_STORETIME (32), response. */
export interface GetEarliestMsgStoretimeResponse {
  /** Milliseconds since 1970, -1 when the queue is empty. */
  timestamp: number;
}

const responseCodec = defineHeader<GetEarliestMsgStoretimeResponse>({
  timestamp: int64,
});

export const decodeGetEarliestMsgStoretimeResponse = responseCodec.decode;
export const encodeGetEarliestMsgStoretimeResponse = responseCodec.encode;
