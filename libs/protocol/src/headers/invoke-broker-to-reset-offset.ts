import { boolOr, defineHeader, int32Or, int64, optionalInt64, text } from './header-codec.js';

/**
 * INVOKE_BROKER_TO_RESET_OFFSET (222): Moves the offsets of a group: response body `ResetOffsetBody`.
 *
 * Follows `remoting/protocol/header/ResetOffsetRequestHeader.java`.
 */
export interface InvokeBrokerToResetOffsetRequest {
  topic: string;
  group: string;
  /** Milliseconds since 1970; -1 = the end of the queues. */
  timestamp: number;
  /** False: offsets only move backwards (client mode). */
  isForce: boolean;
  /** -1 = all queues. */
  queueId: number;
  /** Given: this offset, whatever the timestamp. */
  offset?: number | undefined;
}

const requestCodec = defineHeader<InvokeBrokerToResetOffsetRequest>({
  topic: text,
  group: text,
  timestamp: int64,
  isForce: boolOr(false),
  queueId: int32Or(-1),
  offset: optionalInt64,
});

export const decodeInvokeBrokerToResetOffsetRequest = requestCodec.decode;
export const encodeInvokeBrokerToResetOffsetRequest = requestCodec.encode;
