import { ProtocolError } from '../errors.js';

const BACKSLASH = 0x5c;
const SCRATCH_BYTES = 65_536;

/** Unescaped text is first written here as UTF-8, then read in one call: much cheaper than joining pieces. */
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** Value of each hex digit by its byte, 255 for the rest. */
const HEX = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX[i.toString(16).charCodeAt(0)] = i;
  HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

/** What a one-letter escape stands for; 0 for letters that are none. fastjson also writes `\v`. */
const SHORT = new Uint8Array(256);
for (const [letter, byte] of Object.entries({
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
})) {
  SHORT[letter.charCodeAt(0)] = byte;
}

/** Bytes above 127 were among those that {@link unescapeJsonInto} wrote last. */
let wroteHighBytes = false;

/**
 * Text of a JSON string that has escapes.
 * @param bytes holds the string between `start` and `end`, without its quotes
 * @throws ProtocolError PROTOCOL_HEADER for an escape that JSON doesn't know
 */
export function unescapeJson(bytes: Buffer, start: number, end: number): string {
  const target = end - start <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(end - start);
  const length = unescapeJsonInto(bytes, start, end, target);
  if (length < 0) return unescapePiecewise(bytes, start, end);
  return target.toString(wroteHighBytes ? 'utf8' : 'latin1', 0, length);
}

/**
 * Writes the UTF-8 of a JSON string to `target`, from its start on; there must be room for `end - start` bytes, as UTF-8 of an escape is
 * never longer than the escape itself.
 * @returns how many bytes were written; -1 when the string has escaped surrogates, which may be lone and then have no UTF-8
 * @throws ProtocolError PROTOCOL_HEADER for an escape that JSON doesn't know
 */
export function unescapeJsonInto(bytes: Buffer, start: number, end: number, target: Buffer): number {
  let length = 0;
  let all = 0;
  for (let p = start; p < end; p++) {
    const c = bytes[p];
    if (c !== BACKSLASH) {
      target[length++] = c;
      all |= c;
      continue;
    }
    const letter = p + 1 < end ? bytes[p + 1] : 0;
    // Separators of properties, \u0001 and \u0002, are nearly all escapes there are.
    if (letter === 0x75 && p + 6 <= end && bytes[p + 2] === 0x30 && bytes[p + 3] === 0x30 && bytes[p + 4] === 0x30) {
      const digit = bytes[p + 5] - 0x30;
      if (digit >= 0 && digit <= 9) {
        target[length++] = digit;
        p += 5;
        continue;
      }
    }
    if (letter !== 0x75) {
      target[length++] = shortEscape(letter);
      p += 1;
      continue;
    }
    const unit = hexUnit(bytes, p + 2, end);
    p += 5;
    if (unit < 0x80) {
      target[length++] = unit;
    } else if (unit < 0x800) {
      target[length++] = 0xc0 | (unit >> 6);
      target[length++] = 0x80 | (unit & 0x3f);
      all |= 0x80;
    } else if (unit >= 0xd800 && unit <= 0xdfff) {
      return -1;
    } else {
      target[length++] = 0xe0 | (unit >> 12);
      target[length++] = 0x80 | ((unit >> 6) & 0x3f);
      target[length++] = 0x80 | (unit & 0x3f);
      all |= 0x80;
    }
  }
  wroteHighBytes = (all & 0x80) !== 0;
  return length;
}

/** The same for strings with escaped surrogates, which may be lone and then have no UTF-8. */
function unescapePiecewise(bytes: Buffer, start: number, end: number): string {
  let text = '';
  let pieceStart = start;
  for (let p = start; p < end; p++) {
    if (bytes[p] !== BACKSLASH) continue;
    text += bytes.toString('utf8', pieceStart, p);
    const letter = p + 1 < end ? bytes[p + 1] : 0;
    if (letter === 0x75) {
      text += String.fromCharCode(hexUnit(bytes, p + 2, end));
      p += 5;
    } else {
      text += String.fromCharCode(shortEscape(letter));
      p += 1;
    }
    pieceStart = p + 1;
  }
  return text + bytes.toString('utf8', pieceStart, end);
}

function shortEscape(letter: number): number {
  const byte = SHORT[letter];
  if (byte === 0) {
    throw new ProtocolError('PROTOCOL_HEADER', `A JSON string has the unknown escape \\${String.fromCharCode(letter)}`);
  }
  return byte;
}

function hexUnit(bytes: Buffer, start: number, end: number): number {
  if (start + 4 <= end) {
    const a = HEX[bytes[start]];
    const b = HEX[bytes[start + 1]];
    const c = HEX[bytes[start + 2]];
    const d = HEX[bytes[start + 3]];
    if ((a | b | c | d) < 16) return (a << 12) | (b << 8) | (c << 4) | d;
  }
  throw new ProtocolError('PROTOCOL_HEADER', 'A JSON string has \\u without four hex digits');
}
