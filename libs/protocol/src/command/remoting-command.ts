import { SerializeType } from '../codes/serialize-type.js';
import { CURRENT_MQ_VERSION } from '../codes/mq-version.js';
import { scanCanonicalExtFields } from './canonical-header-scanner.js';
import { scanCompactExtFields } from './compact-header-scanner.js';
import {
  fieldIndex,
  KEY_ESCAPED,
  VALUE_ESCAPED,
  VALUE_MAY_BE_UTF8,
  flagsOf,
  keyEndOf,
  keyStartOf,
  moveFieldIndex,
  valueEndOf,
  valueStartOf,
} from './field-index.js';
import { rescanJsonExtFields } from './json-header-scanner.js';
import { unescapeJson } from './json-string.js';
import { equalsAscii, parseInteger, parseIntegerText } from './scanned-header.js';

/** Values of a header before they become text; undefined ones are left out. */
export type HeaderFields = Record<string, string | number | boolean | undefined>;
export type CommandBody = Buffer | readonly Buffer[] | undefined;

/** Bit 0 of `flag`: a response. */
export const FLAG_RESPONSE = 1;
/** Bit 1 of `flag`: a request that is never answered. */
export const FLAG_ONEWAY = 2;

const EMPTY = Buffer.alloc(0);

let lastSerial = 0;

/**
 * One request or response.
 *
 * A decoded command keeps the bytes of its header; {@link field} finds values in them, and nothing is parsed that nobody
 * asks for. Follows `remoting/protocol/RemotingCommand.java`.
 */
export class RemotingCommand {
  code: number;
  /** Correlation id, int32: chosen by who sends a request, copied into the response. */
  opaque: number;
  flag: number;
  version: number;
  language: string;
  remark: string | undefined = undefined;
  /** How the header was written, or shall be. */
  serializeType: SerializeType;
  /** Ext fields once somebody set one or asked for all; they then stand for the raw header. */
  private fields: Record<string, string> | undefined = undefined;
  /** The command was built with fields, be they none. */
  private fieldsGiven: boolean;
  private ownBody: CommandBody;
  /** What the command was decoded from, and where the frame and its parts stand in it. */
  private raw: Buffer | undefined = undefined;
  private frameStart: number;
  private extStart: number;
  private headerEnd: number;
  /** Behind the body that was received; {@link headerEnd} when there is none, or another one was set or the slice was made. */
  private bodyEnd: number;
  private serial: number;

  constructor(code: number, flag: number, language: string) {
    this.code = code;
    this.opaque = 0;
    this.flag = flag;
    this.version = CURRENT_MQ_VERSION;
    this.language = language;
    this.remark = undefined;
    this.serializeType = SerializeType.JSON;
    this.fields = undefined;
    this.fieldsGiven = false;
    this.ownBody = undefined;
    this.raw = undefined;
    this.frameStart = 0;
    this.extStart = -1;
    this.headerEnd = 0;
    this.bodyEnd = 0;
    this.serial = 0;
  }

  /** A request as our client sends it. Language OTHER is the one that all versions of the Java broker know. */
  static request(code: number, fields?: HeaderFields, body?: CommandBody): RemotingCommand {
    const command = new RemotingCommand(code, 0, 'OTHER');
    if (fields !== undefined) command.giveFields(fields);
    command.body = body;
    return command;
  }

  /** A response as our servers send it; opaque is set by who sends it. Language JAVA is what every client expects. */
  static response(
    code: number,
    options?: { remark?: string; fields?: HeaderFields; body?: CommandBody },
  ): RemotingCommand {
    const command = new RemotingCommand(code, FLAG_RESPONSE, 'JAVA');
    if (options !== undefined) {
      command.remark = options.remark;
      if (options.fields !== undefined) command.giveFields(options.fields);
      command.body = options.body;
    }
    return command;
  }

  get isResponse(): boolean {
    return (this.flag & FLAG_RESPONSE) !== 0;
  }

  get isOneway(): boolean {
    return (this.flag & FLAG_ONEWAY) !== 0;
  }

  markOneway(): this {
    this.flag |= FLAG_ONEWAY;
    return this;
  }

  /** Decoded: one Buffer, a slice of what was received; undefined when empty. */
  get body(): CommandBody {
    if (this.bodyEnd > this.headerEnd) {
      this.ownBody = this.raw!.subarray(this.headerEnd, this.bodyEnd);
      this.bodyEnd = this.headerEnd;
    }
    return this.ownBody;
  }

  set body(body: CommandBody) {
    this.ownBody = body;
    this.bodyEnd = this.headerEnd;
  }

  /** The body as one Buffer, an empty one when there is none. Joins several pieces into a new Buffer. */
  get bodyBuffer(): Buffer {
    const body = this.body;
    if (body === undefined) return EMPTY;
    return Buffer.isBuffer(body) ? body : Buffer.concat(body);
  }

  /** Value of a header field, undefined when absent. Found in the header's bytes, without parsing the rest. */
  field(name: string): string | undefined {
    if (this.fields !== undefined) return this.fields[name];
    const i = this.findField(name);
    return i < 0 ? undefined : this.textAt(i);
  }

  /** Integer value of a header field; undefined when absent, NaN when it is not an integer in the safe range. */
  integerField(name: string): number | undefined {
    if (this.fields !== undefined) {
      const text = this.fields[name];
      return text === undefined ? undefined : parseIntegerText(text);
    }
    const i = this.findField(name);
    return i < 0 ? undefined : this.integerAt(i);
  }

  /** All ext fields. The object has no prototype; changing it changes the command. */
  get extFields(): Record<string, string> {
    if (this.fields === undefined) {
      const fields = Object.create(null) as Record<string, string>;
      const count = this.indexFields();
      for (let i = 0; i < count; i++) fields[this.keyAt(i)] = this.textAt(i);
      this.fields = fields;
    }
    return this.fields;
  }

