import {
  BLANK_MAGIC,
  BLANK_MIN_BYTES,
  encodeMessage,
  MessageConst,
  MessageSysFlag,
  recordSize,
  SCHEDULE_TOPIC,
} from '@rocknest/protocol';
import { MIN_RECORD_BYTES } from '../../commit-log/record-check.js';
import { StoreError } from '../../errors.js';
import type { LostMessage } from './lost-messages.js';

/** Property of a message that stands in the place of one that was lost. */
export const LOST_PROPERTY = 'ROCKNEST_LOST';
/** Topic of records that fill space, where it fits; they are marked as rolled back, so that no queue gets them. */
export const SKIPPED_TOPIC = 'ROCKNEST_SKIPPED';

/** Readers take memory for a whole record. */
const MAX_SKIP_BYTES = 1024 * 1024;
const NO_HOST = '0.0.0.0:0';
const MIN_PROPERTY_BYTES = LOST_PROPERTY.length + 3;

/** Bytes for a place in the log. */
export interface Fill {
  readonly physicalOffset: number;
  readonly bytes: Buffer;
}

/**
 * Records for a damaged range, without a gap: an empty marked message in the place of each that is known, records that nobody gets
 * between them, and the filler where the range ends its segment. docs/decisions/0007-damaged-log.md has the reasons.
 *
 * @param storeTimestamp of the next whole record: times in the log must not go back
 * @param endsSegment the range ends with its segment
 */
export function* fillRange(
  fromOffset: number,
  toOffset: number,
  lost: readonly LostMessage[],
  storeTimestamp: number,
  endsSegment: boolean,
): Generator<Fill> {
  let cursor = fromOffset;
  for (let i = 0; i < lost.length; i++) {
    const before = lost[i].physicalOffset - cursor;
    // What is too small for a record of its own belongs to the message behind it.
    const start = before < MIN_RECORD_BYTES ? cursor : lost[i].physicalOffset;
    yield* skip(cursor, start, storeTimestamp);
    const ownEnd = lost[i].physicalOffset + lost[i].sizeBytes;
    const rest = toOffset - ownEnd;
    const isLast = i === lost.length - 1;
    const end = isLast && !endsSegment && rest < MIN_RECORD_BYTES ? toOffset : ownEnd;
    yield* placeholder(lost[i], start, end, storeTimestamp);
    cursor = end;
  }
  if (cursor === toOffset) return;
  if (endsSegment) yield { physicalOffset: cursor, bytes: filler(toOffset - cursor) };
  else yield* skip(cursor, toOffset, storeTimestamp);
}

/** The eight bytes that say that the rest of a segment is empty. */
export function filler(restBytes: number): Buffer {
  const bytes = Buffer.alloc(BLANK_MIN_BYTES);
  bytes.writeInt32BE(restBytes, 0);
  bytes.writeInt32BE(BLANK_MAGIC, 4);
  return bytes;
}

function* placeholder(lost: LostMessage, start: number, end: number, storeTimestamp: number): Generator<Fill> {
  const { topic, queueId, queueOffset } = lost;
  const topicBytes = Buffer.byteLength(topic);
  const fixed = recordSize(0, 0, topicBytes, 0);
  const properties: Record<string, string> = {};
  // A delayed message must name where it goes, or its level stops at it in Apache RocketMQ.
  const destination = { [MessageConst.REAL_TOPIC]: LOST_PROPERTY, [MessageConst.REAL_QUEUE_ID]: '0' };
  if (topic === SCHEDULE_TOPIC) Object.assign(properties, destination);
  if (end - start - fixed >= MIN_PROPERTY_BYTES + sizeOf(properties)) properties[LOST_PROPERTY] = '1';
  else if (end - start - fixed < sizeOf(properties)) for (const key of Object.keys(properties)) delete properties[key];
  let rest = end - start - fixed - sizeOf(properties);
  let recordEnd = end;
  if (rest >= MIN_RECORD_BYTES) {
    recordEnd = end - rest;
    rest = 0;
  }
  // What is left over and too small for a record of its own: into the property, or else into the body.
  if (rest > 0 && properties[LOST_PROPERTY] !== undefined) properties[LOST_PROPERTY] = '1'.padEnd(1 + rest, '_');
  const body = Buffer.alloc(end - start - fixed - sizeOf(properties) - (end - recordEnd), ' ');
  const bytes = encodeMessage({
    ...emptyRecord(storeTimestamp),
    topic,
    queueId,
    queueOffset,
    physicalOffset: start,
    body,
    properties,
  });
  yield { physicalOffset: start, bytes };
  yield* skip(recordEnd, end, storeTimestamp);
}

function* skip(fromOffset: number, toOffset: number, storeTimestamp: number): Generator<Fill> {
  for (let start = fromOffset; start < toOffset;) {
    const rest = toOffset - start;
    if (rest < MIN_RECORD_BYTES)
      throw new StoreError(
        'STORE_LOG_DAMAGED',
        `${rest} bytes at offset ${start} are too few for a record; restore a backup of the file.`,
      );
    // The last piece must be large enough for a record.
    const size = rest <= MAX_SKIP_BYTES ? rest : Math.min(MAX_SKIP_BYTES, rest - MIN_RECORD_BYTES);
    const fits = size >= recordSize(0, 0, SKIPPED_TOPIC.length, 0);
    const topic = fits ? SKIPPED_TOPIC : '';
    const body = Buffer.alloc(size - recordSize(0, 0, topic.length, 0));
    const sysFlag = MessageSysFlag.TRANSACTION_ROLLBACK_TYPE;
    const common = { ...emptyRecord(storeTimestamp), sysFlag, topic, queueId: 0, queueOffset: 0 };
    yield { physicalOffset: start, bytes: encodeMessage({ ...common, physicalOffset: start, body, properties: {} }) };
    start += size;
  }
}

function emptyRecord(storeTimestamp: number) {
  return {
    flag: 0,
    sysFlag: 0,
    bornTimestamp: storeTimestamp,
    bornHost: NO_HOST,
    storeTimestamp,
    storeHost: NO_HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
  };
}

/** Bytes of properties in a record: a separator behind each key and each value. */
function sizeOf(properties: Readonly<Record<string, string>>): number {
  return Object.entries(properties).reduce((sum, [key, value]) => sum + key.length + value.length + 2, 0);
}
