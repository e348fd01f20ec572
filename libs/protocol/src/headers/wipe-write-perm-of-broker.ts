import { defineHeader, int32, text } from './header-codec.js';

/**
 * WIPE_WRITE_PERM_OF_BROKER (205): Makes all topics of a broker read-only in the routes. No body.
 *
 * Follows `remoting/protocol/header/namesrv/WipeWritePermOfBrokerRequestHeader.java`.
 */
export interface WipeWritePermOfBrokerRequest {
  brokerName: string;
}

const requestCodec = defineHeader<WipeWritePermOfBrokerRequest>({
  brokerName: text,
});

export const decodeWipeWritePermOfBrokerRequest = requestCodec.decode;
export const encodeWipeWritePermOfBrokerRequest = requestCodec.encode;

/** WIPE_WRITE_PERM_OF_BROKER (205), response. */
export interface WipeWritePermOfBrokerResponse {
  wipeTopicCount: number;
}

const responseCodec = defineHeader<WipeWritePermOfBrokerResponse>({
  wipeTopicCount: int32,
});

export const decodeWipeWritePermOfBrokerResponse = responseCodec.decode;
export const encodeWipeWritePermOfBrokerResponse = responseCodec.encode;
