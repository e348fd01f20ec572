import { boolOr, defineHeader, int32, int64, optionalInt32, optionalText, text } from './header-codec.js';

/**
 * CONSUMER_SEND_MSG_BACK (36): A consumer gives a message back for a later delivery. No body, no response fields.
 *
 * Follows `remoting/protocol/header/ConsumerSendMsgBackRequestHeader.java`.
 */
export interface ConsumerSendMsgBackRequest {
  /** Commit log offset of the message. */
  offset: number;
  group: string;
  /** 0: the broker chooses by the number of deliveries; negative: straight to the dead-letter topic. */
  delayLevel: number;
  originMsgId?: string | undefined;
  originTopic?: string | undefined;
  unitMode: boolean;
  /** Absent: the limit of the subscription group. */
  maxReconsumeTimes?: number | undefined;
}

const requestCodec = defineHeader<ConsumerSendMsgBackRequest>({
  offset: int64,
  group: text,
  delayLevel: int32,
  originMsgId: optionalText,
  originTopic: optionalText,
  unitMode: boolOr(false),
  maxReconsumeTimes: optionalInt32,
});

export const decodeConsumerSendMsgBackRequest = requestCodec.decode;
export const encodeConsumerSendMsgBackRequest = requestCodec.encode;
