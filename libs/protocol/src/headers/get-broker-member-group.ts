import { defineHeader, text } from './header-codec.js';

/**
 * GET_BROKER_MEMBER_GROUP (901): Brokers of one name: response body `BrokerMemberGroup`.
 *
 * Follows `remoting/protocol/header/namesrv/GetBrokerMemberGroupRequestHeader.java`.
 */
export interface GetBrokerMemberGroupRequest {
  clusterName: string;
  brokerName: string;
}

const requestCodec = defineHeader<GetBrokerMemberGroupRequest>({
  clusterName: text,
  brokerName: text,
});

export const decodeGetBrokerMemberGroupRequest = requestCodec.decode;
export const encodeGetBrokerMemberGroupRequest = requestCodec.encode;
