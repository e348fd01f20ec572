import { clearFieldIndex, indexField, VALUE_ESCAPED, VALUE_MAY_BE_UTF8 } from './field-index.js';
import { internLanguage, scannedHeader } from './scanned-header.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Where the last of these functions stopped reading; 0 when it found what it doesn't read. */
let position = 0;

/** A text to compare with, as 4-byte words and the bytes that are left. */
interface Expected {
  words: Int32Array;
  rest: Uint8Array;
}

function expected(text: string): Expected {
  const bytes = Buffer.from(text);
  const words = Int32Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readInt32BE(i * 4));
  return { words, rest: Uint8Array.from(bytes.subarray(words.length * 4)) };
}

const CODE = expected('"code":');
const EXT_FIELDS = expected('"extFields":{');
const FLAG = expected('"flag":');
const LANGUAGE = expected('"language":"');
const OPAQUE = expected('"opaque":');
const REMARK = expected('"remark":"');
const SERIALIZE_TYPE = expected('"serializeTypeCurrentRPC":"JSON"');
const VERSION = expected('"version":');

/**
 * Reads a JSON header in the form that all known clients write: no blanks, plain integers, ext fields as strings. One pass over
 * the bytes; no text is made of them but `remark`: calls into the runtime for each field cost more than the loop.
 * @returns false when the header has any other form: read it with `scanJsonHeader`, which takes all of JSON
 */
export function scanCanonicalHeader(bytes: Buffer, start: number, end: number): boolean {
  const last = end - 1;
  let p = start;
  if (bytes[p] !== OPEN_BRACE || bytes[last] !== CLOSE_BRACE) return false;
  do {
    p += 1;
    position = 0;
    // The first letter says which member it can be; the comparison with the whole name makes sure.
    switch (bytes[p + 1]) {
      case 0x63:
        if (standsAt(bytes, p, CODE)) scannedHeader.code = integerAt(bytes, p + 7);
        break;
      case 0x65:
        if (!standsAt(bytes, p, EXT_FIELDS)) return false;
        scannedHeader.extStart = p + 12;
        if (!scanCanonicalExtFields(bytes, p + 12, end)) return false;
        break;
      case 0x66:
        if (standsAt(bytes, p, FLAG)) scannedHeader.flag = integerAt(bytes, p + 7);
        break;
      case 0x6c:
        if (standsAt(bytes, p, LANGUAGE) && plainStringEnds(bytes, p + 12, end)) {
          scannedHeader.language = internLanguage(bytes, p + 12, position - 1);
        }
        break;
      case 0x6f:
        if (standsAt(bytes, p, OPAQUE)) scannedHeader.opaque = integerAt(bytes, p + 9);
        break;
      case 0x72:
        if (standsAt(bytes, p, REMARK) && plainStringEnds(bytes, p + 10, end)) {
          scannedHeader.remark = bytes.toString('utf8', p + 10, position - 1);
        }
        break;
      case 0x73:
        if (standsAt(bytes, p, SERIALIZE_TYPE)) position = p + 32;
        break;
      case 0x76:
        if (standsAt(bytes, p, VERSION)) scannedHeader.version = integerAt(bytes, p + 10);
        break;
      default:
    }
    p = position;
  } while (p !== 0 && p < last && bytes[p] === COMMA);
  return p === last;
}

/**
 * Indexes ext fields of that form.
 * @param p place of the opening brace in `bytes`
 * @param end behind the last byte of the header
 * @returns false when they have any other form
 */
export function scanCanonicalExtFields(bytes: Buffer, p: number, end: number): boolean {
  clearFieldIndex();
  p += 1;
  if (bytes[p] === CLOSE_BRACE) {
    position = p + 1;
    return true;
  }
  for (;;) {
    if (bytes[p] !== QUOTE) return false;
    const keyStart = p + 1;
    let keyEnd = keyStart;
    for (; keyEnd < end && bytes[keyEnd] !== QUOTE; keyEnd++) {
      // An escape in a name is rare enough for the thorough scanner.
      if (bytes[keyEnd] === BACKSLASH) return false;
    }
    if (keyEnd === keyStart || bytes[keyEnd + 1] !== COLON || bytes[keyEnd + 2] !== QUOTE) return false;
    const valueStart = keyEnd + 3;
    let valueEnd = valueStart;
    let flags = 0;
    let all = 0;
    for (; valueEnd < end; valueEnd++) {
      const byte = bytes[valueEnd];
      if (byte === QUOTE) break;
      all |= byte;
      if (byte === BACKSLASH) {
        flags = VALUE_ESCAPED;
        valueEnd++;
      }
    }
    if (valueEnd >= end) return false;
    if (all > 127) flags |= VALUE_MAY_BE_UTF8;
    indexField(keyStart, keyEnd, valueStart, valueEnd, flags);
    p = valueEnd + 2;
    const next = bytes[valueEnd + 1];
    if (next === CLOSE_BRACE) {
      position = p;
      return true;
    }
    if (next !== COMMA) return false;
  }
}

function standsAt(bytes: Buffer, p: number, { words, rest }: Expected): boolean {
  for (let i = 0; i < words.length; i++, p += 4) {
    const word = (bytes[p] << 24) | (bytes[p + 1] << 16) | (bytes[p + 2] << 8) | bytes[p + 3];
    if (word !== words[i]) return false;
  }
  for (let i = 0; i < rest.length; i++) {
    if (bytes[p + i] !== rest[i]) return false;
  }
  return true;
}

/** Digits of the largest int32. */
const PLAIN_DIGITS = 10;
const INT32_MAX = 0x7fffffff;

/** Integer at `p`; {@link position} becomes the place after it when it is plain. */
function integerAt(bytes: Buffer, p: number): number {
  let value = 0;
  const limit = p + PLAIN_DIGITS;
  let q = p;
  for (; q <= limit; q++) {
    const digit = bytes[q] - 0x30;
    // Also ends at the NaN behind the frame's end.
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  if (q > p && q <= limit && value <= INT32_MAX) position = q;
  return value;
}

/** True when a string without escapes begins at `p`; {@link position} becomes the place after its quote. */
function plainStringEnds(bytes: Buffer, p: number, end: number): boolean {
  for (; p < end && bytes[p] !== QUOTE; p++) if (bytes[p] === BACKSLASH) return false;
  if (p >= end) return false;
  position = p + 1;
  return true;
}
