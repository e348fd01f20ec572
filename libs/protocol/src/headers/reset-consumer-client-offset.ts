import { boolOr, defineHeader, int64, text } from './header-codec.js';

/**
 * RESET_CONSUMER_CLIENT_OFFSET (220): Broker to client, oneway: take these offsets: body `ResetOffsetBody`.
 *
 * Follows `remoting/protocol/header/ResetOffsetRequestHeader.java`.
 */
export interface ResetConsumerClientOffsetRequest {
  topic: string;
  group: string;
  timestamp: number;
  isForce: boolean;
}

const requestCodec = defineHeader<ResetConsumerClientOffsetRequest>({
  topic: text,
  group: text,
  timestamp: int64,
  isForce: boolOr(false),
});

export const decodeResetConsumerClientOffsetRequest = requestCodec.decode;
export const encodeResetConsumerClientOffsetRequest = requestCodec.encode;
