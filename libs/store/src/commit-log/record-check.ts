import {
  BLANK_MAGIC,
  bodyCrc32,
  bodyLengthPosition,
  MAGIC_V1,
  MAGIC_V2,
  MessageLayout,
  recordSize,
  storeTimestampPosition,
  topicLengthBytes,
} from '@rocknest/protocol';
import type { DispatchRequest } from '../dispatch/dispatch-request.js';
import { storedTagsCode } from '../dispatch/tags-code.js';

const UINT32_RANGE = 0x1_0000_0000;

/** The smallest record there can be: IPv4 hosts, no body, a topic of no bytes. */
export const MIN_RECORD_BYTES = recordSize(0, 0, 0, 0);

const PHYSICAL_OFFSET_END = MessageLayout.PHYSICAL_OFFSET + 8;

/** What stands at a position of the log. */
export type RecordCheck =
  | { readonly kind: 'record'; readonly sizeBytes: number }
  /** The filler up to the end of the segment. */
  | { readonly kind: 'blank' }
  /** More bytes are needed to tell. */
  | { readonly kind: 'partial'; readonly neededBytes: number }
  /** No record, and why not. */
  | { readonly kind: 'invalid'; readonly reason: string };

/**
 * Checks the bytes at `at` for a whole record: magic, lengths that add up to TOTALSIZE, body CRC (RocketMQ's
 * CommitLog.checkMessageAndReturnSize), and PHYSICALOFFSET, which RocketMQ does not compare: it tells a record of this place from
 * one that stood here before.
 *
 * @param availableBytes bytes of the buffer from `at` on
 * @param segmentBytes bytes of the segment from `at` on
 */
export function checkRecord(
  buffer: Buffer,
  at: number,
  availableBytes: number,
  segmentBytes: number,
  physicalOffset: number,
): RecordCheck {
  if (availableBytes < Math.min(8, segmentBytes)) return { kind: 'partial', neededBytes: 8 };
  if (segmentBytes < 8) return invalid('less than 8 bytes are left of the segment');
  const sizeBytes = buffer.readInt32BE(at);
  const magic = buffer.readInt32BE(at + 4);
  if (magic === BLANK_MAGIC) {
    return sizeBytes === segmentBytes
      ? { kind: 'blank' }
      : invalid(`a filler of ${sizeBytes} bytes where ${segmentBytes} are left`);
  }
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) {
    return invalid(sizeBytes === 0 && magic === 0 ? 'zeros' : `the magic code is 0x${(magic >>> 0).toString(16)}`);
  }
  if (sizeBytes < MIN_RECORD_BYTES || sizeBytes > segmentBytes) return invalid(`the record size is ${sizeBytes}`);
  if (availableBytes < PHYSICAL_OFFSET_END) return { kind: 'partial', neededBytes: PHYSICAL_OFFSET_END };
  // Before memory is taken for a record of that size: a size from damaged bytes may be anything.
  const stated = readInt64(buffer, at + MessageLayout.PHYSICAL_OFFSET);
  if (stated !== physicalOffset) return invalid(`the record says that it stands at ${stated}`);
  if (availableBytes < sizeBytes) return { kind: 'partial', neededBytes: sizeBytes };
  return checkLengths(buffer, at, sizeBytes, magic);
}

function checkLengths(buffer: Buffer, at: number, sizeBytes: number, magic: number): RecordCheck {
  const end = at + sizeBytes;
  const sysFlag = buffer.readInt32BE(at + MessageLayout.SYS_FLAG);
  const lengthAt = at + bodyLengthPosition(sysFlag);
  const topicLengthSize = topicLengthBytes(magic);
  if (lengthAt + 4 + topicLengthSize + 2 > end) return invalid(`the record size is ${sizeBytes}`);
  const bodyLength = buffer.readInt32BE(lengthAt);
  const bodyAt = lengthAt + 4;
  if (bodyLength < 0 || bodyAt + bodyLength + topicLengthSize + 2 > end)
    return invalid(`the body length is ${bodyLength}`);
  const topicAt = bodyAt + bodyLength;
  const topicLength = topicLengthSize === 1 ? buffer.readInt8(topicAt) : buffer.readInt16BE(topicAt);
  const propertiesAt = topicAt + topicLengthSize + topicLength;
  if (topicLength < 0 || propertiesAt + 2 > end) return invalid(`the topic length is ${topicLength}`);
  const propertiesLength = buffer.readInt16BE(propertiesAt);
  if (propertiesLength < 0 || propertiesAt + 2 + propertiesLength !== end) {
    return invalid(
      `the lengths add up to ${propertiesAt + 2 + propertiesLength - at}, not to the record size of ${sizeBytes}`,
    );
  }
  const storedCrc = buffer.readInt32BE(at + MessageLayout.BODY_CRC);
  if (bodyLength > 0 && bodyCrc32(buffer.subarray(bodyAt, topicAt)) !== storedCrc)
    return invalid('the body CRC is wrong');
  return { kind: 'record', sizeBytes };
}

