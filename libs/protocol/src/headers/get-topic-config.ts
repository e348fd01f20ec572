import { boolOr, defineHeader, text } from './header-codec.js';

/**
 * GET_TOPIC_CONFIG (351): Configuration of one topic: response body `TopicConfig`; 17 when it does not exist.
 *
 * Follows `remoting/protocol/header/GetTopicConfigRequestHeader.java`.
 */
export interface GetTopicConfigRequest {
  topic: string;
  /** True: the mapping of a static topic is asked for too. */
  lo: boolean;
}

const requestCodec = defineHeader<GetTopicConfigRequest>({
  topic: text,
  lo: boolOr(false),
});

export const decodeGetTopicConfigRequest = requestCodec.decode;
export const encodeGetTopicConfigRequest = requestCodec.encode;
