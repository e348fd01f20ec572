import { flagsOf, keyEndOf, keyStartOf, VALUE_ESCAPED, valueEndOf, valueStartOf } from '../command/field-index.js';
import type { RemotingCommand } from '../command/remoting-command.js';
import { equalsAscii } from '../command/scanned-header.js';

/** The answer to a send that was viewed last: numbers, and which of its fields the texts are (-1: it has none of that name). */
export const sendMessageResponseView = {
  /** NaN when it is absent or none. */
  queueId: NaN,
  queueOffset: NaN,
  msgId: -1,
  transactionId: -1,
  msgRegion: -1,
  recallHandle: -1,
};

/**
 * Finds what a producer wants of the answer to a send in one pass, and allocates nothing.
 * @returns false when the header has another form than the usual one: read it field by field
 */
export function viewSendMessageResponse(response: RemotingCommand): boolean {
  const count = response.indexRawFields();
  if (count <= 0) return false;
  const view = sendMessageResponseView;
  const raw = response.rawHeader;
  view.queueId = view.queueOffset = NaN;
  view.msgId = view.transactionId = view.msgRegion = view.recallHandle = -1;
  for (let i = 0; i < count; i++) {
    const start = keyStartOf(i);
    switch (keyEndOf(i) - start) {
      case 5:
        if (equalsAscii(raw, start, 'msgId')) view.msgId = i;
        break;
      case 7:
        if (equalsAscii(raw, start, 'queueId')) view.queueId = response.integerAt(i);
        break;
      case 10:
        if (equalsAscii(raw, start, 'MSG_REGION')) view.msgRegion = i;
        break;
      case 11:
        if (equalsAscii(raw, start, 'queueOffset')) view.queueOffset = response.integerAt(i);
        break;
      case 12:
        if (equalsAscii(raw, start, 'recallHandle')) view.recallHandle = i;
        break;
      case 13:
        if (equalsAscii(raw, start, 'transactionId')) view.transactionId = i;
        break;
      default:
    }
  }
  return true;
}

/**
 * The text of the i-th field, undefined for -1; `likely` itself when it is equal, so that a text that comes again and again, or that the
 * caller holds already, is not made anew.
 */
export function viewedText(response: RemotingCommand, i: number, likely: string): string | undefined {
  if (i < 0) return undefined;
  const start = valueStartOf(i);
  const isLikely =
    valueEndOf(i) - start === likely.length &&
    (flagsOf(i) & VALUE_ESCAPED) === 0 &&
    equalsAscii(response.rawHeader, start, likely);
  return isLikely ? likely : response.textAt(i);
}
