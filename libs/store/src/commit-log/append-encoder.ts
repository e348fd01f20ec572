import {
  BLANK_MAGIC,
  MAGIC_V1,
  MAGIC_V2,
  MessageLayout,
  MessageSysFlag,
  bodyCrc32,
  copyBytes,
} from '@rocknest/protocol';
import { MAX_TOPIC_BYTES } from '../defaults.js';
import type { PropertyBytes } from '../types.js';
import type { LogChunk } from './log-chunk.js';

const UINT32_RANGE = 0x1_0000_0000;
const IPV6_HOST_BYTES = 20;
const HOST_BITS = MessageSysFlag.BORNHOST_V6_FLAG | MessageSysFlag.STOREHOSTADDRESS_V6_FLAG;

/** What all records of one append share. One object is kept and refilled: the encoder runs for each message. */
export interface RecordFields {
  topicBytes: Buffer;
  queueId: number;
  sysFlag: number;
  bornTimestamp: number;
  bornHost: Buffer;
  storeTimestamp: number;
  storeHost: Buffer;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
}

/** Bytes of a record without body, topic and properties, with V2's second length byte: an upper bound for any record. */
export const RECORD_FIXED_MAX_BYTES = MessageLayout.BODY + 2 * (IPV6_HOST_BYTES - 8) + 2 + 2;

/** Bytes that the properties may take once encoded: UTF-8 needs at most three for each UTF-16 unit. */
export function propertiesUpperBound(properties: string | Buffer | PropertyBytes): number {
  if (typeof properties === 'string') return properties.length * 3;
  return 'suffix' in properties ? properties.end - properties.start + properties.suffix.byteLength : properties.length;
}

/**
 * Encodes one record straight into the chunk at `at`; the caller made sure that there is room for the upper bound. BODYCRC is
 * computed here whatever the sender claimed; the host bits of SYSFLAG follow the lengths of the hosts.
 * Layout: docs/internals/store.md; RocketMQ's MessageExtEncoder.java.
 *
 * @returns TOTALSIZE. Properties longer than the field can say are written all the same: the caller checks and takes the record back.
 */
export function encodeRecord(
  chunk: LogChunk,
  at: number,
  fields: RecordFields,
  flag: number,
  body: Buffer,
  properties: string | Buffer | PropertyBytes,
  queueOffset: number,
  physicalOffset: number,
): number {
  const { buffer, view } = chunk;
  const { topicBytes, bornHost, storeHost } = fields;
  const sysFlag =
    (fields.sysFlag & ~HOST_BITS) |
    (bornHost.length === IPV6_HOST_BYTES ? MessageSysFlag.BORNHOST_V6_FLAG : 0) |
    (storeHost.length === IPV6_HOST_BYTES ? MessageSysFlag.STOREHOSTADDRESS_V6_FLAG : 0);
  const isV2 = topicBytes.length > MAX_TOPIC_BYTES;

  view.setInt32(at + 4, isV2 ? MAGIC_V2 : MAGIC_V1);
  view.setInt32(at + 8, bodyCrc32(body));
  view.setInt32(at + 12, fields.queueId);
  view.setInt32(at + 16, flag);
  setInt64(view, at + MessageLayout.QUEUE_OFFSET, queueOffset);
  setInt64(view, at + MessageLayout.PHYSICAL_OFFSET, physicalOffset);
  view.setInt32(at + 36, sysFlag);
  setInt64(view, at + 40, fields.bornTimestamp);
  let p = at + 48;
  p = copyHost(buffer, p, bornHost);
  setInt64(view, p, fields.storeTimestamp);
  p = copyHost(buffer, p + 8, storeHost);
  view.setInt32(p, fields.reconsumeTimes);
  setInt64(view, p + 4, fields.preparedTransactionOffset);
  view.setInt32(p + 12, body.length);
  p += 16;
  buffer.set(body, p);
  p += body.length;
  if (isV2) {
    view.setInt16(p, topicBytes.length);
    p += 2;
  } else {
    buffer[p++] = topicBytes.length;
  }
  for (let i = 0; i < topicBytes.length; i++) buffer[p++] = topicBytes[i];
  const propertiesAt = p + 2;
  const propertiesBytes = writeProperties(chunk, propertiesAt, properties);
  view.setUint16(p, propertiesBytes & 0xffff);
  const totalSize = propertiesAt + propertiesBytes - at;
  view.setInt32(at, totalSize);
  return totalSize;
}

/** Writes the filler that ends a segment: its size is what is left of the segment, only the first 8 bytes are written. */
export function encodeBlank(chunk: LogChunk, at: number, remainingBytes: number): void {
  chunk.view.setInt32(at, remainingBytes);
  chunk.view.setInt32(at + 4, BLANK_MAGIC);
}

/** Properties length of a record that `encodeRecord` has just written, before it is cut to the 16 bits of the field. */
export function propertiesLengthOf(totalSize: number, fields: RecordFields, bodyBytes: number): number {
  const topicBytes = fields.topicBytes.length;
  const topicLengthBytes = topicBytes > MAX_TOPIC_BYTES ? 2 : 1;
  const hostBytes = fields.bornHost.length + fields.storeHost.length - 16;
  return totalSize - (MessageLayout.BODY + hostBytes + bodyBytes + topicLengthBytes + topicBytes + 2);
}

/** Two 32-bit writes: `setBigInt64` would make a BigInt for each. Exact for integers up to 2^53, negative ones too. */
function setInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / UINT32_RANGE));
  view.setUint32(at + 4, value >>> 0);
}

function copyHost(buffer: Buffer, at: number, host: Buffer): number {
  for (let i = 0; i < host.length; i++) buffer[at++] = host[i];
  return at;
}

function writeProperties(chunk: LogChunk, at: number, properties: string | Buffer | PropertyBytes): number {
  const { buffer, view } = chunk;
  if (typeof properties === 'string') return properties.length === 0 ? 0 : buffer.write(properties, at);
  if ('suffix' in properties) {
    const { start, suffix } = properties;
    const length = properties.end - start;
    copyBytes(view, at, properties.view, start, length);
    copyBytes(view, at + length, suffix, 0, suffix.byteLength);
    return length + suffix.byteLength;
  }
  buffer.set(properties, at);
  return properties.length;
}
