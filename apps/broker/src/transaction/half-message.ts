import {
  bodyPosition,
  encodeHost,
  getTags,
  MessageConst,
  type MessageExt,
  MessageLayout,
  MessageSysFlag,
  magicForTopic,
  tagsCodeOf,
  topicLengthBytes,
  TRANS_HALF_TOPIC,
  writeInt64,
} from '@rocknest/protocol';
import type { PutMessage } from '@rocknest/store';
import { encodeReceivedProperties, type PropertyEdits } from '../send/property-completer.js';

/** Where a stored half message stands. */
export interface HalfPlace {
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly offsetMsgId: string;
}

/** What turns the properties of a message into those of its half message (`parseHalfMessageInner` of `TransactionalMessageBridge.java`). */
export function halfEdits(topic: string, queueId: number, uniqKey: string): PropertyEdits {
  return {
    [MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX]: uniqKey,
    [MessageConst.TRANSACTION_ID]: uniqKey,
    [MessageConst.REAL_TOPIC]: topic,
    [MessageConst.REAL_QUEUE_ID]: String(queueId),
  };
}

/** The topic and queue that a half message is meant for; undefined when its properties do not say so. */
export function realPlaceOf(half: MessageExt): { topic: string; queueId: number } | undefined {
  const topic = half.properties[MessageConst.REAL_TOPIC];
  const queueId = Number(half.properties[MessageConst.REAL_QUEUE_ID] ?? Number.NaN);
  return topic === undefined || !Number.isInteger(queueId) || queueId < 0 ? undefined : { topic, queueId };
}

/**
 * The message that consumers get (`endMessageTransaction` of `EndTransactionProcessor.java`). Its properties stay as they were stored, as
 * consumers of RocketMQ see them.
 */
export function finalMessage(half: MessageExt, record: Buffer, topic: string, queueId: number): PutMessage {
  return {
    topic,
    queueId,
    flag: half.flag,
    sysFlag: (half.sysFlag & ~MessageSysFlag.TRANSACTION_MASK) | MessageSysFlag.TRANSACTION_COMMIT_TYPE,
    bornTimestamp: half.bornTimestamp,
    bornHost: encodeHost(half.bornHost),
    reconsumeTimes: half.reconsumeTimes,
    preparedTransactionOffset: half.physicalOffset,
    body: half.body,
    properties: propertyBytes(half, record),
    tagsCode: tagsCodeOf(getTags(half)),
    waitStoreOk: half.properties[MessageConst.WAIT_STORE_MSG_OK] !== 'false',
  };
}

/** A copy of a half message with other properties, for the end of its queue or for the topic of those set aside. */
export function movedHalf(half: MessageExt, topic: string, queueId: number, properties: PropertyEdits): PutMessage {
  return {
    topic,
    queueId,
    flag: half.flag,
    sysFlag: half.sysFlag,
    bornTimestamp: half.bornTimestamp,
    bornHost: encodeHost(half.bornHost),
    reconsumeTimes: half.reconsumeTimes,
    preparedTransactionOffset: 0,
    body: half.body,
    properties: encodeReceivedProperties(properties),
    tagsCode: tagsCodeOf(getTags(half)),
    waitStoreOk: false,
  };
}

/** A message of any topic as a half message that was never asked about (`resumeCheckHalfMessage` of `AdminBrokerProcessor.java`). */
export function resumedHalf(message: MessageExt): PutMessage {
  return movedHalf(message, TRANS_HALF_TOPIC, 0, {
    ...message.properties,
    [MessageConst.TRANSACTION_CHECK_TIMES]: '0',
  });
}

/** A half message as the producer is asked about it: a record of its real topic that says where the half message stands now. */
export function recordToCheck(
  half: MessageExt,
  record: Buffer,
  real: { topic: string; queueId: number },
  place: HalfPlace,
  properties: PropertyEdits,
): Buffer {
  const topic = Buffer.from(real.topic);
  const magic = magicForTopic(topic.length);
  const topicLength = Buffer.alloc(topicLengthBytes(magic));
  topicLength.writeUIntBE(topic.length, 0, topicLength.length);
  const text = Buffer.from(encodeReceivedProperties(properties));
  const textLength = Buffer.alloc(2);
  textLength.writeUInt16BE(text.length);
  const bodyEnd = bodyPosition(half.sysFlag) + half.body.length;
  const whole = Buffer.concat([record.subarray(0, bodyEnd), topicLength, topic, textLength, text]);
  whole.writeInt32BE(whole.length, MessageLayout.TOTAL_SIZE);
  whole.writeInt32BE(magic, MessageLayout.MAGIC);
  whole.writeInt32BE(real.queueId, MessageLayout.QUEUE_ID);
  writeInt64(whole, place.queueOffset, MessageLayout.QUEUE_OFFSET);
  writeInt64(whole, place.physicalOffset, MessageLayout.PHYSICAL_OFFSET);
  return whole;
}

/** The property text as it was stored: what a sender wrote into it need not be what our encoder takes. */
function propertyBytes(message: MessageExt, record: Buffer): Buffer {
  const topicBytes = topicLengthBytes(record.readInt32BE(MessageLayout.MAGIC)) + Buffer.byteLength(message.topic);
  return record.subarray(bodyPosition(message.sysFlag) + message.body.length + topicBytes + 2, message.storeSize);
}
