import {
  CURRENT_MQ_VERSION,
  encodeFrame,
  encodeSendMessageRequestV2,
  LanguageCode,
  RemotingCommand,
  RequestCode,
  SerializeType,
  writeFramePrefix,
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

/** Encodes whole SEND_MESSAGE_V2 (or SEND_BATCH_MESSAGE) frames: `[head]` or `[head, body]`. */
export interface SendFrameTemplate {
  encode(opaque: number, queueId: number, bornTimestampMs: number, message: OutgoingMessage): readonly Buffer[];
}

/** 8 bytes length and mark, then code 2, language 1, version 2, opaque 4, flag 4, remark length 4, ext length 4. */
const FIXED_BYTES = 8 + 21;
const OPAQUE_AT = 13;
const EXT_LENGTH_AT = 25;
/** key length 2, one letter, value length 4 */
const ENTRY_BYTES = 7;

function entry(name: string, value: string): Buffer {
  const bytes = Buffer.alloc(6 + Buffer.byteLength(name) + Buffer.byteLength(value));
  let p = bytes.writeInt16BE(Buffer.byteLength(name), 0);
  p += bytes.write(name, p);
  p = bytes.writeInt32BE(Buffer.byteLength(value), p);
  bytes.write(value, p);
  return bytes;
}

/**
 * The compact header (protocol 01 §3), with all that does not change laid out beforehand: a send costs one copy of it and the writing of
 * six values. Names of the fields: protocol 02 §3.1.
 */
export class CompactSendFrameTemplate implements SendFrameTemplate {
  private readonly single: Buffer;
  private readonly batch: Buffer;

  constructor(constants: SendFrameConstants) {
    this.single = CompactSendFrameTemplate.layOut(constants, false);
    this.batch = CompactSendFrameTemplate.layOut(constants, true);
  }

  private static layOut(constants: SendFrameConstants, batch: boolean): Buffer {
    const fixed = Buffer.alloc(FIXED_BYTES);
    fixed.writeInt16BE(batch ? RequestCode.SEND_BATCH_MESSAGE : RequestCode.SEND_MESSAGE_V2, 8);
    fixed.writeUInt8(LanguageCode.OTHER, 10);
    fixed.writeInt16BE(CURRENT_MQ_VERSION, 11);
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
    const { properties, maxReconsumeTimes } = message;
    const e = String(queueId);
    const f = String(message.sysFlag);
    const g = String(bornTimestampMs);
    const h = String(message.flag);
    const j = String(message.reconsumeTimes);
    const l = maxReconsumeTimes === undefined ? '' : String(maxReconsumeTimes);
    const propertiesBytes = Buffer.byteLength(properties);
    const total =
      constant.length +
      6 * ENTRY_BYTES +
      (e.length + f.length + g.length + h.length + j.length + propertiesBytes) +
      (l === '' ? 0 : ENTRY_BYTES + l.length);
    const head = Buffer.allocUnsafe(total);
    constant.copy(head);
    head.writeInt32BE(opaque, OPAQUE_AT);
    head.writeInt32BE(total - FIXED_BYTES, EXT_LENGTH_AT);
    let p = writeEntry(head, constant.length, 0x65, e);
    p = writeEntry(head, p, 0x66, f);
    p = writeEntry(head, p, 0x67, g);
    p = writeEntry(head, p, 0x68, h);
    p = writeEntry(head, p, 0x6a, j);
    if (l !== '') p = writeEntry(head, p, 0x6c, l);
    p = writeEntryHead(head, p, 0x69, propertiesBytes);
    head.write(properties, p, propertiesBytes, 'utf8');
    writeFramePrefix(head, SerializeType.ROCKETMQ, message.body.length);
    return [head, message.body];
  }
}

function writeEntryHead(head: Buffer, position: number, letter: number, valueBytes: number): number {
  head[position] = 0;
  head[position + 1] = 1;
  head[position + 2] = letter;
  return head.writeInt32BE(valueBytes, position + 3);
}

/** `value` is a number as text. */
function writeEntry(head: Buffer, position: number, letter: number, value: string): number {
  const p = writeEntryHead(head, position, letter, value.length);
  return p + head.write(value, p, value.length, 'latin1');
}

/** The same with a JSON header, for peers in between that know no other. */
export class JsonSendFrameTemplate implements SendFrameTemplate {
  constructor(private readonly constants: SendFrameConstants) {}

  encode(opaque: number, queueId: number, bornTimestampMs: number, message: OutgoingMessage): readonly Buffer[] {
    const command = RemotingCommand.request(
      message.isBatch ? RequestCode.SEND_BATCH_MESSAGE : RequestCode.SEND_MESSAGE_V2,
      encodeSendMessageRequestV2({
        ...this.constants,
        queueId,
        sysFlag: message.sysFlag,
        bornTimestamp: bornTimestampMs,
        flag: message.flag,
        properties: message.properties,
        reconsumeTimes: message.reconsumeTimes,
        unitMode: false,
        maxReconsumeTimes: message.maxReconsumeTimes,
        batch: message.isBatch,
      }),
      message.body,
    );
    command.opaque = opaque;
    return encodeFrame(command);
  }
}
