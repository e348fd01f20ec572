import { JSON_DEPTH_MAX } from '../defaults.js';
import { ProtocolError } from '../errors.js';

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Set by {@link skipString}: whether the string has escapes. */
export let stringEscaped = false;

/** The first backslash at or behind the last place that was asked for, Infinity when there is none any more. */
let nextBackslash = -1;

/** To be called before other bytes are looked through. */
export function resetStringSearch(): void {
  nextBackslash = -1;
}

/** Strings up to this length are looked through byte by byte; a native search costs as much as about 16 bytes of that. */
const SHORT_STRING_BYTES = 16;

/** @returns the position of the closing quote of the string whose first character stands at `p` */
export function skipString(bytes: Buffer, p: number, end: number): number {
  const near = Math.min(p + SHORT_STRING_BYTES, end);
  for (let i = p; i < near; i++) {
    const c = bytes[i];
    if (c === QUOTE) {
      stringEscaped = false;
      return i;
    }
    if (c === BACKSLASH) return skipLongString(bytes, i, end);
  }
  return skipLongString(bytes, near, end);
}

/** The same with native searches; no backslash stands right before `p`. */
function skipLongString(bytes: Buffer, p: number, end: number): number {
  let quote = bytes.indexOf(QUOTE, p);
  if (nextBackslash < p) {
    const found = bytes.indexOf(BACKSLASH, p);
    nextBackslash = found < 0 ? Infinity : found;
  }
  stringEscaped = nextBackslash < quote;
  while (stringEscaped && quote > 0 && quote < end && isEscapedQuote(bytes, p, quote)) {
    quote = bytes.indexOf(QUOTE, quote + 1);
  }
  if (quote < 0 || quote >= end) throw malformed('ends within a string', end);
  return quote;
}

/** True when an odd number of backslashes stands before the quote. */
function isEscapedQuote(bytes: Buffer, start: number, quote: number): boolean {
  let p = quote - 1;
  while (p >= start && bytes[p] === BACKSLASH) p--;
  return ((quote - p) & 1) === 0;
}

/** Passes over any JSON value; returns the position after it. */
export function skipValue(bytes: Buffer, p: number, end: number, depth: number): number {
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

export function skipBlanks(bytes: Buffer, p: number, end: number): number {
  while (p < end) {
    const c = bytes[p];
    if (c > 0x20 || (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09)) return p;
    p++;
  }
  return p;
}

export function malformed(what: string, position: number): ProtocolError {
  return new ProtocolError('PROTOCOL_HEADER', `A JSON header ${what} (near byte ${position} of the frame)`, {
    position,
  });
}
