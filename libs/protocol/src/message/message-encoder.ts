import { PROPERTIES_MAX_BYTES, RETRY_TOPIC_MAX_BYTES } from '../defaults.js';
import { ProtocolError } from '../errors.js';
import { bodyCrc32 } from './crc32.js';
import { encodeHost, HOST_V4_BYTES } from './host.js';
import { deflateBody } from './inflate-body.js';
import { writeInt64 } from './int64.js';
import { MAGIC_V2, magicForTopic, MessageLayout, recordSize } from './message-layout.js';
import type { MessageExt } from './message.js';
import { encodeProperties } from './properties.js';
import { isCompressed, MessageSysFlag } from './sys-flag.js';

/** What a record is made of; sizes, magic, CRC and host bits follow from it. */
export type MessageRecord = Pick<
  MessageExt,
  | 'topic'
  | 'body'
  | 'flag'
  | 'properties'
  | 'queueId'
  | 'queueOffset'
  | 'physicalOffset'
  | 'sysFlag'
  | 'bornTimestamp'
  | 'bornHost'
  | 'storeTimestamp'
  | 'storeHost'
  | 'reconsumeTimes'
  | 'preparedTransactionOffset'
>;

/**
 * Encodes a message as a record, as the broker stores it (`body` is compressed here when `sysFlag` says so).
 *
 * For admin calls and tests; the store writes its records straight into the log.
 * @throws ProtocolError PROTOCOL_INVALID_ARGUMENT when topic or properties are longer than a record can say
 */
export function encodeMessage(message: MessageRecord): Buffer {
  const bornHost = encodeHost(message.bornHost);
  const storeHost = encodeHost(message.storeHost);
  const sysFlag =
    (message.sysFlag & ~(MessageSysFlag.BORNHOST_V6_FLAG | MessageSysFlag.STOREHOSTADDRESS_V6_FLAG)) |
    (bornHost.length === HOST_V4_BYTES ? 0 : MessageSysFlag.BORNHOST_V6_FLAG) |
    (storeHost.length === HOST_V4_BYTES ? 0 : MessageSysFlag.STOREHOSTADDRESS_V6_FLAG);
  const body = isCompressed(sysFlag) ? deflateBody(message.body) : message.body;
  const topic = Buffer.from(message.topic);
  const properties = Buffer.from(encodeProperties(message.properties));
  if (topic.length > RETRY_TOPIC_MAX_BYTES) throw tooLong('topic', topic.length, RETRY_TOPIC_MAX_BYTES);
  if (properties.length > PROPERTIES_MAX_BYTES) throw tooLong('properties', properties.length, PROPERTIES_MAX_BYTES);

  const size = recordSize(sysFlag, body.length, topic.length, properties.length);
  const magic = magicForTopic(topic.length);
  const record = Buffer.allocUnsafe(size);
  record.writeInt32BE(size, MessageLayout.TOTAL_SIZE);
  record.writeInt32BE(magic, MessageLayout.MAGIC);
  record.writeInt32BE(bodyCrc32(body), MessageLayout.BODY_CRC);
  record.writeInt32BE(message.queueId, MessageLayout.QUEUE_ID);
  record.writeInt32BE(message.flag, MessageLayout.FLAG);
  writeInt64(record, message.queueOffset, MessageLayout.QUEUE_OFFSET);
  writeInt64(record, message.physicalOffset, MessageLayout.PHYSICAL_OFFSET);
  record.writeInt32BE(sysFlag, MessageLayout.SYS_FLAG);
  writeInt64(record, message.bornTimestamp, MessageLayout.BORN_TIMESTAMP);
  record.set(bornHost, MessageLayout.BORN_HOST);
  let p = writeInt64(record, message.storeTimestamp, MessageLayout.BORN_HOST + bornHost.length);
  record.set(storeHost, p);
  p = record.writeInt32BE(message.reconsumeTimes, p + storeHost.length);
  p = writeInt64(record, message.preparedTransactionOffset, p);
  p = record.writeInt32BE(body.length, p);
  record.set(body, p);
  p += body.length;
  p = magic === MAGIC_V2 ? record.writeInt16BE(topic.length, p) : record.writeUInt8(topic.length, p);
  record.set(topic, p);
  p = record.writeInt16BE(properties.length, p + topic.length);
  record.set(properties, p);
  return record;
}

function tooLong(what: string, bytes: number, limit: number): ProtocolError {
  return new ProtocolError(
    'PROTOCOL_INVALID_ARGUMENT',
    `The ${what} of a message has ${bytes} bytes; at most ${limit} are possible`,
    { bytes, limit },
  );
}
