import { NAME_VALUE_SEPARATOR, PROPERTY_SEPARATOR } from '@rocknest/protocol';

/**
 * What the broker needs to know of a message's properties to store it, read in one pass over the wire text without
 * building a map: most messages have four or five properties, and the broker looks at two of them.
 */
export interface PropertyFacts {
  /** UNIQ_KEY, the client's message id; empty when missing. */
  uniqKey: string;
  /** TAGS; empty when missing. */
  tags: string;
  /** DELAY as it stands; empty when missing. */
  delay: string;
  /** False when WAIT is `false`: the sender does not wait for flush or replication. */
  waitStoreOk: boolean;
  /** TRAN_MSG is `true`: the first half of a transaction. */
  isTransaction: boolean;
  /** One of the properties that ask for delivery at a point in time (TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS). */
  hasTimer: boolean;
  /** These three as they stand; empty when missing. */
  timerDelaySec: string;
  timerDelayMs: string;
  timerDeliverMs: string;
  /** TIMER_DEL_UNIQKEY is there: the message cancels another one. */
  isTimerDelete: boolean;
  /** TIMER_OUT_MS: the timer was kept already. */
  hasTimerOut: boolean;
  /** INNER_NUM is there: the body is a batch that is to be kept as one record. */
  isInnerBatch: boolean;
  /** A property is there that the broker removes or writes itself, so the text must be taken apart and written anew. */
  needsRewrite: boolean;
  /** The text has a separator at its end (or is empty), so that a property can simply be put behind it. */
  endsWithSeparator: boolean;
}

const PROPERTY_SEPARATOR_CODE = 2;

export function emptyPropertyFacts(): PropertyFacts {
  return {
    uniqKey: '',
    tags: '',
    delay: '',
    waitStoreOk: true,
    isTransaction: false,
    hasTimer: false,
    timerDelaySec: '',
    timerDelayMs: '',
    timerDeliverMs: '',
    isTimerDelete: false,
    hasTimerOut: false,
    isInnerBatch: false,
    needsRewrite: false,
    endsWithSeparator: true,
  };
}

/**
 * Reads the wire text (`key 0x01 value 0x02 ...`) into `facts`, which the caller may use again and again.
 * Parser rules of `common/message/MessageDecoder.java`: segments without a name or a value are ignored, the first 0x01 splits, later duplicates win.
 */
export function scanProperties(text: string, facts: PropertyFacts): void {
  facts.uniqKey = '';
  facts.tags = '';
  facts.delay = '';
  facts.waitStoreOk = true;
  facts.isTransaction = false;
  if (facts.hasTimer) {
    facts.timerDelaySec = '';
    facts.timerDelayMs = '';
    facts.timerDeliverMs = '';
  }
  facts.hasTimer = false;
  facts.isTimerDelete = false;
  facts.hasTimerOut = false;
  facts.isInnerBatch = false;
  facts.needsRewrite = false;
  const length = text.length;
  facts.endsWithSeparator = length === 0 || text.charCodeAt(length - 1) === PROPERTY_SEPARATOR_CODE;
  let split = -1;
  for (let start = 0; start < length;) {
    let end = text.indexOf(PROPERTY_SEPARATOR, start);
    if (end < 0) end = length;
    // A text of many segments without 0x01 is not searched to its end for each of them.
    if (split < start) {
      split = text.indexOf(NAME_VALUE_SEPARATOR, start);
      if (split < 0) return;
    }
    if (split > start && split + 1 < end) readProperty(text, start, split, end, facts);
    start = end + 1;
  }
}

function readProperty(text: string, start: number, split: number, end: number, facts: PropertyFacts): void {
  switch (split - start) {
    case 4:
      if (text.startsWith('TAGS', start)) facts.tags = text.slice(split + 1, end);
      else if (text.startsWith('WAIT', start)) facts.waitStoreOk = !isFalse(text, split + 1, end);
      return;
    case 5:
      if (text.startsWith('DELAY', start)) facts.delay = text.slice(split + 1, end);
      return;
    case 6:
      if (text.startsWith('POP_CK', start)) facts.needsRewrite = true;
      return;
    case 7:
      if (text.startsWith('CLUSTER', start)) facts.needsRewrite = true;
      return;
    case 8:
      if (text.startsWith('UNIQ_KEY', start)) facts.uniqKey = text.slice(split + 1, end);
      else if (text.startsWith('TRACE_ON', start)) facts.needsRewrite = true;
      else if (text.startsWith('TRAN_MSG', start)) facts.isTransaction = isTrue(text, split + 1, end);
      return;
    case 9:
      if (text.startsWith('INNER_NUM', start)) facts.isInnerBatch = true;
      return;
    case 10:
      if (text.startsWith('MSG_REGION', start)) facts.needsRewrite = true;
      return;
    case 12:
      if (text.startsWith('TIMER_OUT_MS', start)) facts.hasTimerOut = true;
      return;
    case 14:
      if (text.startsWith('TIMER_DELAY_MS', start)) {
        facts.hasTimer = true;
        facts.timerDelayMs = text.slice(split + 1, end);
      }
      return;
    case 15:
      if (text.startsWith('TIMER_DELAY_SEC', start)) {
        facts.hasTimer = true;
        facts.timerDelaySec = text.slice(split + 1, end);
      }
      return;
    case 16:
      if (text.startsWith('TIMER_DELIVER_MS', start)) {
        facts.hasTimer = true;
        facts.timerDeliverMs = text.slice(split + 1, end);
      }
      return;
    case 17:
      if (text.startsWith('TIMER_DEL_UNIQKEY', start)) facts.isTimerDelete = true;
      return;
  }
}

/** Java's `Boolean.parseBoolean`: `true` in any letter case, everything else is false. */
function isTrue(text: string, start: number, end: number): boolean {
  return end - start === 4 && text.slice(start, end).toLowerCase() === 'true';
}

/** RocketMQ reads WAIT with `Boolean.parseBoolean`, so everything but `true` means "don't wait". */
function isFalse(text: string, start: number, end: number): boolean {
  return !isTrue(text, start, end);
}
