import { defineHeader, text } from './header-codec.js';

/**
 * GET_SUBSCRIPTIONGROUP_CONFIG (352): Configuration of one group: response body `SubscriptionGroupConfig`; 26 when it does not exist.
 *
 * Follows `remoting/protocol/header/GetSubscriptionGroupConfigRequestHeader.java`.
 */
export interface GetSubscriptionGroupConfigRequest {
  group: string;
}

const requestCodec = defineHeader<GetSubscriptionGroupConfigRequest>({
  group: text,
});

export const decodeGetSubscriptionGroupConfigRequest = requestCodec.decode;
export const encodeGetSubscriptionGroupConfigRequest = requestCodec.encode;
