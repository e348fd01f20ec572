import { defineHeader, int32, int64, text } from './header-codec.js';

/**
 * GET_MIN_OFFSET (31): First offset a queue still holds. No body.
 *
 * Follows `remoting/protocol/header/GetMinOffsetRequestHeader.java`.
 */
export interface GetMinOffsetRequest {
  topic: string;
  queueId: number;
}

const requestCodec = defineHeader<GetMinOffsetRequest>({
  topic: text,
  queueId: int32,
});

export const decodeGetMinOffsetRequest = requestCodec.decode;
export const encodeGetMinOffsetRequest = requestCodec.encode;

/** GET_MIN_OFFSET (31), response. */
export interface GetMinOffsetResponse {
  offset: number;
}

const responseCodec = defineHeader<GetMinOffsetResponse>({
  offset: int64,
});

export const decodeGetMinOffsetResponse = responseCodec.decode;
export const encodeGetMinOffsetResponse = responseCodec.encode;
