import { boolOr, defineHeader, int64, text } from './header-codec.js';

/**
 * QUERY_DATA_VERSION (322): Asks a namesrv whether it knows the broker's topics as they are; both bodies are a `DataVersion`. Counts as a sign of life.
 *
 * Follows `remoting/protocol/header/namesrv/QueryDataVersionRequestHeader.java`.
 */
export interface QueryDataVersionRequest {
  brokerName: string;
  brokerAddr: string;
  clusterName: string;
  brokerId: number;
}

const requestCodec = defineHeader<QueryDataVersionRequest>({
  brokerName: text,
  brokerAddr: text,
  clusterName: text,
  brokerId: int64,
});

export const decodeQueryDataVersionRequest = requestCodec.decode;
export const encodeQueryDataVersionRequest = requestCodec.encode;

/** QUERY_DATA_VERSION (322), response. */
export interface QueryDataVersionResponse {
  changed: boolean;
}

const responseCodec = defineHeader<QueryDataVersionResponse>({
  changed: boolOr(true),
});

export const decodeQueryDataVersionResponse = responseCodec.decode;
export const encodeQueryDataVersionResponse = responseCodec.encode;
