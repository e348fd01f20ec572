import { languageName } from '../codes/language-code.js';
import { ProtocolError } from '../errors.js';
import { clearFieldIndex, indexField, VALUE_MAY_BE_UTF8 } from './field-index.js';
import { badLength, scannedHeader } from './scanned-header.js';

/** code 2, language 1, version 2, opaque 4, flag 4, remark length 4, ext length 4. */
const FIXED_BYTES = 21;

/**
 * Reads a compact ("ROCKETMQ") header: int16 code, int8 language, int16 version, int32 opaque, int32 flag,
 * int32 length + remark, int32 length + entries of `int16 length, key, int32 length, value`.
 *
 * Follows `remoting/protocol/RocketMQSerializable.java`.
 * @throws ProtocolError PROTOCOL_HEADER when a length leaves the header
 */
export function scanCompactHeader(bytes: Buffer, start: number, end: number): void {
  if (end - start < FIXED_BYTES) {
    throw new ProtocolError(
      'PROTOCOL_HEADER',
      `A compact header of ${end - start} bytes is shorter than ${FIXED_BYTES}`,
    );
  }
  scannedHeader.code = ((bytes[start] << 24) >> 16) | bytes[start + 1];
  scannedHeader.language = languageName(bytes[start + 2]);
  scannedHeader.version = ((bytes[start + 3] << 24) >> 16) | bytes[start + 4];
  scannedHeader.opaque = int32(bytes, start + 5);
  scannedHeader.flag = int32(bytes, start + 9);
  const remarkLength = int32(bytes, start + 13);
  let p = start + 17;
  if (remarkLength < 0 || remarkLength > end - p - 4) throw badLength('remark', remarkLength);
  if (remarkLength > 0) scannedHeader.remark = bytes.toString('utf8', p, p + remarkLength);
  p += remarkLength;
  const extLength = int32(bytes, p);
  p += 4;
  if (extLength < 0 || extLength > end - p) throw badLength('ext fields', extLength);
  if (extLength > 0) {
    scannedHeader.extStart = p;
    scanCompactExtFields(bytes, p, p + extLength);
  }
}

/** Indexes the entries between `p` and `end`. A zero-length value reads as an absent field, as in Java. */
export function scanCompactExtFields(bytes: Buffer, p: number, end: number): void {
  clearFieldIndex();
  while (p < end) {
    if (end - p < 2) throw badLength('ext fields', end - p);
    const keyLength = (bytes[p] << 8) | bytes[p + 1];
    const keyStart = p + 2;
    p = keyStart + keyLength;
    if (end - p < 4) throw badLength('name of an ext field', keyLength);
    const valueLength = int32(bytes, p);
    p += 4;
    if (valueLength < 0 || valueLength > end - p) throw badLength('value of an ext field', valueLength);
    if (valueLength > 0) {
      indexField(keyStart, keyStart + keyLength, p, p + valueLength, asciiFlag(bytes, p, p + valueLength));
    }
    p += valueLength;
  }
}

/** Longer values are decoded as UTF-8 without looking: one native call costs less than the loop. */
const ASCII_CHECK_MAX_BYTES = 32;

function asciiFlag(bytes: Buffer, p: number, end: number): number {
  if (end - p > ASCII_CHECK_MAX_BYTES) return VALUE_MAY_BE_UTF8;
  let all = 0;
  for (; p < end; p++) all |= bytes[p];
  return all > 127 ? VALUE_MAY_BE_UTF8 : 0;
}

function int32(bytes: Buffer, p: number): number {
  return (bytes[p] << 24) | (bytes[p + 1] << 16) | (bytes[p + 2] << 8) | bytes[p + 3];
}
