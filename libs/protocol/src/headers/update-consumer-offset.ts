import { defineHeader, int32, int64, text } from './header-codec.js';

/**
 * UPDATE_CONSUMER_OFFSET (15): Commits the offset of a group in a queue, mostly oneway. No body, no response fields.
 *
 * Follows `remoting/protocol/header/UpdateConsumerOffsetRequestHeader.java`.
 */
export interface UpdateConsumerOffsetRequest {
  consumerGroup: string;
  topic: string;
  queueId: number;
  /** Next offset the group wants. */
  commitOffset: number;
}

const requestCodec = defineHeader<UpdateConsumerOffsetRequest>({
  consumerGroup: text,
  topic: text,
  queueId: int32,
  commitOffset: int64,
});

export const decodeUpdateConsumerOffsetRequest = requestCodec.decode;
export const encodeUpdateConsumerOffsetRequest = requestCodec.encode;
