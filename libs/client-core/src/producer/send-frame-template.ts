import {
  CURRENT_MQ_VERSION,
  FRAME_MAX_LENGTH,
  LanguageCode,
  NAMESPACE_FIELD,
  NAMESPACED_FIELD,
  ProtocolError,
  RequestCode,
  SerializeType,
} from '@rocknest/protocol';
import type { WritePage } from '@rocknest/remoting';
import { COPIED_BODY_MAX_BYTES } from '../defaults.js';
import type { OutgoingMessage } from './outgoing-message.js';

/** Parts of a send header that are the same for every message of one producer, topic and broker. */
export interface SendFrameConstants {
  producerGroup: string;
  topic: string;
  brokerName: string;
  defaultTopic: string;
  defaultTopicQueueNums: number;
  namespaceV2?: string | undefined;
}

/** Encodes SEND_MESSAGE_V2 (or SEND_BATCH_MESSAGE) frames straight into what a connection sends next. */
export interface SendFrameTemplate {
  /** How many bytes in a row `encode` needs at most. */
  roomBytes(message: OutgoingMessage): number;
  /** Writes the frame, less the body when that is a `separateBody`. @returns the position behind it. */
  encode(
    page: WritePage,
    position: number,
    opaque: number,
    queueId: number,
    bornTimestampMs: number,
    message: OutgoingMessage,
  ): number;
}

/** The body when it is too large to be copied into the frame, and is sent behind it. */
export function separateBody({ body }: OutgoingMessage): Buffer | undefined {
  return typeof body === 'string' || body.length <= COPIED_BODY_MAX_BYTES ? undefined : body;
}

/** Frame layout: length 4, mark 4, code 2, language 1, version 2, opaque 4, flag 4, remark length 4, ext length 4, entries. */
const MARK_AT = 4;
const CODE_AT = 8;
const OPAQUE_AT = 13;
const EXT_LENGTH_AT = 25;
const FIXED_BYTES = 29;
/** Key length 2, one letter, value length 4. */
const ENTRY_BYTES = 7;
/** Characters of the longest number in a header. */
const NUMBER_CHARACTERS = 17;
/** Room for the numbers that are not laid out beforehand: six at most. */
const NUMBERS_BYTES = 6 * (ENTRY_BYTES + NUMBER_CHARACTERS);
const UTF8_MAX_BYTES = 3;

function entry(name: string, value: string): Buffer {
  const bytes = Buffer.alloc(6 + Buffer.byteLength(name) + Buffer.byteLength(value));
  let p = bytes.writeInt16BE(Buffer.byteLength(name), 0);
  p += bytes.write(name, p);
  p = bytes.writeInt32BE(Buffer.byteLength(value), p);
  bytes.write(value, p);
  return bytes;
}

function writeEntryHead({ bytes, view }: WritePage, position: number, letter: number, valueBytes: number): number {
  bytes[position] = 0;
  bytes[position + 1] = 1;
  bytes[position + 2] = letter;
  view.setInt32(position + 3, valueBytes);
  return position + ENTRY_BYTES;
}

/** What `NamespacedTransport` puts into other requests. */
function namespaceFields({ namespaceV2 }: SendFrameConstants): Record<string, string> {
  return namespaceV2 === undefined ? {} : { [NAMESPACED_FIELD]: 'true', [NAMESPACE_FIELD]: namespaceV2 };
}

/** Writes an entry whose name is the letter with this code and whose value is a number as text. */
function writeNumber(page: WritePage, position: number, letter: number, value: string): number {
  const { bytes } = page;
  let p = writeEntryHead(page, position, letter, value.length);
  for (let i = 0; i < value.length; i++) bytes[p++] = value.charCodeAt(i);
  return p;
}

/** Puts the body behind a head that ends at `position`, unless it is sent separately, and fills in length and mark. */
function finish(
  page: WritePage,
  start: number,
  position: number,
  type: SerializeType,
  { body, bodyBytes }: OutgoingMessage,
): number {
  const headBytes = position - start;
  const totalBytes = headBytes + bodyBytes;
  if (totalBytes > FRAME_MAX_LENGTH) {
    throw new ProtocolError('PROTOCOL_FRAME', `a send would have ${totalBytes} bytes, more than ${FRAME_MAX_LENGTH}`, {
      totalBytes,
    });
  }
  page.view.setInt32(start, totalBytes - 4);
  page.view.setInt32(start + MARK_AT, (type << 24) | (headBytes - CODE_AT));
  if (typeof body === 'string') page.bytes.write(body, position, 'utf8');
  else if (bodyBytes <= COPIED_BODY_MAX_BYTES) page.bytes.set(body, position);
  else return position;
  return position + bodyBytes;
}

function copiedBytes({ bodyBytes }: OutgoingMessage): number {
  return bodyBytes <= COPIED_BODY_MAX_BYTES ? bodyBytes : 0;
}

/**
 * The compact header (protocol 01 §3), with all that does not change laid out beforehand: a send costs one copy of it and the writing of
 * what is left, mostly queue, time and properties. Names of the fields: protocol 02 §3.1.
 */
export class CompactSendFrameTemplate implements SendFrameTemplate {
  /** With the numbers that are 0 in nearly every message: system flag, flag, reconsume times. */
  private readonly plain: Buffer;
  private readonly single: Buffer;
  private readonly batch: Buffer;
  private bornMs = 0;
  private bornText = '0';