  /** True when the command has an `extFields` member at all; Java clients read some responses without a null check. */
  get hasExtFields(): boolean {
    if (this.extStart >= 0 || this.fieldsGiven) return true;
    for (const _name in this.fields) return true;
    return false;
  }

  setField(name: string, value: string | number | boolean): void {
    this.extFields[name] = String(value);
  }

  /**
   * Makes the ext fields of the raw header available through `fieldIndex`, {@link textAt} and {@link integerAt}; for
   * decoders that read many fields in one pass, in this turn of the loop.
   * @returns their count, or -1 when the command has no such header (built here, changed, or names written with escapes): use {@link field} then
   */
  indexRawFields(): number {
    if (this.fields !== undefined || this.raw === undefined) return -1;
    const count = this.indexFields();
    return fieldIndex.hasEscapedKey && count > 0 ? -1 : count;
  }

  /** Bytes that `fieldIndex` points into. */
  get rawHeader(): Buffer {
    return this.raw ?? EMPTY;
  }

  /** Text of the i-th indexed field. */
  textAt(i: number): string {
    const bytes = this.raw!;
    const start = valueStartOf(i);
    const end = valueEndOf(i);
    const flags = flagsOf(i);
    if ((flags & VALUE_ESCAPED) !== 0) return unescapeJson(bytes, start, end);
    if ((flags & VALUE_MAY_BE_UTF8) !== 0) return bytes.toString('utf8', start, end);
    return bytes.toString('latin1', start, end);
  }

  /** Integer of the i-th indexed field; NaN when it is none. */
  integerAt(i: number): number {
    if ((flagsOf(i) & VALUE_ESCAPED) !== 0) return parseIntegerText(this.textAt(i));
    return parseInteger(this.raw!, valueStartOf(i), valueEndOf(i));
  }

  /** Takes over a scanned frame. Only for the decoder; `fieldIndex` must hold this header's fields. */
  adoptFrame(raw: Buffer, frameStart: number, extStart: number, headerEnd: number, frameEnd: number): void {
    this.raw = raw;
    this.frameStart = frameStart;
    this.extStart = extStart;
    this.headerEnd = headerEnd;
    this.bodyEnd = frameEnd;
    this.serial = ++lastSerial;
    fieldIndex.owner = this.serial;
  }

  /**
   * Copies what the command needs of the bytes that it was decoded from, which may be used again then. Slices that were handed out before
   * are not made good.
   */
  detach(): void {
    const { raw, frameStart } = this;
    if (raw === undefined) return;
    const body = this.receivedBody(raw);
    const end = body === undefined ? this.bodyEnd : this.headerEnd + body.length;
    const own = Buffer.allocUnsafe(end - frameStart);
    raw.copy(own, 0, frameStart, end);
    this.raw = own;
    this.frameStart = 0;
    if (this.extStart >= 0) this.extStart -= frameStart;
    this.headerEnd -= frameStart;
    this.bodyEnd -= frameStart;
    if (body !== undefined) this.ownBody = own.subarray(this.headerEnd);
    if (fieldIndex.owner === this.serial) moveFieldIndex(frameStart);
  }

  /** The slice that {@link body} made of what was received, unless another body was set since. */
  private receivedBody(raw: Buffer): Buffer | undefined {
    const { ownBody } = this;
    if (!Buffer.isBuffer(ownBody) || ownBody.buffer !== raw.buffer) return undefined;
    return ownBody.byteOffset === raw.byteOffset + this.headerEnd ? ownBody : undefined;
  }

  private keyAt(i: number): string {
    const start = keyStartOf(i);
    const end = keyEndOf(i);
    const escaped = (flagsOf(i) & KEY_ESCAPED) !== 0;
    return escaped ? unescapeJson(this.raw!, start, end) : this.raw!.toString('utf8', start, end);
  }

  /** Index of a field by name, -1 when absent. The last of equal names counts, as in Java. */
  private findField(name: string): number {
    const count = this.indexFields();
    if (count === 0) return -1;
    const raw = this.rawHeader;
    if (!fieldIndex.hasEscapedKey) {
      for (let i = count - 1; i >= 0; i--) {
        const start = keyStartOf(i);
        if (keyEndOf(i) - start === name.length && equalsAscii(raw, start, name)) return i;
      }
      if (isAscii(name)) return -1;
    }
    for (let i = count - 1; i >= 0; i--) {
      if (this.keyAt(i) === name) return i;
    }
    return -1;
  }

  private indexFields(): number {
    if (this.extStart < 0) return 0;
    if (fieldIndex.owner !== this.serial) {
      this.rescan(this.rawHeader);
      fieldIndex.owner = this.serial;
    }
    return fieldIndex.count;
  }

  private giveFields(fields: HeaderFields): void {
    this.fields = toText(fields);
    this.fieldsGiven = true;
  }

  private rescan(raw: Buffer): void {
    if (this.serializeTypeOfRaw !== SerializeType.JSON) {
      scanCompactExtFields(raw, this.extStart, this.extStart + raw.readInt32BE(this.extStart - 4));
    } else if (!scanCanonicalExtFields(raw, this.extStart, this.headerEnd)) {
      rescanJsonExtFields(raw, this.extStart, this.headerEnd);
    }
  }

  /** `serializeType` may be changed for the reply; the received header stays what it was. */
  private get serializeTypeOfRaw(): number {
    return this.raw![this.frameStart];
  }
}

function isAscii(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) > 127) return false;
  }
  return true;
}

function toText(fields: HeaderFields): Record<string, string> {
  const text = Object.create(null) as Record<string, string>;
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) text[name] = String(value);
  }
  return text;
}
