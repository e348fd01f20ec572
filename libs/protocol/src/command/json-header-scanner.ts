import { clearFieldIndex, indexField, KEY_ESCAPED, VALUE_ESCAPED, VALUE_MAY_BE_UTF8 } from './field-index.js';
import {
  BACKSLASH,
  CLOSE_BRACE,
  COLON,
  COMMA,
  malformed,
  OPEN_BRACE,
  QUOTE,
  skipBlanks,
  skipValue,
} from './json-skip.js';
import { skipString, stringEscaped, resetStringSearch } from './json-skip.js';
import { unescapeJson } from './json-string.js';
import { equalsAscii, internLanguage, parseInteger, scannedHeader } from './scanned-header.js';

/** First letter of `null`. */
const LETTER_N = 0x6e;

/**
 * Reads a JSON header in one pass over its bytes: the frame's own fields into {@link scannedHeader}, the places of the
 * ext fields into the field index. No text is built but `remark` and an unknown `language`.
 * @throws ProtocolError PROTOCOL_HEADER when the bytes are not one JSON object of that shape
 */
export function scanJsonHeader(bytes: Buffer, start: number, end: number): void {
  resetStringSearch();
  let p = skipBlanks(bytes, start, end);
  if (p >= end || bytes[p] !== OPEN_BRACE) throw malformed('does not start with {', p);
  p = skipBlanks(bytes, p + 1, end);
  if (p < end && bytes[p] === CLOSE_BRACE) return finish(bytes, p + 1, end);
  for (;;) {
    if (p >= end || bytes[p] !== QUOTE) throw malformed('has a key without quotes', p);
    const keyStart = p + 1;
    const keyEnd = skipString(bytes, keyStart, end);
    p = keyEnd + 1;
    if (p >= end || bytes[p] !== COLON) {
      p = skipBlanks(bytes, p, end);
      if (p >= end || bytes[p] !== COLON) throw malformed('has a key without a value', p);
    }
    p = skipBlanks(bytes, p + 1, end);
    p = scanMember(bytes, keyStart, keyEnd, p, end);
    p = skipBlanks(bytes, p, end);
    if (p >= end) throw malformed('ends within its object', p);
    if (bytes[p] === CLOSE_BRACE) return finish(bytes, p + 1, end);
    if (bytes[p] !== COMMA) throw malformed('has no comma between members', p);
    p = skipBlanks(bytes, p + 1, end);
  }
}

/** Reads one member of the header by its key; returns the position after its value. Unknown keys are passed over. */
function scanMember(bytes: Buffer, keyStart: number, keyEnd: number, p: number, end: number): number {
  switch (keyEnd - keyStart) {
    case 4:
      if (equalsAscii(bytes, keyStart, 'code')) return ((scannedHeader.code = integerAt(bytes, p, end)), valueEnd);
      if (equalsAscii(bytes, keyStart, 'flag')) return ((scannedHeader.flag = integerAt(bytes, p, end)), valueEnd);
      break;
    case 6:
      if (equalsAscii(bytes, keyStart, 'opaque')) return ((scannedHeader.opaque = integerAt(bytes, p, end)), valueEnd);
      if (equalsAscii(bytes, keyStart, 'remark')) return ((scannedHeader.remark = textAt(bytes, p, end)), valueEnd);
      break;
    case 7:
      if (equalsAscii(bytes, keyStart, 'version'))
        return ((scannedHeader.version = integerAt(bytes, p, end)), valueEnd);
      break;
    case 8:
      if (equalsAscii(bytes, keyStart, 'language') && p < end && bytes[p] === QUOTE) {
        const close = skipString(bytes, p + 1, end);
        scannedHeader.language = internLanguage(bytes, p + 1, close);
        return close + 1;
      }
      break;
    case 9:
      if (equalsAscii(bytes, keyStart, 'extFields') && p < end && bytes[p] === OPEN_BRACE) {
        scannedHeader.extStart = p;
        return scanExtFields(bytes, p, end);
      }
      break;
    default:
  }
  return skipValue(bytes, p, end, 0);
}

/**
 * Indexes the ext fields of a header that was scanned before.
 * @param p position of the opening brace of `extFields`
 */
