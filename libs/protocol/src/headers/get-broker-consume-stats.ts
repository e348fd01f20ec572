import { boolOr, defineHeader } from './header-codec.js';

/**
 * GET_BROKER_CONSUME_STATS (317): Where every group of the broker stands: response body `ConsumeStatsList`.
 *
 * Follows `remoting/protocol/header/GetConsumeStatsInBrokerHeader.java`.
 */
export interface GetBrokerConsumeStatsRequest {
  /** True: ordered topics only. */
  isOrder: boolean;
}

const requestCodec = defineHeader<GetBrokerConsumeStatsRequest>({ isOrder: boolOr(false) });

export const decodeGetBrokerConsumeStatsRequest = requestCodec.decode;
export const encodeGetBrokerConsumeStatsRequest = requestCodec.encode;