/** Topics of the last records: most records have the topic of one of them, and decoding text is half of what reading a record costs. */
const TOPIC_CACHE_SLOTS = 256;

/** Reads what dispatch needs of records that `checkRecord` has accepted. */
export class RecordDecoder {
  private readonly topics: { bytes: Buffer; text: string }[] = [];

  constructor(private readonly delayLevelsMs: readonly number[]) {}

  decode(buffer: Buffer, at: number, sizeBytes: number): DispatchRequest {
    const magic = buffer.readInt32BE(at + MessageLayout.MAGIC);
    const sysFlag = buffer.readInt32BE(at + MessageLayout.SYS_FLAG);
    const lengthAt = at + bodyLengthPosition(sysFlag);
    const topicAt = lengthAt + 4 + buffer.readInt32BE(lengthAt);
    const topicLengthSize = topicLengthBytes(magic);
    const topicLength = topicLengthSize === 1 ? buffer.readInt8(topicAt) : buffer.readInt16BE(topicAt);
    const textAt = topicAt + topicLengthSize;
    const topic = this.topic(buffer, textAt, textAt + topicLength);
    const properties = buffer.toString('utf8', textAt + topicLength + 2, at + sizeBytes);
    const storeTimestamp = readInt64(buffer, at + storeTimestampPosition(sysFlag));
    return {
      topic,
      queueId: buffer.readInt32BE(at + MessageLayout.QUEUE_ID),
      queueOffset: readInt64(buffer, at + MessageLayout.QUEUE_OFFSET),
      physicalOffset: readInt64(buffer, at + MessageLayout.PHYSICAL_OFFSET),
      sizeBytes,
      tagsCode: storedTagsCode(topic, properties, storeTimestamp, this.delayLevelsMs),
      storeTimestamp,
      sysFlag,
      properties,
    };
  }

  private topic(buffer: Buffer, start: number, end: number): string {
    const slot = end === start ? 0 : (buffer[end - 1] + 31 * (end - start)) % TOPIC_CACHE_SLOTS;
    const cached = this.topics[slot] as { bytes: Buffer; text: string } | undefined;
    if (cached !== undefined && cached.bytes.compare(buffer, start, end) === 0) return cached.text;
    const bytes = Buffer.from(buffer.subarray(start, end));
    const text = bytes.toString();
    this.topics[slot] = { bytes, text };
    return text;
  }
}

/** True when the bytes begin like the record of that size: what a reader checks before it hands a record out. */
export function looksLikeRecord(view: DataView, at: number, sizeBytes: number): boolean {
  if (view.getInt32(at) !== sizeBytes) return false;
  const magic = view.getInt32(at + MessageLayout.MAGIC);
  return magic === MAGIC_V1 || magic === MAGIC_V2;
}

/** Bytes from the start of a record that `storeTimestampOf` looks at. */
export const STORE_TIMESTAMP_HEAD_BYTES = MessageLayout.BORN_HOST + 20 + 8;

/** STORETIMESTAMP of a record of which at least the first `STORE_TIMESTAMP_HEAD_BYTES` are there. */
export function storeTimestampOf(buffer: Buffer, at: number): number {
  return readInt64(buffer, at + storeTimestampPosition(buffer.readInt32BE(at + MessageLayout.SYS_FLAG)));
}

function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * UINT32_RANGE + buffer.readUInt32BE(at + 4);
}

function invalid(reason: string): RecordCheck {
  return { kind: 'invalid', reason };
}
