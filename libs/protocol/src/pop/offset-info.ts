import { ProtocolError } from '../errors.js';
import type { PopRetryFlag } from '../topic/pop-retry-topic.js';
import { isPopRetryFlag, popInfoError, popInteger } from './info-fields.js';

/** Most entries in one of these fields. A pop brings at most 32 messages, so 32 queues, with a queue's and each message's count 64 entries. */
export const POP_INFO_ENTRIES_MAX = 1024;
/** Most offsets of one queue in a `msgOffsetInfo`. */
export const POP_INFO_OFFSETS_MAX = 1024;
/** Most characters of one of these fields. */
export const POP_INFO_MAX_LENGTH = 65_536;

export interface PopStartOffset {
  retry: PopRetryFlag;
  queueId: number;
  /** First offset of the check point. */
  startOffset: number;
}

export interface PopMsgOffsets {
  retry: PopRetryFlag;
  queueId: number;
  /** Queue offsets of the messages, in the order of the response body. */
  offsets: readonly number[];
}

/** How often a queue (or, with `queueOffset`, one of its messages) was popped in order before and not acknowledged. */
export interface PopOrderCount {
  retry: PopRetryFlag;
  queueId: number;
  queueOffset?: number | undefined;
  count: number;
}

/** Key of a queue in the decoded maps. */
export function popQueueKey(retry: PopRetryFlag, queueId: number): string {
  return `${retry}@${queueId}`;
}

/** Key of a message in the map of a decoded `orderCountInfo`. */
export function popOrderCountKey(retry: PopRetryFlag, queueId: number, queueOffset: number): string {
  return `${retry}@qo${queueId}%${queueOffset}`;
}

/** `startOffsetInfo` of a pop's response: `retry queueId offset`, joined by `;`. Source: `ExtraInfoUtil.java`, also of the others. */
export function encodeStartOffsetInfo(entries: readonly PopStartOffset[]): string {
  return entries.map(({ retry, queueId, startOffset }) => `${retry} ${queueId} ${startOffset}`).join(';');
}

/** @returns start offsets by {@link popQueueKey}. @throws ProtocolError when the text is malformed or names a queue twice. */
export function decodeStartOffsetInfo(text: string): ReadonlyMap<string, number> {
  return decodeEntries('startOffsetInfo', text, (value) => popInteger(value, 'startOffsetInfo', text));
}

/** `msgOffsetInfo`: `retry queueId offset,offset,...`, joined by `;`. */
export function encodeMsgOffsetInfo(entries: readonly PopMsgOffsets[]): string {
  return entries.map(({ retry, queueId, offsets }) => `${retry} ${queueId} ${offsets.join(',')}`).join(';');
}

/** @returns offsets by {@link popQueueKey}. @throws ProtocolError when the text is malformed or names a queue twice. */
export function decodeMsgOffsetInfo(text: string): ReadonlyMap<string, readonly number[]> {
  return decodeEntries('msgOffsetInfo', text, (value) => {
    const parts = value.split(',', POP_INFO_OFFSETS_MAX + 1);
    if (parts.length > POP_INFO_OFFSETS_MAX) throw tooMany('msgOffsetInfo', 'offsets of a queue', POP_INFO_OFFSETS_MAX);
    return parts.map((part) => popInteger(part, 'msgOffsetInfo', text));
  });
}

/** `orderCountInfo`: `retry queueId count` and `retry qo<queueId>%<offset> count`, joined by `;`. */
export function encodeOrderCountInfo(entries: readonly PopOrderCount[]): string {
  return entries
    .map(({ retry, queueId, queueOffset, count }) =>
      queueOffset === undefined ? `${retry} ${queueId} ${count}` : `${retry} qo${queueId}%${queueOffset} ${count}`,
    )
    .join(';');
}

/** @returns counts by {@link popQueueKey} and {@link popOrderCountKey}. @throws ProtocolError when the text is malformed. */
export function decodeOrderCountInfo(text: string): ReadonlyMap<string, number> {
  return decodeEntries('orderCountInfo', text, (value) => popInteger(value, 'orderCountInfo', text));
}

function decodeEntries<V>(field: string, text: string, read: (value: string) => V): ReadonlyMap<string, V> {
  const result = new Map<string, V>();
  if (text === '') return result;
  if (text.length > POP_INFO_MAX_LENGTH) throw tooMany(field, 'characters', POP_INFO_MAX_LENGTH);
  const entries = text.split(';', POP_INFO_ENTRIES_MAX + 1);
  if (entries.length > POP_INFO_ENTRIES_MAX) throw tooMany(field, 'entries', POP_INFO_ENTRIES_MAX);
  for (const entry of entries) {
    const parts = entry.split(' ');
    if (parts.length !== 3) throw popInfoError(field, text, 'must have three parts in each entry');
    const [retry, place, value] = parts;
    if (!isPopRetryFlag(retry)) throw popInfoError(field, text, `has the unknown retry flag ${retry.slice(0, 20)}`);
    const key = `${retry}@${place}`;
    if (result.has(key)) throw popInfoError(field, text, `names ${key} twice`);
    result.set(key, read(value));
  }
  return result;
}

function tooMany(field: string, what: string, max: number): ProtocolError {
  return new ProtocolError('PROTOCOL_LIMIT', `the ${field} has more than ${max} ${what}`, { field, max });
}
