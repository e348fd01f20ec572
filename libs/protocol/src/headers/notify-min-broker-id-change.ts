import { defineHeader, optionalInt64, optionalText } from './header-codec.js';

/**
 * NOTIFY_MIN_BROKER_ID_CHANGE (905): A namesrv tells the members of a broker group that its smallest id changed. Oneway, no body.
 *
 * Follows `remoting/protocol/header/NotifyMinBrokerIdChangeRequestHeader.java`.
 */
export interface NotifyMinBrokerIdChangeRequest {
  minBrokerId?: number | undefined;
  brokerName?: string | undefined;
  minBrokerAddr?: string | undefined;
  /** Who left; absent when somebody came. */
  offlineBrokerAddr?: string | undefined;
  /** Replication address of who came. */
  haBrokerAddr?: string | undefined;
}

const requestCodec = defineHeader<NotifyMinBrokerIdChangeRequest>({
  minBrokerId: optionalInt64,
  brokerName: optionalText,
  minBrokerAddr: optionalText,
  offlineBrokerAddr: optionalText,
  haBrokerAddr: optionalText,
});

export const decodeNotifyMinBrokerIdChangeRequest = requestCodec.decode;
export const encodeNotifyMinBrokerIdChangeRequest = requestCodec.encode;
