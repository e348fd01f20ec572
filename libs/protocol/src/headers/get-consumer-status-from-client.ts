import { defineHeader, text } from './header-codec.js';

/**
 * GET_CONSUMER_STATUS_FROM_CLIENT (221): Broker to client: response body `GetConsumerStatusBody` with its queues and offsets.
 *
 * Follows `remoting/protocol/header/GetConsumerStatusRequestHeader.java`.
 */
export interface GetConsumerStatusFromClientRequest {
  topic: string;
  group: string;
}

const requestCodec = defineHeader<GetConsumerStatusFromClientRequest>({
  topic: text,
  group: text,
});

export const decodeGetConsumerStatusFromClientRequest = requestCodec.decode;
export const encodeGetConsumerStatusFromClientRequest = requestCodec.encode;
