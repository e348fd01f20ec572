import { defineHeader, int32, int32Or, text } from './header-codec.js';

/**
 * POLLING_INFO (200055): how many pops wait for a queue. No body.
 *
 * Follows `remoting/protocol/header/PollingInfoRequestHeader.java`.
 */
export interface PollingInfoRequest {
  consumerGroup: string;
  topic: string;
  /** Negative: those that wait for any queue of the topic. */
  queueId: number;
}

const requestCodec = defineHeader<PollingInfoRequest>({ consumerGroup: text, topic: text, queueId: int32 });

export const decodePollingInfoRequest = requestCodec.decode;
export const encodePollingInfoRequest = requestCodec.encode;

/** Follows `remoting/protocol/header/PollingInfoResponseHeader.java`. */
export interface PollingInfoResponse {
  pollingNum: number;
}

const responseCodec = defineHeader<PollingInfoResponse>({ pollingNum: int32Or(0) });

export const decodePollingInfoResponse = responseCodec.decode;
export const encodePollingInfoResponse = responseCodec.encode;
