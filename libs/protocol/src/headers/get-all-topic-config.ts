import { defineHeader, optionalInt32, optionalText } from './header-codec.js';

/**
 * GET_ALL_TOPIC_CONFIG (21): All topics of a broker: response body `TopicConfigSerializeWrapper`. Clients after 5.3.3 read page by page when the response has `totalTopicNum`.
 *
 * Follows `remoting/protocol/header/GetAllTopicConfigResponseHeader.java`.
 */
export interface GetAllTopicConfigRequest {
  /** First topic of the page, by name order. */
  topicSeq?: number | undefined;
  dataVersion?: string | undefined;
  maxTopicNum?: number | undefined;
}

const requestCodec = defineHeader<GetAllTopicConfigRequest>({
  topicSeq: optionalInt32,
  dataVersion: optionalText,
  maxTopicNum: optionalInt32,
});

export const decodeGetAllTopicConfigRequest = requestCodec.decode;
export const encodeGetAllTopicConfigRequest = requestCodec.encode;

/** GET_ALL_TOPIC_CONFIG (21), response. */
export interface GetAllTopicConfigResponse {
  totalTopicNum?: number | undefined;
}

const responseCodec = defineHeader<GetAllTopicConfigResponse>({
  totalTopicNum: optionalInt32,
});

export const decodeGetAllTopicConfigResponse = responseCodec.decode;
export const encodeGetAllTopicConfigResponse = responseCodec.encode;
