import {
  boolOr,
  defineHeader,
  int32Or,
  int64,
  optionalBool,
  optionalInt64,
  optionalText,
  text,
  textOrEmpty,
} from './header-codec.js';

/**
 * REGISTER_BROKER (103): A broker tells a namesrv that it lives and which topics it has: request body `RegisterBrokerBody`, response body `KVTable` of order topics.
 *
 * Follows `remoting/protocol/header/namesrv/RegisterBrokerRequestHeader.java`.
 */
export interface RegisterBrokerRequest {
  brokerName: string;
  /** `ip:port` that clients connect to. */
  brokerAddr: string;
  clusterName: string;
  /** `ip:port` for slaves. */
  haServerAddr: string;
  /** 0 = master. */
  brokerId: number;
  /** How long the broker counts as alive without a sign of life; absent: the namesrv's default of 120 s. */
  heartbeatTimeoutMillis?: number | undefined;
  /** Absent: a 4.x broker. */
  enableActingMaster?: boolean | undefined;
  /** The body is deflated. Every 5.x broker says false even when it is, so look at the body. */
  compressed: boolean;
  /** CRC-32 of the body without its top bit; 0 = unchecked. */
  bodyCrc32: number;
}

const requestCodec = defineHeader<RegisterBrokerRequest>({
  brokerName: text,
  brokerAddr: text,
  clusterName: text,
  haServerAddr: textOrEmpty,
  brokerId: int64,
  heartbeatTimeoutMillis: optionalInt64,
  enableActingMaster: optionalBool,
  compressed: boolOr(false),
  bodyCrc32: int32Or(0),
});

export const decodeRegisterBrokerRequest = requestCodec.decode;
export const encodeRegisterBrokerRequest = requestCodec.encode;

/** REGISTER_BROKER (103), response. */
export interface RegisterBrokerResponse {
  /** Address from which a slave replicates. */
  haServerAddr?: string | undefined;
  /** Address of the broker's master. */
  masterAddr?: string | undefined;
}

const responseCodec = defineHeader<RegisterBrokerResponse>({
  haServerAddr: optionalText,
  masterAddr: optionalText,
});

export const decodeRegisterBrokerResponse = responseCodec.decode;
export const encodeRegisterBrokerResponse = responseCodec.encode;
