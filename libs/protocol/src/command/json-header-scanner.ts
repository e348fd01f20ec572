import { JSON_DEPTH_MAX } from '../defaults.js';
import { ProtocolError } from '../errors.js';
import { clearFieldIndex, indexField, KEY_ESCAPED, VALUE_ESCAPED, VALUE_NOT_ASCII } from './field-index.js';
import { unescapeJson } from './json-string.js';
import { internLanguage, parseInteger, scannedHeader } from './scanned-header.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Set by {@link skipString}: escapes and bytes above 127 seen, as {@link VALUE_ESCAPED} and {@link VALUE_NOT_ASCII}. */
let stringFlags = 0;

/**
 * Reads a JSON header in one pass over its bytes: the frame's own fields into {@link scannedHeader}, the places of the
 * ext fields into {@link fieldIndex}. No text is built but `remark` and an unknown `language`.
 * @throws ProtocolError PROTOCOL_HEADER when the bytes are not one JSON object of that shape
 */
export function scanJsonHeader(bytes: Buffer, start: number, end: number): void {
  let p = skipBlanks(bytes, start, end);
  if (p >= end || bytes[p] !== OPEN_BRACE) throw malformed('does not start with {', p - start);
  p = skipBlanks(bytes, p + 1, end);
  if (p < end && bytes[p] === CLOSE_BRACE) return finish(bytes, p + 1, end, start);
  for (;;) {
    if (p >= end || bytes[p] !== QUOTE) throw malformed('has a key without quotes', p - start);
    const keyStart = p + 1;
    const keyEnd = skipString(bytes, keyStart, end);
    p = skipBlanks(bytes, keyEnd + 1, end);
    if (p >= end || bytes[p] !== COLON) throw malformed('has a key without a value', p - start);
    p = skipBlanks(bytes, p + 1, end);
    p = scanMember(bytes, keyStart, keyEnd, p, end);
    p = skipBlanks(bytes, p, end);
    if (p >= end) throw malformed('ends within its object', p - start);
    if (bytes[p] === CLOSE_BRACE) return finish(bytes, p + 1, end, start);
    if (bytes[p] !== COMMA) throw malformed('has no comma between members', p - start);
    p = skipBlanks(bytes, p + 1, end);
  }
}

/** Reads one member of the header by its key; returns the position after its value. Unknown keys are passed over. */
function scanMember(bytes: Buffer, keyStart: number, keyEnd: number, p: number, end: number): number {
  switch (keyEnd - keyStart) {
    case 4:
      if (isKey(bytes, keyStart, 'code')) return ((scannedHeader.code = integerAt(bytes, p, end)), valueEnd);
      if (isKey(bytes, keyStart, 'flag')) return ((scannedHeader.flag = integerAt(bytes, p, end)), valueEnd);
      break;
    case 6:
      if (isKey(bytes, keyStart, 'opaque')) return ((scannedHeader.opaque = integerAt(bytes, p, end)), valueEnd);
      if (isKey(bytes, keyStart, 'remark')) return ((scannedHeader.remark = textAt(bytes, p, end)), valueEnd);
      break;
    case 7:
      if (isKey(bytes, keyStart, 'version')) return ((scannedHeader.version = integerAt(bytes, p, end)), valueEnd);
      break;
    case 8:
      if (isKey(bytes, keyStart, 'language')) return scanLanguage(bytes, p, end);
      break;
    case 9:
      if (isKey(bytes, keyStart, 'extFields')) {
        if (p < end && bytes[p] === OPEN_BRACE) {
          scannedHeader.extStart = p;
          return scanJsonExtFields(bytes, p, end);
        }
        return skipValue(bytes, p, end, 0);
      }
      break;
    default:
  }
  return skipValue(bytes, p, end, 0);
}

/**
 * Indexes the ext fields of a header.
 * @param p position of the opening brace of `extFields`
 * @returns the position after its closing brace
 */
export function scanJsonExtFields(bytes: Buffer, p: number, end: number): number {
  clearFieldIndex();
  p = skipBlanks(bytes, p + 1, end);
  if (p < end && bytes[p] === CLOSE_BRACE) return p + 1;
  for (;;) {
    if (p >= end || bytes[p] !== QUOTE) throw malformed('has an ext field without a quoted name', p);
    const keyStart = p + 1;
    const keyEnd = skipString(bytes, keyStart, end);
    const keyFlags = (stringFlags & VALUE_ESCAPED) === 0 ? 0 : KEY_ESCAPED;
    p = keyEnd + 1;
    if (p >= end || bytes[p] !== COLON) {
      p = skipBlanks(bytes, p, end);
      if (p >= end || bytes[p] !== COLON) throw malformed('has an ext field without a value', p);
    }
    p = skipBlanks(bytes, p + 1, end);
    if (p < end && bytes[p] === QUOTE) {
      const valueStart = p + 1;
      p = skipString(bytes, valueStart, end);
      indexField(keyStart, keyEnd, valueStart, p, keyFlags | stringFlags);
      p += 1;
    } else {
      // Some clients write bare numbers and booleans; a null reads as an absent field, other values as their JSON text.
      const valueStart = p;
      p = skipValue(bytes, p, end, 0);
      if (bytes[valueStart] !== 0x6e) indexField(keyStart, keyEnd, valueStart, p, keyFlags | VALUE_NOT_ASCII);
    }
    if (p < end && bytes[p] !== COMMA && bytes[p] !== CLOSE_BRACE) p = skipBlanks(bytes, p, end);
    if (p >= end) throw malformed('ends within extFields', p);
    if (bytes[p] === CLOSE_BRACE) return p + 1;
    if (bytes[p] !== COMMA) throw malformed('has no comma between ext fields', p);
    p = skipBlanks(bytes, p + 1, end);
  }
}

