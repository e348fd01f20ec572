import { defineHeader, text } from './header-codec.js';

/**
 * DELETE_KV_CONFIG (102): Removes an entry. No body, no response fields.
 *
 * Follows `remoting/protocol/header/namesrv/DeleteKVConfigRequestHeader.java`.
 */
export interface DeleteKvConfigRequest {
  namespace: string;
  key: string;
}

const requestCodec = defineHeader<DeleteKvConfigRequest>({
  namespace: text,
  key: text,
});

export const decodeDeleteKvConfigRequest = requestCodec.decode;
export const encodeDeleteKvConfigRequest = requestCodec.encode;
