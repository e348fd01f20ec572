import { boolOr, defineHeader, int32, int64, text } from './header-codec.js';

/**
 * GET_MAX_OFFSET (30): End of a queue: the offset the next message will get. No body.
 *
 * Follows `remoting/protocol/header/GetMaxOffsetRequestHeader.java`.
 */
export interface GetMaxOffsetRequest {
  topic: string;
  queueId: number;
  /** Sent by 5.x clients; the Java broker ignores it. */
  committed: boolean;
}

const requestCodec = defineHeader<GetMaxOffsetRequest>({
  topic: text,
  queueId: int32,
  committed: boolOr(true),
});

export const decodeGetMaxOffsetRequest = requestCodec.decode;
export const encodeGetMaxOffsetRequest = requestCodec.encode;

/** GET_MAX_OFFSET (30), response. */
export interface GetMaxOffsetResponse {
  offset: number;
}

const responseCodec = defineHeader<GetMaxOffsetResponse>({
  offset: int64,
});

export const decodeGetMaxOffsetResponse = responseCodec.decode;
export const encodeGetMaxOffsetResponse = responseCodec.encode;