/** @returns the position of the closing quote of the string whose first character stands at `p` */
function skipString(bytes: Buffer, p: number, end: number): number {
  let all = 0;
  let flags = 0;
  while (p < end) {
    const c = bytes[p];
    if (c === QUOTE) {
      stringFlags = all > 127 ? flags | VALUE_NOT_ASCII : flags;
      return p;
    }
    all |= c;
    if (c === BACKSLASH) {
      flags = VALUE_ESCAPED;
      p += 2;
    } else {
      p += 1;
    }
  }
  throw malformed('ends within a string', p);
}

/** Set by {@link integerAt} and {@link textAt}: the position after the value they read. */
let valueEnd = 0;

function integerAt(bytes: Buffer, p: number, end: number): number {
  let start = p;
  if (p < end && bytes[p] === QUOTE) {
    start = p + 1;
    p = skipString(bytes, start, end);
    valueEnd = p + 1;
  } else {
    p = skipValue(bytes, p, end, 0);
    valueEnd = p;
    if (bytes[start] === 0x6e) return 0;
  }
  const value = parseInteger(bytes, start, p);
  if (value >= -0x80000000 && value <= 0x7fffffff) return value;
  throw malformed('has a number that is not an int32', start);
}

function textAt(bytes: Buffer, p: number, end: number): string | undefined {
  if (p < end && bytes[p] === QUOTE) {
    const close = skipString(bytes, p + 1, end);
    valueEnd = close + 1;
    return (stringFlags & VALUE_ESCAPED) === 0
      ? bytes.toString('utf8', p + 1, close)
      : unescapeJson(bytes, p + 1, close);
  }
  valueEnd = skipValue(bytes, p, end, 0);
  return bytes[p] === 0x6e ? undefined : bytes.toString('utf8', p, valueEnd);
}

function scanLanguage(bytes: Buffer, p: number, end: number): number {
  if (p < end && bytes[p] === QUOTE) {
    const close = skipString(bytes, p + 1, end);
    scannedHeader.language = internLanguage(bytes, p + 1, close);
    return close + 1;
  }
  return skipValue(bytes, p, end, 0);
}

/** Passes over any JSON value; returns the position after it. */
function skipValue(bytes: Buffer, p: number, end: number, depth: number): number {
  if (p >= end) throw malformed('ends before a value', p);
  const first = bytes[p];
  if (first === QUOTE) return skipString(bytes, p + 1, end) + 1;
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(bytes, p, end, depth + 1);
  const start = p;
  while (p < end && isScalarByte(bytes[p])) p++;
  if (p === start) throw malformed('has no value where one must stand', p);
  return p;
}

function skipNested(bytes: Buffer, p: number, end: number, depth: number): number {
  if (depth > JSON_DEPTH_MAX) {
    throw new ProtocolError('PROTOCOL_LIMIT', `A JSON header nests deeper than ${JSON_DEPTH_MAX} levels`);
  }
  const isObject = bytes[p] === OPEN_BRACE;
  const close = isObject ? CLOSE_BRACE : CLOSE_BRACKET;
  p = skipBlanks(bytes, p + 1, end);
  if (p < end && bytes[p] === close) return p + 1;
  for (;;) {
    p = skipValue(bytes, p, end, depth);
    if (isObject) {
      p = skipBlanks(bytes, p, end);
      if (p >= end || bytes[p] !== COLON) throw malformed('has an object member without a value', p);
      p = skipValue(bytes, skipBlanks(bytes, p + 1, end), end, depth);
    }
    p = skipBlanks(bytes, p, end);
    if (p < end && bytes[p] === close) return p + 1;
    if (p >= end || bytes[p] !== COMMA) throw malformed('has no comma between values', p);
    p = skipBlanks(bytes, p + 1, end);
  }
}

/** Letters, digits, sign and point: what numbers, true, false and null are made of. */
function isScalarByte(c: number): boolean {
  return (
    (c >= 0x30 && c <= 0x39) ||
    (c >= 0x61 && c <= 0x7a) ||
    (c >= 0x41 && c <= 0x5a) ||
    c === 0x2d ||
    c === 0x2b ||
    c === 0x2e
  );
}

function skipBlanks(bytes: Buffer, p: number, end: number): number {
  while (p < end) {
    const c = bytes[p];
    if (c > 0x20 || (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09)) return p;
    p++;
  }
  return p;
}

function isKey(bytes: Buffer, start: number, key: string): boolean {
  for (let i = 0; i < key.length; i++) {
    if (bytes[start + i] !== key.charCodeAt(i)) return false;
  }
  return true;
}

function finish(bytes: Buffer, p: number, end: number, start: number): void {
  if (skipBlanks(bytes, p, end) !== end) throw malformed('goes on after its object', p - start);
}

function malformed(what: string, position: number): ProtocolError {
  return new ProtocolError('PROTOCOL_HEADER', `A JSON header ${what} (near byte ${position})`, { position });
}
