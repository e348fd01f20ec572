import { boolOr, defineHeader, text } from './header-codec.js';

/**
 * GET_CONSUMER_RUNNING_INFO (307): State of one member, forwarded by the broker to it: response body `ConsumerRunningInfo`.
 *
 * Follows `remoting/protocol/header/GetConsumerRunningInfoRequestHeader.java`.
 */
export interface GetConsumerRunningInfoRequest {
  consumerGroup: string;
  clientId: string;
  jstackEnable: boolean;
}

const requestCodec = defineHeader<GetConsumerRunningInfoRequest>({
  consumerGroup: text,
  clientId: text,
  jstackEnable: boolOr(false),
});

export const decodeGetConsumerRunningInfoRequest = requestCodec.decode;
export const encodeGetConsumerRunningInfoRequest = requestCodec.encode;
