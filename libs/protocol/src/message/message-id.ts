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

const UPPER_HEX = Buffer.from('0123456789ABCDEF');
const OFFSET_DIGITS = 2 * OFFSET_BYTES;
const COMMA = 0x2c;
/** For the ids of 496 messages, those of IPv6 brokers for 289. */
const idsScratch = Buffer.alloc(16 * 1024);

/**
 * The ids of messages that stand one behind the other, joined by commas: the id of a batch. Written as bytes, since a text for each of them
 * was a twelfth of what a batch cost.
 *
 * @param sizes bytes of each record, at least one; the first stands at `physicalOffset`
 */
export function createOffsetMsgIds(hostBytes: Buffer, physicalOffset: number, sizes: readonly number[]): string {
  const hostDigits = 2 * hostBytes.length;
  const bytes = sizes.length * (hostDigits + OFFSET_DIGITS + 1);
  const ids = bytes <= idsScratch.length ? idsScratch : Buffer.allocUnsafe(bytes);
  let p = 0;
  for (const byte of hostBytes) {
    ids[p++] = UPPER_HEX[byte >> 4];
    ids[p++] = UPPER_HEX[byte & 15];
  }
  let offset = physicalOffset;
  for (let i = 0; i < sizes.length; i++) {
    if (i > 0) {
      ids[p++] = COMMA;
      ids.copyWithin(p, 0, hostDigits);
      p += hostDigits;
    }
    p += OFFSET_DIGITS;
    let rest = offset;
    for (let digit = p - 1; digit >= p - OFFSET_DIGITS; digit--) {
      const high = Math.floor(rest / 16);
      ids[digit] = UPPER_HEX[rest - 16 * high];
      rest = high;
    }
    offset += sizes[i];
  }
  return ids.toString('latin1', 0, p);
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
