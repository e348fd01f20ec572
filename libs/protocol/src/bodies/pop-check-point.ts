import { ProtocolError } from '../errors.js';
import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { arrayOf, asInteger, asObject, integerOf, type JsonObject, stringOf } from '../json/json-value.js';

/** Most messages of one check point: their acknowledgements are bits of an int32. */
export const POP_CHECK_POINT_MESSAGES_MAX = 32;

/** What was popped together, as it stands in the revive topic under the tag `ck`. Source: `store/pop/PopCheckPoint.java`. */
export interface PopCheckPoint {
  startOffset: number;
  popTime: number;
  invisibleTime: number;
  /** Bit i: message i is acknowledged. */
  bitMap: number;
  /** Number of messages. */
  num: number;
  queueId: number;
  topic: string;
  /** The consumer group. */
  cid: string;
  /** Offset of the record in its revive queue, when it was read from there. */
  reviveOffset: number;
  /** Distances of the messages from `startOffset`; empty in records of old brokers: one behind the other. */
  queueOffsetDiff: readonly number[];
  brokerName: string | undefined;
  /** How often the check point was put again because its message could not be revived. */
  rePutTimes: string | undefined;
}

/** @throws ProtocolError `PROTOCOL_BODY`. */
export function decodePopCheckPoint(body: Buffer | string): PopCheckPoint {
  const object = asObject(parseFastjson(body), 'a check point');
  const queueOffsetDiff = arrayOf(object, 'd').map((value) => asInteger(value, 'd'));
  const num = integerOf(object, 'n', 0);
  if (num < 0 || num > POP_CHECK_POINT_MESSAGES_MAX || queueOffsetDiff.length > POP_CHECK_POINT_MESSAGES_MAX) {
    throw new ProtocolError('PROTOCOL_BODY', `a check point has at most ${POP_CHECK_POINT_MESSAGES_MAX} messages`);
  }
  return {
    startOffset: integerOf(object, 'so', 0),
    popTime: integerOf(object, 'pt', 0),
    invisibleTime: integerOf(object, 'it', 0),
    bitMap: integerOf(object, 'bm', 0),
    num,
    queueId: integerOf(object, 'q', 0),
    topic: stringOf(object, 't', ''),
    cid: stringOf(object, 'c', ''),
    reviveOffset: integerOf(object, 'ro', 0),
    queueOffsetDiff,
    brokerName: stringOf(object, 'bn'),
    rePutTimes: stringOf(object, 'rp'),
  };
}

export function encodePopCheckPoint(ck: PopCheckPoint): Buffer {
  return encodeFastjson({
    so: ck.startOffset,
    pt: ck.popTime,
    it: ck.invisibleTime,
    bm: ck.bitMap,
    n: ck.num,
    q: ck.queueId,
    t: ck.topic,
    c: ck.cid,
    ro: ck.reviveOffset,
    d: ck.queueOffsetDiff,
    bn: ck.brokerName,
    rp: ck.rePutTimes,
  });
}

/** Acknowledgements as they stand in the revive topic under the tags `ack` and `bAck`. Sources: `store/pop/AckMsg.java`, `BatchAckMsg.java`. */
export interface PopAckMsg {
  /** Queue offsets of the acknowledged messages. */
  ackOffsets: readonly number[];
  startOffset: number;
  consumerGroup: string;
  topic: string;
  queueId: number;
  popTime: number;
  brokerName: string | undefined;
}

/** @throws ProtocolError `PROTOCOL_BODY`. */
export function decodePopAckMsg(body: Buffer | string): PopAckMsg {
  const object = asObject(parseFastjson(body), 'an acknowledgement');
  const list = object['aol'] ?? object['ackOffsetList'];
  const ackOffsets = Array.isArray(list)
    ? list.map((value) => asInteger(value, 'aol'))
    : [integerOf(object, 'ao') ?? integerOf(object, 'ackOffset', 0)];
  return {
    ackOffsets,
    startOffset: integerOf(object, 'so') ?? integerOf(object, 'startOffset', 0),
    consumerGroup: stringOf(object, 'c') ?? stringOf(object, 'consumerGroup', ''),
    topic: stringOf(object, 't') ?? stringOf(object, 'topic', ''),
    queueId: integerOf(object, 'q') ?? integerOf(object, 'queueId', 0),
    popTime: integerOf(object, 'pt') ?? integerOf(object, 'popTime', 0),
    brokerName: stringOf(object, 'bn') ?? stringOf(object, 'brokerName'),
  };
}

/** Of the tag `ack`: one message. */
export function encodePopAckMsg(ack: PopAckMsg): Buffer {
  return encodeFastjson({ ao: ack.ackOffsets[0], ...commonFields(ack) });
}

/** Of the tag `bAck`: any number of messages of one check point. */
export function encodePopBatchAckMsg(ack: PopAckMsg): Buffer {
  return encodeFastjson({ ao: -1, aol: ack.ackOffsets, ...commonFields(ack) });
}

function commonFields(ack: PopAckMsg): JsonObject {
  return {
    so: ack.startOffset,
    c: ack.consumerGroup,
    t: ack.topic,
    q: ack.queueId,
    pt: ack.popTime,
    bn: ack.brokerName,
  };
}
