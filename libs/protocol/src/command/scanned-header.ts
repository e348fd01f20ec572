import { ProtocolError } from '../errors.js';

/**
 * The frame's own header fields, as the scanner found them last. Reused for each frame; `decodeFrame` copies it into the
 * command.
 */
export const scannedHeader = {
  code: 0,
  flag: 0,
  opaque: 0,
  version: 0,
  language: 'OTHER',
  remark: undefined as string | undefined,
  /** Where the ext fields begin (JSON: the brace; compact: the first entry), -1 when there are none. */
  extStart: -1,
};

export function resetScannedHeader(): void {
  scannedHeader.code = 0;
  scannedHeader.flag = 0;
  scannedHeader.opaque = 0;
  scannedHeader.version = 0;
  scannedHeader.language = 'OTHER';
  scannedHeader.remark = undefined;
  scannedHeader.extStart = -1;
}

const COMMON_LANGUAGES = ['JAVA', 'GO', 'OTHER', 'CPP', 'PYTHON', 'NODE_JS', 'RUST', 'DOTNET', 'PHP', 'HTTP'];
const LANGUAGE_MAX_BYTES = 64;

/** The language's name without building a string for the common ones. */
export function internLanguage(bytes: Buffer, start: number, end: number): string {
  for (const language of COMMON_LANGUAGES) {
    if (language.length === end - start && equalsAscii(bytes, start, language)) return language;
  }
  return bytes.toString('utf8', start, Math.min(end, start + LANGUAGE_MAX_BYTES));
}

/** True when the bytes from `start` on spell `text`; the caller has compared the lengths. */
export function equalsAscii(bytes: Buffer, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** Decimal digits that are exact in a double whatever they are. */
const EXACT_DIGITS = 15;

/**
 * Integer written in decimal between `start` and `end`, without building text.
 * @returns NaN when the bytes are not an integer or it is outside the safe range
 */
export function parseInteger(bytes: Buffer, start: number, end: number): number {
  let p = start;
  const negative = p < end && bytes[p] === 0x2d;
  if (negative) p++;
  const digits = end - p;
  if (digits > 0 && digits <= EXACT_DIGITS) {
    let value = 0;
    for (; p < end; p++) {
      const digit = bytes[p] - 0x30;
      if (digit < 0 || digit > 9) return NaN;
      value = value * 10 + digit;
    }
    return negative && value !== 0 ? -value : value;
  }
  return end - start > 32 ? NaN : parseIntegerText(bytes.toString('latin1', start, end));
}

/** The same for text: decimal digits with an optional sign, else NaN. */
export function parseIntegerText(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) return NaN;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value + 0 : NaN;
}

/** Refuses a length field of a compact header that leaves the header. */
export function badLength(field: string, length: number): ProtocolError {
  return new ProtocolError('PROTOCOL_HEADER', `The ${field} of a compact header has the impossible length ${length}`, {
    field,
    length,
  });
}
