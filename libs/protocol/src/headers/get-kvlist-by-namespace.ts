import { defineHeader, text } from './header-codec.js';

/**
 * GET_KVLIST_BY_NAMESPACE (219): All entries of a namespace: response body `KVTable`; QUERY_NOT_FOUND (22) when there are none.
 *
 * Follows `remoting/protocol/header/namesrv/GetKVListByNamespaceRequestHeader.java`.
 */
export interface GetKvListByNamespaceRequest {
  namespace: string;
}

const requestCodec = defineHeader<GetKvListByNamespaceRequest>({
  namespace: text,
});

export const decodeGetKvListByNamespaceRequest = requestCodec.decode;
export const encodeGetKvListByNamespaceRequest = requestCodec.encode;
