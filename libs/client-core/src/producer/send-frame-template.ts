import {
  CURRENT_MQ_VERSION,
  FRAME_MAX_LENGTH,
  LanguageCode,
  ProtocolError,
  RequestCode,
  SerializeType,
} from '@rocknest/protocol';
import type { OutgoingMessage } from './outgoing-message.js';

/** Parts of a send header that are the same for every message of one producer, topic and broker. */
export interface SendFrameConstants {
  producerGroup: string;
  topic: string;
  brokerName: string;
  defaultTopic: string;
  defaultTopicQueueNums: number;
}

/** Encodes whole SEND_MESSAGE_V2 (or SEND_BATCH_MESSAGE) frames: `[head, body]`. */
export interface SendFrameTemplate {
  encode(opaque: number, queueId: number, bornTimestampMs: number, message: OutgoingMessage): readonly Buffer[];
}

/** Frame layout: length 4, mark 4, code 2, language 1, version 2, opaque 4, flag 4, remark length 4, ext length 4, entries. */
const MARK_AT = 4;
const CODE_AT = 8;
const OPAQUE_AT = 13;
const EXT_LENGTH_AT = 25;
const FIXED_BYTES = 29;
/** Key length 2, one letter, value length 4. */
const ENTRY_BYTES = 7;
/** Room for the entries that are not laid out beforehand, without the properties: six numbers of at most 17 characters. */
const NUMBERS_BYTES = 6 * (ENTRY_BYTES + 17);
/** Heads are carved from blocks of this size; a block lives until its last frame was sent. */
const SLAB_BYTES = 256 * 1024;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabView = new DataView(slab.buffer);
let slabUsed = 0;

/** Makes room for `bytes` in the slab; a block of its own when they are many. */
function reserve(bytes: number): void {
  if (slabUsed + bytes <= slab.length) return;
  slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
  slabView = new DataView(slab.buffer);
  slabUsed = 0;
}

function entry(name: string, value: string): Buffer {
  const bytes = Buffer.alloc(6 + Buffer.byteLength(name) + Buffer.byteLength(value));
  let p = bytes.writeInt16BE(Buffer.byteLength(name), 0);
  p += bytes.write(name, p);
  p = bytes.writeInt32BE(Buffer.byteLength(value), p);
  bytes.write(value, p);
  return bytes;
}

/** Writes an entry whose name is the letter with this code and whose value is a number as text. */
function writeNumber(position: number, letter: number, value: string): number {
  let p = writeEntryHead(position, letter, value.length);
  for (let i = 0; i < value.length; i++) slab[p++] = value.charCodeAt(i);
  return p;
}

function writeEntryHead(position: number, letter: number, valueBytes: number): number {
  slab[position] = 0;
  slab[position + 1] = 1;
  slab[position + 2] = letter;
  slabView.setInt32(position + 3, valueBytes);
  return position + ENTRY_BYTES;
}

/**
 * The compact header (protocol 01 §3), with all that does not change laid out beforehand: a send costs one copy of it and the writing of
 * what is left, mostly queue, time and properties. Names of the fields: protocol 02 §3.1.
 */
export class CompactSendFrameTemplate implements SendFrameTemplate {
  private readonly single: Buffer;
  private readonly batch: Buffer;
  private bornMs = 0;
  private bornText = '0';

  constructor(constants: SendFrameConstants) {
    this.single = CompactSendFrameTemplate.layOut(constants, false);
    this.batch = CompactSendFrameTemplate.layOut(constants, true);
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
    ]);
  }

  encode(opaque: number, queueId: number, bornTimestampMs: number, message: OutgoingMessage): readonly Buffer[] {
    const constant = message.isBatch ? this.batch : this.single;
    const { properties, body } = message;
    if (bornTimestampMs !== this.bornMs) {
      this.bornMs = bornTimestampMs;
      this.bornText = String(bornTimestampMs);
    }
    reserve(constant.length + NUMBERS_BYTES + ENTRY_BYTES + properties.length * 3);
    const start = slabUsed;
    slab.set(constant, start);
    let p = start + constant.length;
    p = writeNumber(p, 0x65, String(queueId));
    p = writeNumber(p, 0x66, String(message.sysFlag));
    p = writeNumber(p, 0x67, this.bornText);
    p = writeNumber(p, 0x68, String(message.flag));
    p = writeNumber(p, 0x6a, String(message.reconsumeTimes));
    if (message.maxReconsumeTimes !== undefined) p = writeNumber(p, 0x6c, String(message.maxReconsumeTimes));
    const propertiesBytes = slab.write(properties, p + ENTRY_BYTES, 'utf8');
    p = writeEntryHead(p, 0x69, propertiesBytes) + propertiesBytes;
    const headBytes = p - start;
    const totalBytes = headBytes + body.length;
    if (totalBytes > FRAME_MAX_LENGTH) throw tooLong(totalBytes);
    slabView.setInt32(start, totalBytes - 4);
    slabView.setInt32(start + MARK_AT, (SerializeType.ROCKETMQ << 24) | (headBytes - CODE_AT));
    slabView.setInt32(start + OPAQUE_AT, opaque);
    slabView.setInt32(start + EXT_LENGTH_AT, headBytes - FIXED_BYTES);
    slabUsed = p;
    return [slab.subarray(start, p), body];
  }
}

function tooLong(totalBytes: number): ProtocolError {
  return new ProtocolError('PROTOCOL_FRAME', `a send would have ${totalBytes} bytes, more than ${FRAME_MAX_LENGTH}`, {
    totalBytes,
  });
}

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
    });
    const code = batch ? RequestCode.SEND_BATCH_MESSAGE : RequestCode.SEND_MESSAGE_V2;
    return `{"code":${code},"extFields":${fields.slice(0, -1)},"e":"`;
  }

  encode(opaque: number, queueId: number, bornTimestampMs: number, message: OutgoingMessage): readonly Buffer[] {
    const { body, maxReconsumeTimes: max } = message;
    const header =
      `${message.isBatch ? this.batch : this.single}${queueId}","f":"${message.sysFlag}","g":"${bornTimestampMs}",` +
      `"h":"${message.flag}","j":"${message.reconsumeTimes}",${max === undefined ? '' : `"l":"${max}",`}` +
      `"i":${JSON.stringify(message.properties)}},"flag":0,"language":"OTHER","opaque":${opaque},` +
      `"serializeTypeCurrentRPC":"JSON","version":${CURRENT_MQ_VERSION}}`;
    const headerBytes = Buffer.byteLength(header);
    const totalBytes = CODE_AT + headerBytes + body.length;
    if (totalBytes > FRAME_MAX_LENGTH) throw tooLong(totalBytes);
    reserve(CODE_AT + headerBytes);
    const start = slabUsed;
    slab.write(header, start + CODE_AT, headerBytes, 'utf8');
    slabView.setInt32(start, totalBytes - 4);
    slabView.setInt32(start + MARK_AT, (SerializeType.JSON << 24) | headerBytes);
    slabUsed = start + CODE_AT + headerBytes;
    return [slab.subarray(start, slabUsed), body];
  }
}
