import { defineHeader, optionalText, text } from './header-codec.js';

/**
 * RECALL_MESSAGE (370): takes back a timer message that is not due yet. No request body.
 *
 * Follows `remoting/protocol/header/RecallMessageRequestHeader.java`.
 */
export interface RecallMessageRequest {
  producerGroup?: string | undefined;
  topic: string;
  /** From the answer to the send. */
  recallHandle: string;
  /** RocketMQ's short name `bname`, which its clients send with every request to a broker. */
  bname?: string | undefined;
}

const requestCodec = defineHeader<RecallMessageRequest>({
  producerGroup: optionalText,
  topic: text,
  recallHandle: text,
  bname: optionalText,
});

export const decodeRecallMessageRequest = requestCodec.decode;
export const encodeRecallMessageRequest = requestCodec.encode;

/** Follows `remoting/protocol/header/RecallMessageResponseHeader.java`. */
export interface RecallMessageResponse {
  /** UNIQ_KEY of the message that is taken back. */
  msgId: string;
}

const responseCodec = defineHeader<RecallMessageResponse>({ msgId: text });

export const decodeRecallMessageResponse = responseCodec.decode;
export const encodeRecallMessageResponse = responseCodec.encode;
