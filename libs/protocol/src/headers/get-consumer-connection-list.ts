import { defineHeader, text } from './header-codec.js';

/**
 * GET_CONSUMER_CONNECTION_LIST (203): Members of a consumer group: response body `ConsumerConnection`; CONSUMER_NOT_ONLINE (206) when it has none.
 *
 * Follows `remoting/protocol/header/GetConsumerConnectionListRequestHeader.java`.
 */
export interface GetConsumerConnectionListRequest {
  consumerGroup: string;
}

const requestCodec = defineHeader<GetConsumerConnectionListRequest>({
  consumerGroup: text,
});

export const decodeGetConsumerConnectionListRequest = requestCodec.decode;
export const encodeGetConsumerConnectionListRequest = requestCodec.encode;
