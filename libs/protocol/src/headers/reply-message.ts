import { boolOr, defineHeader, int32, int32Or, int64, optionalText, text } from './header-codec.js';

/**
 * PUSH_REPLY_MESSAGE_TO_CLIENT (326): Broker to client: the reply to a request of this client. Body = the body of the reply, compressed when
 * `sysFlag` says so.
 *
 * Follows `remoting/protocol/header/ReplyMessageRequestHeader.java`.
 */
export interface ReplyMessageRequest {
  producerGroup: string;
  topic: string;
  defaultTopic: string;
  defaultTopicQueueNums: number;
  queueId: number;
  sysFlag: number;
  bornTimestamp: number;
  flag: number;
  /** Property block. */
  properties: string | undefined;
  reconsumeTimes: number;
  unitMode: boolean;
  /** `ip:port` of the replier. */
  bornHost: string;
  storeHost: string;
  storeTimestamp: number;
}

const requestCodec = defineHeader<ReplyMessageRequest>({
  producerGroup: text,
  topic: text,
  defaultTopic: text,
  defaultTopicQueueNums: int32,
  queueId: int32,
  sysFlag: int32,
  bornTimestamp: int64,
  flag: int32,
  properties: optionalText,
  reconsumeTimes: int32Or(0),
  unitMode: boolOr(false),
  bornHost: text,
  storeHost: text,
  storeTimestamp: int64,
});

export const decodeReplyMessageRequest = requestCodec.decode;
export const encodeReplyMessageRequest = requestCodec.encode;
