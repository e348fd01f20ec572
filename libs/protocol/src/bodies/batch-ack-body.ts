import { ProtocolError } from '../errors.js';
import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { arrayOf, asObject, integerOf, type JsonObject, stringOf } from '../json/json-value.js';
import { isPopRetryFlag } from '../pop/info-fields.js';
import type { PopRetryFlag } from '../topic/pop-retry-topic.js';

/** Most check points that one BATCH_ACK_MESSAGE acknowledges messages of. */
export const BATCH_ACK_ENTRIES_MAX = 10_000;
/** Widest distance of an acknowledged offset from its check point's first one: messages that a filter skipped lie between. */
export const BATCH_ACK_SPAN_MAX = 1_048_576;
/** Most messages of one check point. A check point has at most 32; proxies join some. */
export const BATCH_ACK_MESSAGES_MAX = 4_096;

/** Acknowledged messages of one check point. Source: `remoting/protocol/body/BatchAck.java`. */
export interface BatchAck {
  consumerGroup: string;
  /** The topic that was popped; `retry` says whether its retry topic is meant. */
  topic: string;
  retry: PopRetryFlag;
  startOffset: number;
  queueId: number;
  reviveQueueId: number;
  popTime: number;
  invisibleTime: number;
  /** Distances of the acknowledged offsets from `startOffset`, ascending. On the wire a bit set. */
  bitSet: readonly number[];
}

/** The body of BATCH_ACK_MESSAGE. Source: `remoting/protocol/body/BatchAckMessageRequestBody.java`. */
export interface BatchAckMessageRequestBody {
  brokerName: string;
  acks: readonly BatchAck[];
}

/** @throws ProtocolError `PROTOCOL_BODY` when it is malformed, `PROTOCOL_LIMIT` when it is above a limit. */
export function decodeBatchAckMessageRequestBody(body: Buffer | string): BatchAckMessageRequestBody {
  const object = asObject(parseFastjson(body), 'a batch of acknowledgements');
  const acks = arrayOf(object, 'acks');
  if (acks.length > BATCH_ACK_ENTRIES_MAX) throw aboveLimit('entries', acks.length, BATCH_ACK_ENTRIES_MAX);
  return { brokerName: stringOf(object, 'brokerName', ''), acks: acks.map(readBatchAck) };
}

export function encodeBatchAckMessageRequestBody(body: BatchAckMessageRequestBody): Buffer {
  return encodeFastjson({ brokerName: body.brokerName, acks: body.acks.map(writeBatchAck) });
}

function readBatchAck(value: unknown): BatchAck {
  const object = asObject(value, 'an acknowledgement');
  const retry = textOf(object, 'r', 'retry');
  if (!isPopRetryFlag(retry)) {
    throw new ProtocolError('PROTOCOL_BODY', `an acknowledgement has the unknown retry flag '${retry.slice(0, 20)}'`);
  }
  return {
    consumerGroup: textOf(object, 'c', 'consumerGroup'),
    topic: textOf(object, 't', 'topic'),
    retry,
    startOffset: numberOf(object, 'so', 'startOffset'),
    queueId: numberOf(object, 'q', 'queueId'),
    reviveQueueId: numberOf(object, 'rq', 'reviveQueueId'),
    popTime: numberOf(object, 'pt', 'popTime'),
    invisibleTime: numberOf(object, 'it', 'invisibleTime'),
    bitSet: readBitSet(stringOf(object, 'b') ?? stringOf(object, 'bitSet', '')),
  };
}

function writeBatchAck(ack: BatchAck): JsonObject {
  return {
    c: ack.consumerGroup,
    t: ack.topic,
    r: ack.retry,
    so: ack.startOffset,
    q: ack.queueId,
    rq: ack.reviveQueueId,
    pt: ack.popTime,
    it: ack.invisibleTime,
    b: writeBitSet(ack.bitSet),
  };
}

function textOf(object: JsonObject, short: string, long: string): string {
  const value = stringOf(object, short) ?? stringOf(object, long);
  if (value === undefined || value === '') {
    throw new ProtocolError('PROTOCOL_BODY', `an acknowledgement has no ${long}`);
  }
  return value;
}

function numberOf(object: JsonObject, short: string, long: string): number {
  return integerOf(object, short) ?? integerOf(object, long, 0);
}

/** A `java.util.BitSet` as bytes, the lowest bits first, in base64. */
function readBitSet(base64: string): number[] {
  if (base64.length > (BATCH_ACK_SPAN_MAX / 8 / 3) * 4 + 4) {
    throw aboveLimit('characters in a bit set', base64.length, (BATCH_ACK_SPAN_MAX / 8 / 3) * 4);
  }
  const bytes = Buffer.from(base64, 'base64');
  const set: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0) continue;
    for (let bit = 0; bit < 8; bit++) if ((bytes[i] & (1 << bit)) !== 0) set.push(i * 8 + bit);
    if (set.length > BATCH_ACK_MESSAGES_MAX)
      throw aboveLimit('messages in an entry', set.length, BATCH_ACK_MESSAGES_MAX);
  }
  return set;
}

function writeBitSet(set: readonly number[]): string {
  let highest = -1;
  for (const distance of set) {
    if (!Number.isInteger(distance) || distance < 0 || distance >= BATCH_ACK_SPAN_MAX) {
      throw new ProtocolError(
        'PROTOCOL_INVALID_ARGUMENT',
        `an acknowledged message must lie from 0 to ${BATCH_ACK_SPAN_MAX - 1} behind its check point's first, not ${distance}`,
      );
    }
    highest = Math.max(highest, distance);
  }
  const bytes = Buffer.alloc((highest >> 3) + 1);
  for (const distance of set) bytes[distance >> 3] |= 1 << (distance & 7);
  return bytes.toString('base64');
}

function aboveLimit(what: string, count: number, max: number): ProtocolError {
  return new ProtocolError(
    'PROTOCOL_LIMIT',
    `a batch of acknowledgements has ${count} ${what}, at most ${max} are allowed`,
  );
}
