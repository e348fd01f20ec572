import { defineHeader, int32, int64, text } from './header-codec.js';

/**
 * ACK_MESSAGE (200051): a popped message was handled. No body, no response fields.
 *
 * Follows `remoting/protocol/header/AckMessageRequestHeader.java`.
 */
export interface AckMessageRequest {
  consumerGroup: string;
  /** The topic in which the message is stored: the pop retry topic for a message of it. */
  topic: string;
  queueId: number;
  /** Handle of the message (`PopExtraInfo`). */
  extraInfo: string;
  /** Queue offset of the message. */
  offset: number;
}

const requestCodec = defineHeader<AckMessageRequest>({
  consumerGroup: text,
  topic: text,
  queueId: int32,
  extraInfo: text,
  offset: int64,
});

export const decodeAckMessageRequest = requestCodec.decode;
export const encodeAckMessageRequest = requestCodec.encode;
