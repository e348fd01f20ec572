import { defineHeader, text } from './header-codec.js';

/**
 * GET_TOPIC_STATS_INFO (202): Offsets and times of a topic's queues: response body `TopicStatsTable`; 17 when it does not exist.
 *
 * Follows `remoting/protocol/header/GetTopicStatsInfoRequestHeader.java`.
 */
export interface GetTopicStatsInfoRequest {
  topic: string;
}

const requestCodec = defineHeader<GetTopicStatsInfoRequest>({
  topic: text,
});

export const decodeGetTopicStatsInfoRequest = requestCodec.decode;
export const encodeGetTopicStatsInfoRequest = requestCodec.encode;
