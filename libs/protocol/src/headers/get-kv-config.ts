import { defineHeader, optionalText, text } from './header-codec.js';

/**
 * GET_KV_CONFIG (101): Reads an entry; QUERY_NOT_FOUND (22) when there is none. No body.
 *
 * Follows `remoting/protocol/header/namesrv/GetKVConfigRequestHeader.java`.
 */
export interface GetKvConfigRequest {
  namespace: string;
  key: string;
}

const requestCodec = defineHeader<GetKvConfigRequest>({
  namespace: text,
  key: text,
});

export const decodeGetKvConfigRequest = requestCodec.decode;
export const encodeGetKvConfigRequest = requestCodec.encode;

/** GET_KV_CONFIG (101), response. */
export interface GetKvConfigResponse {
  value?: string | undefined;
}

const responseCodec = defineHeader<GetKvConfigResponse>({
  value: optionalText,
});

export const decodeGetKvConfigResponse = responseCodec.decode;
export const encodeGetKvConfigResponse = responseCodec.encode;