  constructor(constants: SendFrameConstants) {
    this.single = CompactSendFrameTemplate.layOut(constants, false);
    this.batch = CompactSendFrameTemplate.layOut(constants, true);
    this.plain = Buffer.concat([this.single, entry('f', '0'), entry('h', '0'), entry('j', '0')]);
  }

  private static layOut(constants: SendFrameConstants, batch: boolean): Buffer {
    const fixed = Buffer.alloc(FIXED_BYTES);
    fixed.writeInt16BE(batch ? RequestCode.SEND_BATCH_MESSAGE : RequestCode.SEND_MESSAGE_V2, CODE_AT);
    fixed.writeUInt8(LanguageCode.OTHER, CODE_AT + 2);
    fixed.writeInt16BE(CURRENT_MQ_VERSION, CODE_AT + 3);
    return Buffer.concat([
      fixed,
      entry('a', constants.producerGroup),
      entry('b', constants.topic),
      entry('c', constants.defaultTopic),
      entry('d', String(constants.defaultTopicQueueNums)),
      entry('k', 'false'),
      entry('m', String(batch)),
      entry('n', constants.brokerName),
      ...Object.entries(namespaceFields(constants)).map(([name, value]) => entry(name, value)),
    ]);
  }

  roomBytes(message: OutgoingMessage): number {
    const properties = ENTRY_BYTES + message.properties.length * UTF8_MAX_BYTES;
    return this.plain.length + NUMBERS_BYTES + properties + copiedBytes(message);
  }

  encode(
    page: WritePage,
    start: number,
    opaque: number,
    queueId: number,
    bornTimestampMs: number,
    message: OutgoingMessage,
  ): number {
    const { properties, maxReconsumeTimes } = message;
    if (bornTimestampMs !== this.bornMs) {
      this.bornMs = bornTimestampMs;
      this.bornText = String(bornTimestampMs);
    }
    let p: number;
    if ((message.sysFlag | message.flag | message.reconsumeTimes) === 0 && !message.isBatch) {
      page.bytes.set(this.plain, start);
      p = start + this.plain.length;
    } else {
      const constant = message.isBatch ? this.batch : this.single;
      page.bytes.set(constant, start);
      p = writeNumber(page, start + constant.length, 0x66, String(message.sysFlag));
      p = writeNumber(page, p, 0x68, String(message.flag));
      p = writeNumber(page, p, 0x6a, String(message.reconsumeTimes));
    }
    p = writeNumber(page, p, 0x65, String(queueId));
    p = writeNumber(page, p, 0x67, this.bornText);
    if (maxReconsumeTimes !== undefined) p = writeNumber(page, p, 0x6c, String(maxReconsumeTimes));
    const propertiesBytes = page.bytes.write(properties, p + ENTRY_BYTES, 'utf8');
    p = writeEntryHead(page, p, 0x69, propertiesBytes) + propertiesBytes;
    page.view.setInt32(start + OPAQUE_AT, opaque);
    page.view.setInt32(start + EXT_LENGTH_AT, p - start - FIXED_BYTES);
    return finish(page, start, p, SerializeType.ROCKETMQ, message);
  }
}

/** Bytes of a JSON header beside what is laid out, the numbers and the properties. */
const JSON_REST_BYTES = 160;
/** A character of a JSON string is written as six at most: `\u0001`. */
const JSON_CHARACTER_MAX_BYTES = 6;

/** The same with a JSON header (protocol 01 §2), for peers in between that know no other. */
export class JsonSendFrameTemplate implements SendFrameTemplate {
  private readonly single: string;
  private readonly batch: string;

  constructor(constants: SendFrameConstants) {
    this.single = JsonSendFrameTemplate.layOut(constants, false);
    this.batch = JsonSendFrameTemplate.layOut(constants, true);
  }

  /** The beginning, up to the value of `e`. */
  private static layOut(constants: SendFrameConstants, batch: boolean): string {
    const fields = JSON.stringify({
      a: constants.producerGroup,
      b: constants.topic,
      c: constants.defaultTopic,
      d: String(constants.defaultTopicQueueNums),
      k: 'false',
      m: String(batch),
      n: constants.brokerName,
      ...namespaceFields(constants),
    });
    const code = batch ? RequestCode.SEND_BATCH_MESSAGE : RequestCode.SEND_MESSAGE_V2;
    return `{"code":${code},"extFields":${fields.slice(0, -1)},"e":"`;
  }

  roomBytes(message: OutgoingMessage): number {
    const constant = this.single.length * UTF8_MAX_BYTES + JSON_REST_BYTES + 8 * NUMBER_CHARACTERS;
    return CODE_AT + constant + message.properties.length * JSON_CHARACTER_MAX_BYTES + copiedBytes(message);
  }

  encode(
    page: WritePage,
    start: number,
    opaque: number,
    queueId: number,
    bornTimestampMs: number,
    message: OutgoingMessage,
  ): number {
    const { maxReconsumeTimes: max } = message;
    const header =
      `${message.isBatch ? this.batch : this.single}${queueId}","f":"${message.sysFlag}","g":"${bornTimestampMs}",` +
      `"h":"${message.flag}","j":"${message.reconsumeTimes}",${max === undefined ? '' : `"l":"${max}",`}` +
      `"i":${JSON.stringify(message.properties)}},"flag":0,"language":"OTHER","opaque":${opaque},` +
      `"serializeTypeCurrentRPC":"JSON","version":${CURRENT_MQ_VERSION}}`;
    const end = start + CODE_AT + page.bytes.write(header, start + CODE_AT, 'utf8');
    return finish(page, start, end, SerializeType.JSON, message);
  }
}
