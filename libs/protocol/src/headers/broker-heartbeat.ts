import { defineHeader, named, optionalInt32, optionalInt64, text } from './header-codec.js';

/**
 * BROKER_HEARTBEAT (904): A broker lives. No body, no response fields; mostly oneway.
 *
 * Follows `remoting/protocol/header/namesrv/BrokerHeartbeatRequestHeader.java`.
 */
export interface BrokerHeartbeatRequest {
  clusterName: string;
  brokerAddr: string;
  brokerName: string;
  brokerId?: number | undefined;
  epoch?: number | undefined;
  maxOffset?: number | undefined;
  confirmOffset?: number | undefined;
  /** Spelt so on the wire. */
  heartbeatTimeoutMillis?: number | undefined;
  electionPriority?: number | undefined;
}

const requestCodec = defineHeader<BrokerHeartbeatRequest>({
  clusterName: text,
  brokerAddr: text,
  brokerName: text,
  brokerId: optionalInt64,
  epoch: optionalInt32,
  maxOffset: optionalInt64,
  confirmOffset: optionalInt64,
  heartbeatTimeoutMillis: named('heartbeatTimeoutMills', optionalInt64),
  electionPriority: optionalInt32,
});

export const decodeBrokerHeartbeatRequest = requestCodec.decode;
export const encodeBrokerHeartbeatRequest = requestCodec.encode;