export function rescanJsonExtFields(bytes: Buffer, p: number, end: number): void {
  resetStringSearch();
  scanExtFields(bytes, p, end);
}

/** @returns the position after the closing brace */
function scanExtFields(bytes: Buffer, p: number, end: number): number {
  clearFieldIndex();
  p = skipBlanks(bytes, p + 1, end);
  if (p < end && bytes[p] === CLOSE_BRACE) return p + 1;
  for (;;) {
    if (p >= end || bytes[p] !== QUOTE) throw malformed('has an ext field without a quoted name', p);
    const keyStart = p + 1;
    let keyEnd = p + 2;
    let flags = VALUE_MAY_BE_UTF8;
    // Names of one letter are the common case.
    if (keyEnd >= end || bytes[keyEnd] !== QUOTE || bytes[keyStart] === BACKSLASH || bytes[keyStart] === QUOTE) {
      keyEnd = skipString(bytes, keyStart, end);
      if (stringEscaped) flags |= KEY_ESCAPED;
    }
    p = keyEnd + 1;
    if (p >= end || bytes[p] !== COLON) {
      p = skipBlanks(bytes, p, end);
      if (p >= end || bytes[p] !== COLON) throw malformed('has an ext field without a value', p);
    }
    p += 1;
    if (p >= end || bytes[p] !== QUOTE) p = skipBlanks(bytes, p, end);
    if (p < end && bytes[p] === QUOTE) {
      const valueStart = p + 1;
      p = skipString(bytes, valueStart, end);
      indexField(keyStart, keyEnd, valueStart, p, stringEscaped ? flags | VALUE_ESCAPED : flags);
      p += 1;
    } else {
      // Some clients write bare numbers and booleans; a null reads as an absent field, other values as their JSON text.
      const valueStart = p;
      p = skipValue(bytes, p, end, 0);
      if (bytes[valueStart] !== LETTER_N) indexField(keyStart, keyEnd, valueStart, p, flags);
    }
    if (p < end && bytes[p] !== COMMA && bytes[p] !== CLOSE_BRACE) p = skipBlanks(bytes, p, end);
    if (p >= end) throw malformed('ends within extFields', p);
    if (bytes[p] === CLOSE_BRACE) return p + 1;
    if (bytes[p] !== COMMA) throw malformed('has no comma between ext fields', p);
    p += 1;
    if (p >= end || bytes[p] !== QUOTE) p = skipBlanks(bytes, p, end);
  }
}

/** Set by {@link integerAt} and {@link textAt}: the position after the value they read. */
let valueEnd = 0;

/** Digits of a plain integer that cannot leave int32. */
const PLAIN_DIGITS = 9;

function integerAt(bytes: Buffer, p: number, end: number): number {
  let value = 0;
  const limit = Math.min(p + PLAIN_DIGITS, end);
  let q = p;
  for (; q < limit; q++) {
    const digit = bytes[q] - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (q > p && q < end && (bytes[q] === COMMA || bytes[q] === CLOSE_BRACE)) {
    valueEnd = q;
    return value;
  }
  return unusualIntegerAt(bytes, p, end);
}

/** Negative and long integers, and what else fastjson takes for one: quoted integers and null. */
function unusualIntegerAt(bytes: Buffer, p: number, end: number): number {
  let start = p;
  valueEnd = skipValue(bytes, p, end, 0);
  let textEnd = valueEnd;
  if (bytes[p] === LETTER_N) return 0;
  if (bytes[p] === QUOTE) {
    start += 1;
    textEnd -= 1;
  }
  const value = parseInteger(bytes, start, textEnd);
  if (value >= -0x80000000 && value <= 0x7fffffff) return value;
  throw malformed('has a number that is not an int32', start);
}

function textAt(bytes: Buffer, p: number, end: number): string | undefined {
  valueEnd = skipValue(bytes, p, end, 0);
  if (bytes[p] !== QUOTE) return bytes[p] === LETTER_N ? undefined : bytes.toString('utf8', p, valueEnd);
  return stringEscaped ? unescapeJson(bytes, p + 1, valueEnd - 1) : bytes.toString('utf8', p + 1, valueEnd - 1);
}

function finish(bytes: Buffer, p: number, end: number): void {
  if (p !== end && skipBlanks(bytes, p, end) !== end) throw malformed('goes on after its object', p);
}
