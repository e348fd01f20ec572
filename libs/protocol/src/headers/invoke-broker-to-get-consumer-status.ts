import { defineHeader, optionalText, text } from './header-codec.js';

/**
 * INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223): Offsets of a group as its members see them: response body `GetConsumerStatusBody`.
 *
 * Follows `remoting/protocol/header/GetConsumerStatusRequestHeader.java`.
 */
export interface InvokeBrokerToGetConsumerStatusRequest {
  topic: string;
  group: string;
  /** Client id; given: only this member. */
  clientAddr?: string | undefined;
}

const requestCodec = defineHeader<InvokeBrokerToGetConsumerStatusRequest>({
  topic: text,
  group: text,
  clientAddr: optionalText,
});

export const decodeInvokeBrokerToGetConsumerStatusRequest = requestCodec.decode;
export const encodeInvokeBrokerToGetConsumerStatusRequest = requestCodec.encode;
