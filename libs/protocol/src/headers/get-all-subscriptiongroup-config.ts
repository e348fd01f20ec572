import { defineHeader, optionalInt32, optionalText } from './header-codec.js';

/**
 * GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201): All groups of a broker: response body `SubscriptionGroupWrapper`. Paged as GET_ALL_TOPIC_CONFIG.
 *
 * Follows `remoting/protocol/header/GetAllSubscriptionGroupResponseHeader.java`.
 */
export interface GetAllSubscriptionGroupConfigRequest {
  groupSeq?: number | undefined;
  dataVersion?: string | undefined;
  maxGroupNum?: number | undefined;
}

const requestCodec = defineHeader<GetAllSubscriptionGroupConfigRequest>({
  groupSeq: optionalInt32,
  dataVersion: optionalText,
  maxGroupNum: optionalInt32,
});

export const decodeGetAllSubscriptionGroupConfigRequest = requestCodec.decode;
export const encodeGetAllSubscriptionGroupConfigRequest = requestCodec.encode;

/** GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201), response. */
export interface GetAllSubscriptionGroupConfigResponse {
  totalGroupNum?: number | undefined;
}

const responseCodec = defineHeader<GetAllSubscriptionGroupConfigResponse>({
  totalGroupNum: optionalInt32,
});

export const decodeGetAllSubscriptionGroupConfigResponse = responseCodec.decode;
export const encodeGetAllSubscriptionGroupConfigResponse = responseCodec.encode;
