import { defineHeader, int64, text } from './header-codec.js';

/**
 * UNREGISTER_BROKER (104): A broker leaves. No body, no response fields.
 *
 * Follows `remoting/protocol/header/namesrv/UnRegisterBrokerRequestHeader.java`.
 */
export interface UnregisterBrokerRequest {
  brokerName: string;
  brokerAddr: string;
  clusterName: string;
  brokerId: number;
}

const requestCodec = defineHeader<UnregisterBrokerRequest>({
  brokerName: text,
  brokerAddr: text,
  clusterName: text,
  brokerId: int64,
});

export const decodeUnregisterBrokerRequest = requestCodec.decode;
export const encodeUnregisterBrokerRequest = requestCodec.encode;
