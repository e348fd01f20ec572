import { decodeMessage, getKeys, getTags, MessageConst, type MessageExt } from '@rocknest/protocol';
import type { TimerItem } from '@rocknest/store';
import type { BODY_FORMATS } from './dump-command.js';
import { timeOf } from './time-of.js';

type BodyFormat = (typeof BODY_FORMATS)[number];

type Timer = Extract<TimerItem, { kind: 'timer' }>;

/** One message for people: a line of places, a line of what it is, its body. */
export function messageText(record: Buffer, body: BodyFormat): string {
  const message = decode(record);
  const { topic, queueId, queueOffset, physicalOffset, storeSize } = message;
  return [
    `${topic}/${queueId} ${queueOffset} at ${physicalOffset} (${storeSize} bytes)\n`,
    ...detailLines(message, body),
  ].join('');
}

/** One message as a JSON object. */
export function messageJson(record: Buffer, body: BodyFormat): string {
  return JSON.stringify(messageFields(record, body));
}

/** One timer message for people: a line of time, state and places, then as other messages. */
export function timerText(timer: Timer, body: BodyFormat): string {
  const { state, dueMs, storedAnewMs, physicalOffset, sizeBytes, bytes } = timer;
  const message = bytes === undefined ? undefined : decode(bytes);
  const anew = storedAnewMs === undefined ? '' : `, stored anew ${timeOf(storedAnewMs)}`;
  const { topic = '-', queueId = '-' } = message === undefined ? {} : destination(message);
  const head = `${timeOf(dueMs)} ${state} ${topic}/${queueId} at ${physicalOffset} (${sizeBytes} bytes)${anew}\n`;
  return message === undefined ? head : [head, ...detailLines(message, body)].join('');
}

/** One timer message as a JSON object: that of the stored message, with `timer`. */
export function timerJson({ bytes, kind: _, ...facts }: Timer, body: BodyFormat): string {
  if (bytes === undefined) return JSON.stringify({ timer: facts });
  const message = decode(bytes);
  const timer = { ...facts, ...destination(message), delayMs: facts.dueMs - message.storeTimestamp };
  return JSON.stringify({ timer, ...messageFields(bytes, body) });
}

/** Where a timer message will go. */
function destination({ properties }: MessageExt): { topic: string | undefined; queueId: number | undefined } {
  const queueId = properties[MessageConst.REAL_QUEUE_ID];
  return { topic: properties[MessageConst.REAL_TOPIC], queueId: queueId === undefined ? undefined : Number(queueId) };
}

function messageFields(record: Buffer, body: BodyFormat): object {
  const message = decode(record);
  const { body: bytes, ...rest } = message;
  return {
    ...rest,
    tags: getTags(message),
    keys: getKeys(message),
    bodySize: bytes.length,
    ...(body === 'none' ? {} : { body: bodyText(bytes, body) }),
  };
}

function detailLines({ storeTimestamp, bornHost, msgId, properties, body }: MessageExt, format: BodyFormat): string[] {
  const facts = [
    `stored ${timeOf(storeTimestamp)}`,
    `from ${bornHost}`,
    `id ${msgId}`,
    ...Object.entries(properties).map(([key, value]) => `${key}=${value}`),
    `body ${body.length} bytes`,
  ];
  const lines = [`  ${facts.join(', ')}\n`];
  if (format !== 'none' && body.length > 0) lines.push(`  ${bodyText(body, format)}\n`);
  return lines;
}

function decode(record: Buffer): MessageExt {
  try {
    return decodeMessage(record, 0);
  } catch {
    // A body that cannot be unpacked is printed as it was stored.
    return decodeMessage(record, 0, { inflate: false });
  }
}

/** Control characters of a body must not reach the terminal. */
function bodyText(body: Buffer, format: Exclude<BodyFormat, 'none'>): string {
  if (format !== 'text') return body.toString(format);
  return body.toString('utf8').replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '\ufffd');
}
