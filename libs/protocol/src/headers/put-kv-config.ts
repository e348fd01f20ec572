import { defineHeader, text, textOrEmpty } from './header-codec.js';

/**
 * PUT_KV_CONFIG (100): Sets an entry of the namesrv's configuration. No body, no response fields.
 *
 * Follows `remoting/protocol/header/namesrv/PutKVConfigRequestHeader.java`.
 */
export interface PutKvConfigRequest {
  namespace: string;
  key: string;
  value: string;
}

const requestCodec = defineHeader<PutKvConfigRequest>({
  namespace: text,
  key: text,
  value: textOrEmpty,
});

export const decodePutKvConfigRequest = requestCodec.decode;
export const encodePutKvConfigRequest = requestCodec.encode;
