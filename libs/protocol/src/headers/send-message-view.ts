import { RequestCode } from '../codes/request-code.js';
import {
  flagsOf,
  keyEndOf,
  keyStartOf,
  VALUE_ESCAPED,
  VALUE_MAY_BE_UTF8,
  valueEndOf,
  valueStartOf,
} from '../command/field-index.js';
import type { RemotingCommand } from '../command/remoting-command.js';
import { parseInteger } from '../command/scanned-header.js';

/**
 * What storing a message needs of a SEND_MESSAGE_V2 or SEND_BATCH_MESSAGE header: numbers, and the places of texts in the header's bytes. Nothing is allocated
 * for it: the fields are those of the request that was viewed last.
 */
export const sendMessageView = {
  /** What the places below point into. */
  raw: Buffer.alloc(0) as Buffer,
  /** b: plain ASCII. */
  topicStart: 0,
  topicEnd: 0,
  /** e */
  queueId: 0,
  /** f */
  sysFlag: 0,
  /** g */
  bornTimestamp: 0,
  /** h */
  flag: 0,
  /** i */
  propertiesStart: 0,
  propertiesEnd: 0,
  /** The properties have JSON escapes: `unescapeJsonInto` gives their bytes. */
  propertiesEscaped: false,
  /** j */
  reconsumeTimes: 0,
  /** m, or the code of a batch. */
  batch: false,
};

/**
 * Views a send as it usually comes.
 * @returns false when it has another form (code, escapes, signs, missing fields): decode it with `decodeSendMessageRequest`, which takes all of them
 */
export function viewSendMessage(command: RemotingCommand): boolean {
  const isBatch = command.code === RequestCode.SEND_BATCH_MESSAGE;
  if (!isBatch && command.code !== RequestCode.SEND_MESSAGE_V2) return false;
  const count = command.indexRawFields();
  if (count <= 0) return false;
  const view = sendMessageView;
  const raw = (view.raw = command.rawHeader);
  view.topicEnd = 0;
  view.queueId = view.sysFlag = view.flag = view.bornTimestamp = NaN;
  view.reconsumeTimes = 0;
  view.propertiesStart = view.propertiesEnd = 0;
  view.propertiesEscaped = false;
  view.batch = isBatch;
  for (let i = 0; i < count; i++) {
    const keyStart = keyStartOf(i);
    if (keyEndOf(i) - keyStart !== 1) continue;
    const start = valueStartOf(i);
    const end = valueEndOf(i);
    switch (raw[keyStart]) {
      case 0x62:
        if ((flagsOf(i) & (VALUE_ESCAPED | VALUE_MAY_BE_UTF8)) !== 0) return false;
        view.topicStart = start;
        view.topicEnd = end;
        break;
      case 0x65:
        view.queueId = parseInteger(raw, start, end);
        break;
      case 0x66:
        view.sysFlag = parseInteger(raw, start, end);
        break;
      case 0x67:
        view.bornTimestamp = parseInteger(raw, start, end);
        break;
      case 0x68:
        view.flag = parseInteger(raw, start, end);
        break;
      case 0x69:
        view.propertiesStart = start;
        view.propertiesEnd = end;
        view.propertiesEscaped = (flagsOf(i) & VALUE_ESCAPED) !== 0;
        break;
      case 0x6a:
        view.reconsumeTimes = parseInteger(raw, start, end);
        break;
      case 0x6d:
        if (isBatch || isFalse(raw, start, end)) break;
        view.batch = true;
        if (!isTrue(raw, start, end)) return false;
        break;
      default:
    }
  }
  return (
    view.topicEnd > 0 &&
    isInt32(view.queueId) &&
    isInt32(view.sysFlag) &&
    isInt32(view.flag) &&
    isInt32(view.reconsumeTimes) &&
    !Number.isNaN(view.bornTimestamp)
  );
}

/** False for NaN, too. */
function isInt32(value: number): boolean {
  return (value | 0) === value;
}

function isFalse(raw: Buffer, start: number, end: number): boolean {
  return end - start === 5 && raw[start] === 0x66 && raw[end - 1] === 0x65;
}

function isTrue(raw: Buffer, start: number, end: number): boolean {
  return end - start === 4 && raw[start] === 0x74 && raw[end - 1] === 0x65;
}
