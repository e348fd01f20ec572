import { boolOr, defineHeader, text } from './header-codec.js';

/**
 * GET_ROUTEINFO_BY_TOPIC (105): Where a topic's queues are: response body `TopicRouteData`; TOPIC_NOT_EXIST (17) when nobody has it.
 *
 * Follows `remoting/protocol/header/namesrv/GetRouteInfoRequestHeader.java`.
 */
export interface GetRouteInfoByTopicRequest {
  topic: string;
  /** True: quote numeric keys, as for versions from 4.9.4 on. */
  acceptStandardJsonOnly: boolean;
}

const requestCodec = defineHeader<GetRouteInfoByTopicRequest>({
  topic: text,
  acceptStandardJsonOnly: boolOr(false),
});

export const decodeGetRouteInfoByTopicRequest = requestCodec.decode;
export const encodeGetRouteInfoByTopicRequest = requestCodec.encode;
