import { boolOr, defineHeader, int32, int64, int64OrBound, named, optionalText, text } from './header-codec.js';

/**
 * QUERY_MESSAGE (12): Stored messages by key: response body = records; QUERY_NOT_FOUND (22) when none matches.
 *
 * Follows `remoting/protocol/header/QueryMessageRequestHeader.java`.
 */
export interface QueryMessageRequest {
  topic: string;
  key: string;
  maxNum: number;
  beginTimestamp: number;
  /** Java clients send Long.MAX_VALUE for "no end". */
  endTimestamp: number;
  /** Sent by 5.x clients: K (KEYS), U (UNIQ_KEY) or T (TAGS). */
  indexType?: string | undefined;
  /** Sent by 5.x clients: where a query in pages goes on; only RocketMQ's RocksDB index knows pages. */
  lastKey?: string | undefined;
  /** True: `key` is a UNIQ_KEY. */
  uniqueKeyQuery: boolean;
}

const requestCodec = defineHeader<QueryMessageRequest>({
  topic: text,
  key: text,
  maxNum: int32,
  beginTimestamp: int64OrBound,
  endTimestamp: int64OrBound,
  indexType: optionalText,
  lastKey: optionalText,
  uniqueKeyQuery: named('_UNIQUE_KEY_QUERY', boolOr(false)),
});

export const decodeQueryMessageRequest = requestCodec.decode;
export const encodeQueryMessageRequest = requestCodec.encode;

/** QUERY_MESSAGE (12), response. */
export interface QueryMessageResponse {
  indexLastUpdateTimestamp: number;
  indexLastUpdatePhyoffset: number;
}

const responseCodec = defineHeader<QueryMessageResponse>({
  indexLastUpdateTimestamp: int64,
  indexLastUpdatePhyoffset: int64,
});

export const decodeQueryMessageResponse = responseCodec.decode;
export const encodeQueryMessageResponse = responseCodec.encode;
