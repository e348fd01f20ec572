import { defineHeader, int32, text } from './header-codec.js';

/**
 * ADD_WRITE_PERM_OF_BROKER (327): Makes all topics of a broker writable again in the routes. No body.
 *
 * Follows `remoting/protocol/header/namesrv/AddWritePermOfBrokerRequestHeader.java`.
 */
export interface AddWritePermOfBrokerRequest {
  brokerName: string;
}

const requestCodec = defineHeader<AddWritePermOfBrokerRequest>({
  brokerName: text,
});

export const decodeAddWritePermOfBrokerRequest = requestCodec.decode;
export const encodeAddWritePermOfBrokerRequest = requestCodec.encode;

/** ADD_WRITE_PERM_OF_BROKER (327), response. */
export interface AddWritePermOfBrokerResponse {
  addTopicCount: number;
}

const responseCodec = defineHeader<AddWritePermOfBrokerResponse>({
  addTopicCount: int32,
});

export const decodeAddWritePermOfBrokerResponse = responseCodec.decode;
export const encodeAddWritePermOfBrokerResponse = responseCodec.encode;
