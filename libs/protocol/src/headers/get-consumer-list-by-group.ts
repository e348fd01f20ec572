import { defineHeader, text } from './header-codec.js';

/**
 * GET_CONSUMER_LIST_BY_GROUP (38): Client ids of the members of a group: response body `GetConsumerListByGroupResponseBody`; SYSTEM_ERROR (1) when it has none.
 *
 * Follows `remoting/protocol/header/GetConsumerListByGroupRequestHeader.java`.
 */
export interface GetConsumerListByGroupRequest {
  consumerGroup: string;
}

const requestCodec = defineHeader<GetConsumerListByGroupRequest>({
  consumerGroup: text,
});

export const decodeGetConsumerListByGroupRequest = requestCodec.decode;
export const encodeGetConsumerListByGroupRequest = requestCodec.encode;
