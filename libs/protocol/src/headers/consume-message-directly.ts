import { defineHeader, optionalInt32, optionalText, text } from './header-codec.js';

/**
 * CONSUME_MESSAGE_DIRECTLY (309): Lets one member handle one message, forwarded by the broker to it: request body to the client = the record, response body `ConsumeMessageDirectlyResult`.
 *
 * Follows `remoting/protocol/header/ConsumeMessageDirectlyResultRequestHeader.java`.
 */
export interface ConsumeMessageDirectlyRequest {
  consumerGroup: string;
  clientId?: string | undefined;
  /** Offset message id. */
  msgId?: string | undefined;
  brokerName?: string | undefined;
  topic?: string | undefined;
  topicSysFlag?: number | undefined;
  groupSysFlag?: number | undefined;
}

const requestCodec = defineHeader<ConsumeMessageDirectlyRequest>({
  consumerGroup: text,
  clientId: optionalText,
  msgId: optionalText,
  brokerName: optionalText,
  topic: optionalText,
  topicSysFlag: optionalInt32,
  groupSysFlag: optionalInt32,
});

export const decodeConsumeMessageDirectlyRequest = requestCodec.decode;
export const encodeConsumeMessageDirectlyRequest = requestCodec.encode;
