import { defineHeader, int32, int32Or, int64, int64Or, text } from './header-codec.js';

/**
 * CHANGE_MESSAGE_INVISIBLETIME (200053): a popped message stays invisible for so long from now on. No body.
 *
 * Follows `remoting/protocol/header/ChangeInvisibleTimeRequestHeader.java`.
 */
export interface ChangeInvisibleTimeRequest {
  consumerGroup: string;
  /** The topic in which the message is stored: the pop retry topic for a message of it. */
  topic: string;
  queueId: number;
  /** Handle of the message (`PopExtraInfo`). */
  extraInfo: string;
  /** Queue offset of the message. */
  offset: number;
  /** Milliseconds from now on. */
  invisibleTime: number;
}

const requestCodec = defineHeader<ChangeInvisibleTimeRequest>({
  consumerGroup: text,
  topic: text,
  queueId: int32,
  extraInfo: text,
  offset: int64,
  invisibleTime: int64,
});

export const decodeChangeInvisibleTimeRequest = requestCodec.decode;
export const encodeChangeInvisibleTimeRequest = requestCodec.encode;

/** What the message's new handle is built of. Follows `remoting/protocol/header/ChangeInvisibleTimeResponseHeader.java`. */
export interface ChangeInvisibleTimeResponse {
  popTime: number;
  invisibleTime: number;
  reviveQid: number;
}

const responseCodec = defineHeader<ChangeInvisibleTimeResponse>({
  popTime: int64Or(0),
  invisibleTime: int64Or(0),
  reviveQid: int32Or(0),
});

export const decodeChangeInvisibleTimeResponse = responseCodec.decode;
export const encodeChangeInvisibleTimeResponse = responseCodec.encode;
