import { keyEndOf, keyStartOf, valueEndOf, valueStartOf } from '../command/field-index.js';
import type { HeaderFields, RemotingCommand } from '../command/remoting-command.js';
import { RequestCode } from '../codes/request-code.js';
import {
  defineHeader,
  int32,
  int32OrUndefined,
  int64,
  named,
  optionalText,
  requiredInt32,
  requiredInt64,
  requiredText,
  text,
} from './header-codec.js';

/**
 * SEND_MESSAGE (10), SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320), SEND_REPLY_MESSAGE (324) and its V2 (325).
 * Body = the message's body, or the batch body. 10 and 324 write the names below, the others the letters.
 *
 * Follows `remoting/protocol/header/SendMessageRequestHeader.java` and `SendMessageRequestHeaderV2.java`.
 */
export interface SendMessageRequest {
  /** a */
  producerGroup: string;
  /** b */
  topic: string;
  /** c: topic whose configuration is the pattern when `topic` must be created. */
  defaultTopic: string;
  /** d */
  defaultTopicQueueNums: number;
  /** e: negative = the broker chooses. */
  queueId: number;
  /** f: bits of `MessageSysFlag`. */
  sysFlag: number;
  /** g: milliseconds since 1970. */
  bornTimestamp: number;
  /** h */
  flag: number;
  /** i: property block. */
  properties: string;
  /** j */
  reconsumeTimes: number;
  /** k */
  unitMode: boolean;
  /** l: undefined = the limit of the subscription group. */
  maxReconsumeTimes: number | undefined;
  /** m */
  batch: boolean;
  /** n (5.x clients) */
  brokerName: string | undefined;
}

/** Decodes any of the send requests; all properties are always there. */
export function decodeSendMessageRequest(command: RemotingCommand): SendMessageRequest {
  const isLong = command.code === RequestCode.SEND_MESSAGE || command.code === RequestCode.SEND_REPLY_MESSAGE;
  const count = isLong ? -1 : command.indexRawFields();
  const request = count < 0 ? decodeByName(command, isLong ? LONG_NAMES : SHORT_NAMES) : decodeLetters(command, count);
  if (command.code === RequestCode.SEND_BATCH_MESSAGE) request.batch = true;
  return request;
}

/** What {@link smallInt32} returns for text it doesn't read; no field has this value (it has ten digits). */
const NOT_SMALL = -0x80000000;
const SMALL_DIGITS = 9;

/** Integer of at most nine digits between two places; {@link NOT_SMALL} for all other text. */
function smallInt32(raw: Buffer, start: number, end: number): number {
  const negative = raw[start] === 0x2d;
  let p = negative ? start + 1 : start;
  if (p >= end || end - p > SMALL_DIGITS) return NOT_SMALL;
  let value = 0;
  for (; p < end; p++) {
    const digit = raw[p] - 0x30;
    if (digit < 0 || digit > 9) return NOT_SMALL;
    value = (value * 10 + digit) | 0;
  }
  return negative ? -value | 0 : value;
}

/** One pass over the fields of a raw V2 header: each name is one letter. */
function decodeLetters(command: RemotingCommand, count: number): SendMessageRequest {
  const raw = command.rawHeader;
  let producerGroup = '';
  let topic = '';
  let defaultTopic = '';
  let defaultTopicQueueNums = 0;
  let queueId = NOT_SMALL;
  let sysFlag = NOT_SMALL;
  let bornTimestamp = NaN;
  let flag = NOT_SMALL;
  let properties = '';
  let reconsumeTimes = 0;
  let unitMode = false;
  let maxReconsumeTimes: number | undefined;
  let batch = false;
  let brokerName: string | undefined;
  for (let i = 0; i < count; i++) {
    const keyStart = keyStartOf(i);
    if (keyEndOf(i) - keyStart !== 1) continue;
    switch (raw[keyStart]) {
      case 0x61:
        producerGroup = command.textAt(i);
        break;
      case 0x62:
        topic = command.textAt(i);
        break;
      case 0x63:
        defaultTopic = command.textAt(i);
        break;
      case 0x64:
        defaultTopicQueueNums = smallInt32(raw, valueStartOf(i), valueEndOf(i));
        break;
      case 0x65:
        queueId = smallInt32(raw, valueStartOf(i), valueEndOf(i));
        break;
      case 0x66:
        sysFlag = smallInt32(raw, valueStartOf(i), valueEndOf(i));
        break;
      case 0x67:
        bornTimestamp = command.integerAt(i);
        break;
      case 0x68:
        flag = smallInt32(raw, valueStartOf(i), valueEndOf(i));
        break;
      case 0x69:
        properties = command.textAt(i);
        break;
      case 0x6a:
        reconsumeTimes = smallInt32(raw, valueStartOf(i), valueEndOf(i));
        break;
      case 0x6b:
        unitMode = isTrue(command, i);
        break;
      case 0x6c:
        maxReconsumeTimes = smallInt32(raw, valueStartOf(i), valueEndOf(i));
        break;
      case 0x6d:
        batch = isTrue(command, i);
        break;
      case 0x6e:
        brokerName = command.textAt(i);
        break;
      default:
    }
  }
  const valid =
    topic !== '' &&
    defaultTopicQueueNums !== NOT_SMALL &&
    queueId !== NOT_SMALL &&
    sysFlag !== NOT_SMALL &&
    flag !== NOT_SMALL &&
    reconsumeTimes !== NOT_SMALL &&
    maxReconsumeTimes !== NOT_SMALL &&
    !Number.isNaN(bornTimestamp);
  // The pass by name reads integers of any form, and says which field is missing or wrong.
  if (!valid) return decodeByName(command, SHORT_NAMES);
  return {
    producerGroup,
    topic,
    defaultTopic,
    defaultTopicQueueNums,
    queueId,
    sysFlag,
    bornTimestamp,
    flag,
    properties,
    reconsumeTimes,
    unitMode,
    maxReconsumeTimes,
    batch,
    brokerName,
  };
}

