import { defineHeader, int64, optionalText } from './header-codec.js';

/**
 * VIEW_MESSAGE_BY_ID (33): One stored message by its commit log offset: response body = the record. No request body.
 *
 * Follows `remoting/protocol/header/ViewMessageRequestHeader.java`.
 */
export interface ViewMessageByIdRequest {
  /** Commit log offset. */
  offset: number;
  /** Sent by 5.x clients. */
  topic?: string | undefined;
}

const requestCodec = defineHeader<ViewMessageByIdRequest>({
  offset: int64,
  topic: optionalText,
});

export const decodeViewMessageByIdRequest = requestCodec.decode;
export const encodeViewMessageByIdRequest = requestCodec.encode;
