import { defineHeader, int32, text } from './header-codec.js';

/**
 * PEEK_MESSAGE (200052): the next messages of a group without taking them. The response has the fields of a pop's.
 *
 * Follows `remoting/protocol/header/PeekMessageRequestHeader.java`.
 */
export interface PeekMessageRequest {
  consumerGroup: string;
  topic: string;
  /** Negative: any queue of the topic. */
  queueId: number;
  maxMsgNums: number;
}

const requestCodec = defineHeader<PeekMessageRequest>({
  consumerGroup: text,
  topic: text,
  queueId: int32,
  maxMsgNums: int32,
});

export const decodePeekMessageRequest = requestCodec.decode;
export const encodePeekMessageRequest = requestCodec.encode;
