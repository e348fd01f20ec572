import { defineHeader, text } from './header-codec.js';

/**
 * NOTIFY_CONSUMER_IDS_CHANGED (40): Broker to client, oneway: the members of a group changed, rebalance now. No body.
 *
 * Follows `remoting/protocol/header/NotifyConsumerIdsChangedRequestHeader.java`.
 */
export interface NotifyConsumerIdsChangedRequest {
  consumerGroup: string;
}

const requestCodec = defineHeader<NotifyConsumerIdsChangedRequest>({
  consumerGroup: text,
});

export const decodeNotifyConsumerIdsChangedRequest = requestCodec.decode;
export const encodeNotifyConsumerIdsChangedRequest = requestCodec.encode;
