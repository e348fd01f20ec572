/**
 * What storing a usual message needs to know of its properties, read in one pass over the wire bytes. Anything out of the ordinary
 * makes the scan give up: such a message takes the way through text (property-facts.ts), where every rule is kept.
 */
export const propertyScan = {
  /** UNIQ_KEY: printable ASCII that JSON doesn't escape. */
  uniqKeyStart: 0,
  uniqKeyEnd: 0,
  /** Java's hash of TAGS; 0 when there are none. */
  tagsCode: 0,
};

const NAME_VALUE_SEPARATOR = 1;
const PROPERTY_SEPARATOR = 2;

/** Names that make the broker do or rewrite something, by their length. */
const SPECIAL: readonly (readonly string[] | undefined)[] = [
  'DELAY',
  'POP_CK',
  'CLUSTER',
  'TRACE_ON',
  'TRAN_MSG',
  'INNER_NUM',
  'MSG_REGION',
  'TIMER_OUT_MS',
  'TIMER_DELAY_MS',
  'TIMER_DELAY_SEC',
  'TIMER_DELIVER_MS',
].reduce<string[][]>((table, name) => {
  (table[name.length] ??= []).push(name);
  return table;
}, []);

/**
 * Scans `bytes` from `start` to `end`: `name 0x01 value 0x02`, each ended by its separator.
 * @returns false when the message is not a usual one: no UNIQ_KEY, a property that makes the broker do or rewrite something, or text of another form
 */
export function scanUsualProperties(bytes: Buffer, start: number, end: number): boolean {
  const scan = propertyScan;
  scan.uniqKeyStart = scan.uniqKeyEnd = 0;
  scan.tagsCode = 0;
  let p = start;
  while (p < end) {
    const nameStart = p;
    for (; p < end && bytes[p] !== NAME_VALUE_SEPARATOR; p++) if (bytes[p] === PROPERTY_SEPARATOR) return false;
    const nameLength = p - nameStart;
    const valueStart = p + 1;
    for (p = valueStart; p < end && bytes[p] !== PROPERTY_SEPARATOR; p++);
    // No name, no value, or no separator at the end.
    if (nameLength === 0 || p === valueStart || p >= end) return false;
    if (nameLength === 8 && spells(bytes, nameStart, 'UNIQ_KEY')) {
      if (!isPlain(bytes, valueStart, p)) return false;
      scan.uniqKeyStart = valueStart;
      scan.uniqKeyEnd = p;
    } else if (nameLength === 4 && spells(bytes, nameStart, 'TAGS')) {
      if (!hashTags(bytes, valueStart, p)) return false;
    } else if (nameLength === 4 && spells(bytes, nameStart, 'WAIT')) {
      if (p - valueStart !== 4 || !spells(bytes, valueStart, 'true')) return false;
    } else {
      const special = SPECIAL[nameLength];
      if (special !== undefined) for (const name of special) if (spells(bytes, nameStart, name)) return false;
    }
    p++;
  }
  return scan.uniqKeyEnd > 0;
}

function spells(bytes: Buffer, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Printable ASCII without the two characters that JSON escapes. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let p = start; p < end; p++) {
    const byte = bytes[p];
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return false;
  }
  return true;
}

/** Java's String.hashCode; false for text whose characters are not bytes. */
function hashTags(bytes: Buffer, start: number, end: number): boolean {
  let hash = 0;
  for (let p = start; p < end; p++) {
    if (bytes[p] > 0x7f) return false;
    hash = (Math.imul(hash, 31) + bytes[p]) | 0;
  }
  propertyScan.tagsCode = hash;
  return true;
}
