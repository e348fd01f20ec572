import { boolOr, defineHeader, int32, int64, optionalText, text, textOrEmpty } from './header-codec.js';

/**
 * END_TRANSACTION (37): Commits or rolls back a half message, oneway in Java; the remark carries the text of a local exception. No body.
 *
 * Follows `remoting/protocol/header/EndTransactionRequestHeader.java`.
 */
export interface EndTransactionRequest {
  topic?: string | undefined;
  producerGroup: string;
  /** Queue offset of the half message. */
  tranStateTableOffset: number;
  commitLogOffset: number;
  /** 8 commit, 12 rollback, 0 unknown. */
  commitOrRollback: number;
  fromTransactionCheck: boolean;
  /** UNIQ_KEY. */
  msgId: string;
  transactionId?: string | undefined;
}

const requestCodec = defineHeader<EndTransactionRequest>({
  topic: optionalText,
  producerGroup: text,
  tranStateTableOffset: int64,
  commitLogOffset: int64,
  commitOrRollback: int32,
  fromTransactionCheck: boolOr(false),
  msgId: textOrEmpty,
  transactionId: optionalText,
});

export const decodeEndTransactionRequest = requestCodec.decode;
export const encodeEndTransactionRequest = requestCodec.encode;
