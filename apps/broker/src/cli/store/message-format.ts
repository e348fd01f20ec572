import { decodeMessage, getKeys, getTags, type MessageExt } from '@rocknest/protocol';
import type { BODY_FORMATS } from './dump-command.js';
import { timeOf } from './time-of.js';

type BodyFormat = (typeof BODY_FORMATS)[number];

/** One message for people: a line of places, a line of what it is, its body. */
export function messageText(record: Buffer, body: BodyFormat): string {
  const message = decode(record);
  const { topic, queueId, queueOffset, physicalOffset, storeSize, storeTimestamp, properties } = message;
  const facts = [
    `stored ${timeOf(storeTimestamp)}`,
    `from ${message.bornHost}`,
    `id ${message.msgId}`,
    ...Object.entries(properties).map(([key, value]) => `${key}=${value}`),
    `body ${message.body.length} bytes`,
  ];
  const lines = [
    `${topic}/${queueId} ${queueOffset} at ${physicalOffset} (${storeSize} bytes)`,
    `  ${facts.join(', ')}`,
  ];
  if (body !== 'none' && message.body.length > 0) lines.push(`  ${bodyText(message.body, body)}`);
  return `${lines.join('\n')}\n`;
}

/** One message as a JSON object. */
export function messageJson(record: Buffer, body: BodyFormat): string {
  const message = decode(record);
  const { body: bytes, ...rest } = message;
  return JSON.stringify({
    ...rest,
    tags: getTags(message),
    keys: getKeys(message),
    bodySize: bytes.length,
    ...(body === 'none' ? {} : { body: bodyText(bytes, body) }),
  });
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
