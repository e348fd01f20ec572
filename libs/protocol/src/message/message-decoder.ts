import { ProtocolError } from '../errors.js';
import { inflateBody } from './inflate-body.js';
import { readInt64 } from './int64.js';
import { MessageConst } from './message-const.js';
import {
  bodyLengthPosition,
  bornHostBytes,
  MAGIC_V1,
  MAGIC_V2,
  MessageLayout,
  recordSize,
  reconsumeTimesPosition,
  storeHostBytes,
  storeHostPosition,
  storeTimestampPosition,
  topicLengthBytes,
} from './message-layout.js';
import type { MessageExt } from './message.js';
import { decodeProperties } from './properties.js';
import { hostTextAt, offsetMsgIdAt, topicAt } from './record-texts.js';
import { isCompressed } from './sys-flag.js';

/** Shortest record: no body, no topic, no properties, IPv4 hosts. */
const SHORTEST_RECORD = recordSize(0, 0, 0, 0);

export interface DecodeMessageOptions {
  /** False keeps compressed bodies as they were stored. Default true. */
  inflate?: boolean;
}

/**
 * Decodes the record that begins at `offset`. The body is a slice of `bytes` unless it was compressed.
 *
 * Follows `MessageDecoder.decode`.
 * @throws ProtocolError PROTOCOL_MESSAGE when lengths and magic don't make a record
 */
export function decodeMessage(bytes: Buffer, offset = 0, options: DecodeMessageOptions = {}): MessageExt {
  const left = bytes.length - offset;
  if (left < SHORTEST_RECORD)
    throw broken(`${left} bytes are less than the shortest record (${SHORTEST_RECORD})`, offset);
  const storeSize = bytes.readInt32BE(offset + MessageLayout.TOTAL_SIZE);
  const magic = bytes.readInt32BE(offset + MessageLayout.MAGIC);
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2)
    throw broken(`its magic 0x${(magic >>> 0).toString(16)} is none of RocketMQ's`, offset);
  const sysFlag = bytes.readInt32BE(offset + MessageLayout.SYS_FLAG);
  const lengthAt = bodyLengthPosition(sysFlag);
  const topicBytes = topicLengthBytes(magic);
  if (storeSize > left || storeSize < lengthAt + 4 + topicBytes + 2)
    throw broken(`its size ${storeSize} is impossible (${left} bytes are there)`, offset);
  const end = offset + storeSize;

  const bodyLength = bytes.readInt32BE(offset + lengthAt);
  const bodyStart = offset + lengthAt + 4;
  if (bodyLength < 0 || bodyLength > end - bodyStart - topicBytes - 2)
    throw broken(`its body length ${bodyLength} is impossible`, offset);
  let p = bodyStart + bodyLength;
  const topicLength = topicBytes === 1 ? bytes.readInt8(p) : bytes.readInt16BE(p);
  p += topicBytes;
  if (topicLength < 0 || topicLength > end - p - 2)
    throw broken(`its topic length ${topicLength} is impossible`, offset);
  const topic = topicAt(bytes, p, p + topicLength);
  p += topicLength;
  const propertiesLength = bytes.readInt16BE(p);
  p += 2;
  if (propertiesLength !== end - p)
    throw broken(`${end - p} bytes are left for ${propertiesLength} bytes of properties`, offset);
  const properties = decodeProperties(bytes.toString('utf8', p, end));

  const stored = bytes.subarray(bodyStart, bodyStart + bodyLength);
  const body = isCompressed(sysFlag) && options.inflate !== false ? inflateBody(stored, sysFlag) : stored;
  const storeHostAt = offset + storeHostPosition(sysFlag);
  const storeHostLength = storeHostBytes(sysFlag);
  const physicalOffset = readInt64(bytes, offset + MessageLayout.PHYSICAL_OFFSET);
  const offsetMsgId = offsetMsgIdAt(bytes, storeHostAt, storeHostLength, physicalOffset);
  return {
    topic,
    body,
    flag: bytes.readInt32BE(offset + MessageLayout.FLAG),
    properties,
    queueId: bytes.readInt32BE(offset + MessageLayout.QUEUE_ID),
    queueOffset: readInt64(bytes, offset + MessageLayout.QUEUE_OFFSET),
    physicalOffset,
    storeSize,
    sysFlag,
    bornTimestamp: readInt64(bytes, offset + MessageLayout.BORN_TIMESTAMP),
    bornHost: hostTextAt(bytes, offset + MessageLayout.BORN_HOST, bornHostBytes(sysFlag)),
    storeTimestamp: readInt64(bytes, offset + storeTimestampPosition(sysFlag)),
    storeHost: hostTextAt(bytes, storeHostAt, storeHostLength),
    bodyCrc: bytes.readInt32BE(offset + MessageLayout.BODY_CRC),
    reconsumeTimes: bytes.readInt32BE(offset + reconsumeTimesPosition(sysFlag)),
    preparedTransactionOffset: readInt64(bytes, offset + reconsumeTimesPosition(sysFlag) + 4),
    msgId: properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX] ?? offsetMsgId,
    offsetMsgId,
  };
}

/**
 * Decodes the body of a pull, query or view response: records one after another.
 * @throws ProtocolError PROTOCOL_MESSAGE at the first record that cannot be read
 */
export function decodeMessages(bytes: Buffer, options: DecodeMessageOptions = {}): MessageExt[] {
  const messages: MessageExt[] = [];
  for (let p = 0; p < bytes.length;) {
    const message = decodeMessage(bytes, p, options);
    messages.push(message);
    p += message.storeSize;
  }
  return messages;
}

function broken(what: string, offset: number): ProtocolError {
  return new ProtocolError('PROTOCOL_MESSAGE', `A stored message cannot be read: ${what} (byte ${offset})`, { offset });
}
