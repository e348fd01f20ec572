import { defineHeader, optionalText, text } from './header-codec.js';

/**
 * UNREGISTER_CLIENT (35): A client leaves a producer group, a consumer group or both. No body, no response fields.
 *
 * Follows `remoting/protocol/header/UnregisterClientRequestHeader.java`.
 */
export interface UnregisterClientRequest {
  clientID: string;
  producerGroup?: string | undefined;
  consumerGroup?: string | undefined;
}

const requestCodec = defineHeader<UnregisterClientRequest>({
  clientID: text,
  producerGroup: optionalText,
  consumerGroup: optionalText,
});

export const decodeUnregisterClientRequest = requestCodec.decode;
export const encodeUnregisterClientRequest = requestCodec.encode;