/** The common values `false` and `true` by their first letter and length, without text. */
function isTrue(command: RemotingCommand, i: number): boolean {
  const start = valueStartOf(i);
  if (valueEndOf(i) - start === 5 && command.rawHeader[start] === 0x66) return false;
  return command.textAt(i).toLowerCase() === 'true';
}

/** Names of the fields in the order of {@link SendMessageRequest}. */
const LONG_NAMES = [
  'producerGroup',
  'topic',
  'defaultTopic',
  'defaultTopicQueueNums',
  'queueId',
  'sysFlag',
  'bornTimestamp',
  'flag',
  'properties',
  'reconsumeTimes',
  'unitMode',
  'maxReconsumeTimes',
  'batch',
  'bname',
];
const SHORT_NAMES = [...'abcdefghijklmn'];

function decodeByName(command: RemotingCommand, names: readonly string[]): SendMessageRequest {
  const [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = names;
  return {
    producerGroup: command.field(a) ?? '',
    topic: requiredText(command, b),
    defaultTopic: command.field(c) ?? '',
    defaultTopicQueueNums: int32OrUndefined(command, d) ?? 0,
    queueId: requiredInt32(command, e),
    sysFlag: requiredInt32(command, f),
    bornTimestamp: requiredInt64(command, g),
    flag: requiredInt32(command, h),
    properties: command.field(i) ?? '',
    reconsumeTimes: int32OrUndefined(command, j) ?? 0,
    unitMode: command.field(k)?.toLowerCase() === 'true',
    maxReconsumeTimes: int32OrUndefined(command, l),
    batch: command.field(m)?.toLowerCase() === 'true',
    brokerName: command.field(n),
  };
}

/** Fields of SEND_MESSAGE (10) and SEND_REPLY_MESSAGE (324). */
export function encodeSendMessageRequest(header: SendMessageRequest): HeaderFields {
  return encodeByName(header, LONG_NAMES);
}

/** Fields of SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320) and SEND_REPLY_MESSAGE_V2 (325). */
export function encodeSendMessageRequestV2(header: SendMessageRequest): HeaderFields {
  return encodeByName(header, SHORT_NAMES);
}

function encodeByName(header: SendMessageRequest, names: readonly string[]): HeaderFields {
  const values = [
    header.producerGroup,
    header.topic,
    header.defaultTopic,
    header.defaultTopicQueueNums,
    header.queueId,
    header.sysFlag,
    header.bornTimestamp,
    header.flag,
    header.properties,
    header.reconsumeTimes,
    header.unitMode,
    header.maxReconsumeTimes,
    header.batch,
    header.brokerName,
  ];
  const fields: HeaderFields = {};
  names.forEach((name, i) => (fields[name] = values[i]));
  return fields;
}

/**
 * Response to a send, for SUCCESS and for 10, 11 and 12 alike.
 *
 * Follows `remoting/protocol/header/SendMessageResponseHeader.java`.
 */
export interface SendMessageResponse {
  /** Offset message id; comma-joined for a batch. */
  msgId: string;
  queueId: number;
  /** Of the first message of a batch. */
  queueOffset: number;
  /** UNIQ_KEY of the stored message. */
  transactionId?: string | undefined;
  batchUniqId?: string | undefined;
  recallHandle?: string | undefined;
  /** Java clients read it without a null check of the fields as a whole. */
  msgRegion?: string | undefined;
  traceOn?: string | undefined;
}

const responseCodec = defineHeader<SendMessageResponse>({
  msgId: text,
  queueId: int32,
  queueOffset: int64,
  transactionId: optionalText,
  batchUniqId: optionalText,
  recallHandle: optionalText,
  msgRegion: named('MSG_REGION', optionalText),
  traceOn: named('TRACE_ON', optionalText),
});

export const decodeSendMessageResponse = responseCodec.decode;
export const encodeSendMessageResponse = responseCodec.encode;
