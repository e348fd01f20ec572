import { JSON_DEPTH_MAX, JSON_VALUES_MAX } from '../defaults.js';
import { ProtocolError } from '../errors.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Counts brackets and separators before anything is built: 16 MiB of `[[[[` would become hundreds of megabytes of arrays, and
 * overflow the stack of whoever walks through them.
 * @throws ProtocolError PROTOCOL_LIMIT above {@link JSON_DEPTH_MAX} levels or about {@link JSON_VALUES_MAX} values
 */
export function checkJsonBounds(text: string): void {
  let depth = 0;
  let separators = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE:
        i = stringEnd(text, i);
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > JSON_DEPTH_MAX) throw limit(`nests deeper than ${JSON_DEPTH_MAX} levels`);
        separators++;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        break;
      case COMMA:
      case COLON:
        separators++;
        break;
      default:
    }
  }
  if (separators > JSON_VALUES_MAX) throw limit(`has more than ${JSON_VALUES_MAX} values`);
}

/** Place of the quote that ends the string beginning at `start`, or the text's end. */
function stringEnd(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
  } while (isEscaped(text, end));
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return (backslashes & 1) === 1;
}

function limit(what: string): ProtocolError {
  return new ProtocolError('PROTOCOL_LIMIT', `the JSON body ${what}`);
}
