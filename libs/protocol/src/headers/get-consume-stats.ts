import { defineHeader, optionalText, text } from './header-codec.js';

/**
 * GET_CONSUME_STATS (208): How far a group is in its queues: response body `ConsumeStats`.
 *
 * Follows `remoting/protocol/header/GetConsumeStatsRequestHeader.java`.
 */
export interface GetConsumeStatsRequest {
  consumerGroup: string;
  topic?: string | undefined;
  /** `;`-separated; given: only these. */
  topicList?: string | undefined;
}

const requestCodec = defineHeader<GetConsumeStatsRequest>({
  consumerGroup: text,
  topic: optionalText,
  topicList: optionalText,
});

export const decodeGetConsumeStatsRequest = requestCodec.decode;
export const encodeGetConsumeStatsRequest = requestCodec.encode;
