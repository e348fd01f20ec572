import { defineHeader, int64, optionalText } from './header-codec.js';

/**
 * CHECK_TRANSACTION_STATE (39): Broker to client, oneway: what became of this half message? Body = the record with its real topic.
 *
 * Follows `remoting/protocol/header/CheckTransactionStateRequestHeader.java`.
 */
export interface CheckTransactionStateRequest {
  topic?: string | undefined;
  /** Queue offset of the half message. */
  tranStateTableOffset: number;
  commitLogOffset: number;
  msgId?: string | undefined;
  transactionId?: string | undefined;
  offsetMsgId?: string | undefined;
}

const requestCodec = defineHeader<CheckTransactionStateRequest>({
  topic: optionalText,
  tranStateTableOffset: int64,
  commitLogOffset: int64,
  msgId: optionalText,
  transactionId: optionalText,
  offsetMsgId: optionalText,
});

export const decodeCheckTransactionStateRequest = requestCodec.decode;
export const encodeCheckTransactionStateRequest = requestCodec.encode;
