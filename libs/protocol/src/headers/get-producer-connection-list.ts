import { defineHeader, text } from './header-codec.js';

/**
 * GET_PRODUCER_CONNECTION_LIST (204): Members of a producer group: response body `ProducerConnection`; SYSTEM_ERROR (1) when it has none.
 *
 * Follows `remoting/protocol/header/GetProducerConnectionListRequestHeader.java`.
 */
export interface GetProducerConnectionListRequest {
  producerGroup: string;
}

const requestCodec = defineHeader<GetProducerConnectionListRequest>({
  producerGroup: text,
});

export const decodeGetProducerConnectionListRequest = requestCodec.decode;
export const encodeGetProducerConnectionListRequest = requestCodec.encode;
