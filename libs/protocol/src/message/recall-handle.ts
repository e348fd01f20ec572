import { ProtocolError } from '../errors.js';

const VERSION = 'v1';
/** A topic, a broker's name and an id: far above any of ours, far below what would cost something. */
const MAX_HANDLE_CHARACTERS = 4_096;
const BASE64_URL = /^[A-Za-z0-9_-]+={0,2}$/;

/** What names a timer message to be recalled. Follows `common/producer/RecallMessageHandle.java`. */
export interface RecallHandle {
  readonly topic: string;
  readonly brokerName: string;
  /** When the message is due: ms since 1970, as text. */
  readonly timestamp: string;
  /** UNIQ_KEY of the message. */
  readonly messageId: string;
}

/** The handle as a broker gives it to a producer: padded base64url of its parts with blanks between them. */
export function encodeRecallHandle(handle: RecallHandle): string {
  const text = [VERSION, handle.topic, handle.brokerName, handle.timestamp, handle.messageId].join(' ');
  const encoded = Buffer.from(text).toString('base64url');
  return encoded.padEnd(Math.ceil(encoded.length / 4) * 4, '=');
}

/** @throws ProtocolError PROTOCOL_MESSAGE when the text is no handle. */
export function decodeRecallHandle(text: string): RecallHandle {
  const isBase64 = text.length <= MAX_HANDLE_CHARACTERS && BASE64_URL.test(text);
  const parts = isBase64 ? Buffer.from(text, 'base64url').toString().split(' ') : [];
  const [version, topic, brokerName, timestamp, messageId] = parts;
  if (version !== VERSION || parts.length < 5 || topic === '' || brokerName === '' || messageId === '') {
    throw new ProtocolError('PROTOCOL_MESSAGE', 'recall handle is invalid');
  }
  return { topic, brokerName, timestamp, messageId };
}
