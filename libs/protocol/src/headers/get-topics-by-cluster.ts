import { defineHeader, text } from './header-codec.js';

/**
 * GET_TOPICS_BY_CLUSTER (224): Topics of a cluster: response body `TopicList`.
 *
 * Follows `remoting/protocol/header/GetTopicsByClusterRequestHeader.java`.
 */
export interface GetTopicsByClusterRequest {
  cluster: string;
}

const requestCodec = defineHeader<GetTopicsByClusterRequest>({
  cluster: text,
});

export const decodeGetTopicsByClusterRequest = requestCodec.decode;
export const encodeGetTopicsByClusterRequest = requestCodec.encode;
