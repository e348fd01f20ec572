import { MessageSysFlag } from './sys-flag.js';
import { HOST_V4_BYTES, HOST_V6_BYTES } from './host.js';

/** Magic of a record whose topic length takes one byte. */
export const MAGIC_V1 = 0xdaa320a7 | 0;
/** Magic of a record whose topic length takes two bytes (topics above 127 bytes). */
export const MAGIC_V2 = 0xdaa320ab | 0;
/** Magic of the filler at the end of a commit log file. */
export const BLANK_MAGIC = 0xcbd43194 | 0;
/** Bytes of the filler that carry meaning: size and magic. */
export const BLANK_MIN_BYTES = 8;

/**
 * Byte offsets of a record's fields, all integers big-endian. Up to BORN_HOST they are fixed; behind it they move by
 * 12 for each IPv6 host (see {@link storeTimestampPosition} and the others).
 *
 * ```
 * 0 int32 total size   4 int32 magic          8 int32 body CRC   12 int32 queue id  16 int32 flag
 * 20 int64 queue offset  28 int64 physical offset  36 int32 sys flag  40 int64 born timestamp
 * 48 born host (8 | 20)  int64 store timestamp  store host (8 | 20)  int32 reconsume times
 * int64 prepared transaction offset  int32 length + body  int8|int16 length + topic  int16 length + properties
 * ```
 * Follows `store/MessageExtEncoder.java` and `common/message/MessageDecoder.java`.
 */
export const MessageLayout = {
  TOTAL_SIZE: 0,
  MAGIC: 4,
  BODY_CRC: 8,
  QUEUE_ID: 12,
  FLAG: 16,
  QUEUE_OFFSET: 20,
  PHYSICAL_OFFSET: 28,
  SYS_FLAG: 36,
  BORN_TIMESTAMP: 40,
  BORN_HOST: 48,
  /** The following hold when both hosts are IPv4. */
  STORE_TIMESTAMP: 56,
  STORE_HOST: 64,
  RECONSUME_TIMES: 72,
  PREPARED_TRANSACTION_OFFSET: 76,
  BODY_LENGTH: 84,
  BODY: 88,
} as const;

/** Bytes of a V1 record with IPv4 hosts beyond its body, topic and properties. */
export const FIXED_BYTES_V1 = 91;
/** Bytes that an IPv6 host adds. */
const HOST_V6_EXTRA_BYTES = HOST_V6_BYTES - HOST_V4_BYTES;

export function bornHostBytes(sysFlag: number): number {
  return (sysFlag & MessageSysFlag.BORNHOST_V6_FLAG) === 0 ? HOST_V4_BYTES : HOST_V6_BYTES;
}

export function storeHostBytes(sysFlag: number): number {
  return (sysFlag & MessageSysFlag.STOREHOSTADDRESS_V6_FLAG) === 0 ? HOST_V4_BYTES : HOST_V6_BYTES;
}

export function storeTimestampPosition(sysFlag: number): number {
  return MessageLayout.BORN_HOST + bornHostBytes(sysFlag);
}

export function storeHostPosition(sysFlag: number): number {
  return storeTimestampPosition(sysFlag) + 8;
}

export function reconsumeTimesPosition(sysFlag: number): number {
  return storeHostPosition(sysFlag) + storeHostBytes(sysFlag);
}

export function preparedTransactionOffsetPosition(sysFlag: number): number {
  return reconsumeTimesPosition(sysFlag) + 4;
}

export function bodyLengthPosition(sysFlag: number): number {
  return preparedTransactionOffsetPosition(sysFlag) + 8;
}

export function bodyPosition(sysFlag: number): number {
  return bodyLengthPosition(sysFlag) + 4;
}

/** Bytes of the topic's length field in a record of this magic. */
export function topicLengthBytes(magic: number): 1 | 2 {
  return magic === MAGIC_V2 ? 2 : 1;
}

/** Where the property block of the record at `at` begins; it ends with the record. For records that were checked. */
export function propertiesPosition(bytes: Buffer, at: number): number {
  const sysFlag = bytes.readInt32BE(at + MessageLayout.SYS_FLAG);
  const bodyLengthAt = at + bodyLengthPosition(sysFlag);
  const topicLengthAt = bodyLengthAt + 4 + bytes.readInt32BE(bodyLengthAt);
  const topicBytes = topicLengthBytes(bytes.readInt32BE(at + MessageLayout.MAGIC));
  const topicLength = topicBytes === 1 ? bytes.readInt8(topicLengthAt) : bytes.readInt16BE(topicLengthAt);
  return topicLengthAt + topicBytes + topicLength + 2;
}

/** Magic of a record for a topic of so many UTF-8 bytes. Follows `autoMessageVersionOnTopicLen` (on by default). */
export function magicForTopic(topicBytes: number): number {
  return topicBytes > 127 ? MAGIC_V2 : MAGIC_V1;
}

/** TOTALSIZE of a record; lengths are bytes. */
export function recordSize(sysFlag: number, bodyBytes: number, topicBytes: number, propertiesBytes: number): number {
  return (
    FIXED_BYTES_V1 +
    ((sysFlag & MessageSysFlag.BORNHOST_V6_FLAG) === 0 ? 0 : HOST_V6_EXTRA_BYTES) +
    ((sysFlag & MessageSysFlag.STOREHOSTADDRESS_V6_FLAG) === 0 ? 0 : HOST_V6_EXTRA_BYTES) +
    (topicBytes > 127 ? 1 : 0) +
    bodyBytes +
    topicBytes +
    propertiesBytes
  );
}
