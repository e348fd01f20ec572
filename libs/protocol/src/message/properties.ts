import { ProtocolError } from '../errors.js';

/** Between name and value. */
export const NAME_VALUE_SEPARATOR = '\u0001';
/** After each property; the last one may lack it (builds 4.9.1 to 5.1). */
export const PROPERTY_SEPARATOR = '\u0002';

/** Shortest property: one character, separator, one character. */
const SHORTEST = 3;

/**
 * Property block as text: `name 0x01 value 0x02` for each property. Undefined and empty values are left out, since readers drop them.
 *
 * Follows `MessageDecoder.messageProperties2String`.
 * @throws ProtocolError PROTOCOL_INVALID_ARGUMENT when a name or value holds a separator
 */
export function encodeProperties(properties: Readonly<Record<string, string | undefined>>): string {
  let text = '';
  for (const name in properties) {
    const value = properties[name];
    if (value === undefined || value === '' || name === '') continue;
    checkNoSeparator(name, name);
    checkNoSeparator(name, value);
    text += name + NAME_VALUE_SEPARATOR + value + PROPERTY_SEPARATOR;
  }
  return text;
}

/**
 * Properties of a block. A segment shorter than three characters, or with an empty name or value, is ignored; the last
 * of equal names counts.
 *
 * Follows `MessageDecoder.string2messageProperties`.
 */
export function decodeProperties(block: string | Buffer): Record<string, string> {
  const text = typeof block === 'string' ? block : block.toString('utf8');
  const properties: Record<string, string> = {};
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf(PROPERTY_SEPARATOR, start);
    if (end < 0) end = text.length;
    if (end - start >= SHORTEST) {
      const middle = text.indexOf(NAME_VALUE_SEPARATOR, start);
      if (middle > start && middle < end - 1 && !setCommonProperty(properties, text, start, middle, end))
        setProperty(properties, text.substring(start, middle), text.substring(middle + 1, end));
    }
    start = end + 1;
  }
  return properties;
}

/**
 * Sets a property that nearly every message has. Names that stand in the program cost a tenth of those that are cut out of a text.
 * @returns false when it is another one
 */
function setCommonProperty(
  properties: Record<string, string>,
  text: string,
  start: number,
  middle: number,
  end: number,
): boolean {
  switch (middle - start) {
    case 4:
      if (!text.startsWith('TAGS', start)) return false;
      properties['TAGS'] = text.substring(middle + 1, end);
      return true;
    case 7:
      if (!text.startsWith('CLUSTER', start)) return false;
      properties['CLUSTER'] = text.substring(middle + 1, end);
      return true;
    case 8:
      if (!text.startsWith('UNIQ_KEY', start)) return false;
      properties['UNIQ_KEY'] = text.substring(middle + 1, end);
      return true;
    default:
      return false;
  }
}

/** `__proto__` is a legal property name, and must not become the object's prototype. */
function setProperty(properties: Record<string, string>, name: string, value: string): void {
  if (name === '__proto__')
    Object.defineProperty(properties, name, { value, writable: true, enumerable: true, configurable: true });
  else properties[name] = value;
}

/** Value of one property of a block, found without reading the others; the last of equal names counts. */
export function findProperty(text: string, name: string): string | undefined {
  const needle = name + NAME_VALUE_SEPARATOR;
  for (let at = text.lastIndexOf(needle); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(needle, at - 1)) {
    if (at > 0 && text.charCodeAt(at - 1) !== 2) continue;
    const start = at + needle.length;
    let end = text.indexOf(PROPERTY_SEPARATOR, start);
    if (end < 0) end = text.length;
    if (end > start && name !== '') return text.substring(start, end);
  }
  return undefined;
}

/** The block with one property more (or with its value replaced); `text` may lack the last separator. */
export function withProperty(text: string, name: string, value: string): string {
  const base = findProperty(text, name) === undefined ? text : withoutProperty(text, name);
  checkNoSeparator(name, name);
  checkNoSeparator(name, value);
  const glue = base === '' || base.charCodeAt(base.length - 1) === 2 ? '' : PROPERTY_SEPARATOR;
  return base + glue + name + NAME_VALUE_SEPARATOR + value + PROPERTY_SEPARATOR;
}

/** The block without a property; the same text when it has none of that name. Follows `MessageUtils.deleteProperty`. */
export function withoutProperty(text: string, name: string): string {
  const needle = name + NAME_VALUE_SEPARATOR;
  let out = text;
  for (let at = out.indexOf(needle); at >= 0; at = out.indexOf(needle, at)) {
    if (at > 0 && out.charCodeAt(at - 1) !== 2) {
      at += 1;
      continue;
    }
    const end = out.indexOf(PROPERTY_SEPARATOR, at);
    out = out.substring(0, at) + (end < 0 ? '' : out.substring(end + 1));
  }
  return out;
}

function checkNoSeparator(name: string, text: string): void {
  if (text.includes(NAME_VALUE_SEPARATOR) || text.includes(PROPERTY_SEPARATOR)) {
    throw new ProtocolError(
      'PROTOCOL_INVALID_ARGUMENT',
      `The message property ${JSON.stringify(name)} holds 0x01 or 0x02, which separate properties on the wire: remove them`,
      { name },
    );
  }
}
