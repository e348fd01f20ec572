import { NAME_VALUE_SEPARATOR, PROPERTY_SEPARATOR } from '../../message/properties.js';

const BETWEEN = NAME_VALUE_SEPARATOR.charCodeAt(0);
const BEHIND = PROPERTY_SEPARATOR.charCodeAt(0);
const MISSING = -1;
const EMPTY = Buffer.alloc(0);

/**
 * The properties that an expression names, found in the wire bytes of a message by one pass, without making a text of any other. A
 * property without a value is missing, and the last of equal names counts, as in `MessageDecoder.string2messageProperties`.
 */
export class PropertySlots {
  readonly names: string[] = [];
  private readonly encodedNames: Buffer[] = [];
  private bytes: Buffer = EMPTY;
  private starts = new Int32Array(0);
  private ends = new Int32Array(0);
  private readonly texts: (string | undefined)[] = [];
  private readonly byteTexts: (string | undefined)[] = [];

  /** The number under which a property is read. For the time before the first message. */
  slotOf(name: string): number {
    const known = this.names.indexOf(name);
    if (known >= 0) return known;
    this.encodedNames.push(Buffer.from(name));
    this.starts = new Int32Array(this.names.length + 1);
    this.ends = new Int32Array(this.names.length + 1);
    return this.names.push(name) - 1;
  }

  /** Looks the properties up in `[start, end)` of the bytes. */
  load(bytes: Buffer, start: number, end: number): void {
    const { starts, texts, byteTexts } = this;
    if (starts.length === 0) return;
    this.bytes = bytes;
    for (let slot = 0; slot < starts.length; slot++) {
      starts[slot] = MISSING;
      texts[slot] = undefined;
      byteTexts[slot] = undefined;
    }
    let at = start;
    while (at < end) {
      let middle = at;
      let byte = 0;
      while (middle < end && (byte = bytes[middle]) !== BETWEEN && byte !== BEHIND) middle++;
      let behind = middle;
      while (behind < end && bytes[behind] !== BEHIND) behind++;
      if (byte === BETWEEN && behind > middle + 1) this.take(at, middle, behind);
      at = behind + 1;
    }
  }

  /** Forgets the bytes, so that they are not kept alive. */
  unload(): void {
    this.bytes = EMPTY;
  }

  has(slot: number): boolean {
    return this.starts[slot] !== MISSING;
  }

  /** The value as text; undefined when it is missing. */
  text(slot: number): string | undefined {
    if (!this.has(slot)) return undefined;
    return (this.texts[slot] ??= this.bytes.toString('utf8', this.starts[slot], this.ends[slot]));
  }

  /** The UTF-8 bytes of the value, one character each: cheaper than the text, and as good for comparing. Undefined when it is missing. */
  byteText(slot: number): string | undefined {
    if (!this.has(slot)) return undefined;
    return (this.byteTexts[slot] ??= this.bytes.toString('latin1', this.starts[slot], this.ends[slot]));
  }

  /** The value compared byte by byte; it must be there. */
  equals(slot: number, expected: Buffer): boolean {
    const start = this.starts[slot];
    if (this.ends[slot] - start !== expected.length) return false;
    const { bytes } = this;
    for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false;
    return true;
  }

  /** The value when it is up to 15 ASCII digits, perhaps behind a minus; NaN when it must be read as text. It must be there. */
  plainInteger(slot: number): number {
    const { bytes } = this;
    const end = this.ends[slot];
    let at = this.starts[slot];
    const isNegative = bytes[at] === 45;
    if (isNegative) at++;
    if (at === end || end - at > 15) return NaN;
    let value = 0;
    for (; at < end; at++) {
      const digit = bytes[at] - 48;
      if (digit < 0 || digit > 9) return NaN;
      value = value * 10 + digit;
    }
    return isNegative ? 0 - value : value;
  }

  private take(nameStart: number, nameEnd: number, valueEnd: number): void {
    const { encodedNames, bytes } = this;
    const length = nameEnd - nameStart;
    for (let slot = 0; slot < encodedNames.length; slot++) {
      const name = encodedNames[slot];
      if (name.length !== length || name[0] !== bytes[nameStart]) continue;
      let i = 1;
      while (i < length && bytes[nameStart + i] === name[i]) i++;
      if (i < length) continue;
      this.starts[slot] = nameEnd + 1;
      this.ends[slot] = valueEnd;
      return;
    }
  }
}
