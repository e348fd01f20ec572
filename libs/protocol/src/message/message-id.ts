import { ProtocolError } from '../errors.js';
import { decodeHost, HOST_V4_BYTES, HOST_V6_BYTES } from './host.js';
import { readInt64, writeInt64 } from './int64.js';

const OFFSET_BYTES = 8;
const scratch = Buffer.allocUnsafeSlow(HOST_V6_BYTES + OFFSET_BYTES);

/** Where a message stands: its broker and the commit log offset. */
export interface OffsetMsgId {
  /** `ip:port`. */
  address: string;
  physicalOffset: number;
}

/**
 * Id that says where a message stands: upper-case hex of host bytes (8 | 20) and int64 commit log offset.
 *
 * Follows `MessageDecoder.createMessageId`.
 */
export function createOffsetMsgId(hostBytes: Buffer, physicalOffset: number): string {
  const length = hostBytes.length;
  scratch.set(hostBytes, 0);
  writeInt64(scratch, physicalOffset, length);
  return scratch.toString('hex', 0, length + OFFSET_BYTES).toUpperCase();
}

/**
 * Ids of one host without rewriting its part each time; the hex of the host is kept.
 * @returns a function from commit log offset to id
 */
export function offsetMsgIdFactory(hostBytes: Buffer): (physicalOffset: number) => string {
  const host = hostBytes.toString('hex').toUpperCase();
  return (physicalOffset) => host + physicalOffset.toString(16).toUpperCase().padStart(16, '0');
}

/**
 * Address and offset of an offset message id.
 * @throws ProtocolError PROTOCOL_INVALID_ARGUMENT when the id is not 32 or 56 hex digits
 */
export function decodeOffsetMsgId(id: string): OffsetMsgId {
  const hostLength = id.length === 32 ? HOST_V4_BYTES : id.length === 56 ? HOST_V6_BYTES : 0;
  if (hostLength === 0 || !/^[0-9A-Fa-f]+$/.test(id)) {
    throw new ProtocolError(
      'PROTOCOL_INVALID_ARGUMENT',
      `${JSON.stringify(id.slice(0, 80))} is not an offset message id: it has 32 (IPv4) or 56 (IPv6) hex digits`,
      { id: id.slice(0, 80) },
    );
  }
  const bytes = Buffer.from(id, 'hex');
  return { address: decodeHost(bytes, 0, hostLength), physicalOffset: readInt64(bytes, hostLength) };
}
