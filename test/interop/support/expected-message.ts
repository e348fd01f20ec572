/**
 * What message number `index` of a seed contains: the same as ExpectedMessage.java computes, so that either side checks every byte
 * of what the other sent.
 */
export interface ExpectedMessage {
  tags: string;
  keys: string;
  flag: number;
  body: Buffer;
  properties: Record<string, string>;
}

/** Every 500th body is above the clients' compression threshold of 4,096 bytes. */
const LARGE_EVERY = 500;
const LARGE_BYTES = 8192;

const SYSTEM_PROPERTIES = new Set([
  'KEYS',
  'TAGS',
  'UNIQ_KEY',
  'WAIT',
  'CLUSTER',
  'MIN_OFFSET',
  'MAX_OFFSET',
  'MSG_REGION',
  'TRACE_ON',
  'CONSUME_START_TIME',
  'RETRY_TOPIC',
  'REAL_TOPIC',
  'REAL_QID',
  'ORIGIN_MESSAGE_ID',
  'DELAY',
  'RECONSUME_TIME',
  'MAX_RECONSUME_TIMES',
  'INSTANCE_ID',
  'POP_CK',
  '1ST_POP_TIME',
  // Why it failed before, of a message that a Nest handler failed on.
  'rocknestFailureName',
  'rocknestFailureMessage',
  'rocknestFailureTraceId',
  'rocknestFailureAt',
]);

function bodyOf(index: number): Buffer {
  if (index % LARGE_EVERY === LARGE_EVERY - 1) {
    return Buffer.from(Array.from({ length: LARGE_BYTES }, (_, at) => 32 + ((index + at) % 64)));
  }
  const body = Buffer.alloc(40 + (((index % 960) * 37) % 960));
  let state = index ^ 0x9e3779b9;
  for (let at = 0; at < body.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    body[at] = state >>> 24;
  }
  return body;
}

export function expectedMessage(seed: string, index: number): ExpectedMessage {
  return {
    tags: `Tag${index % 5}`,
    keys: index % 10 === 0 ? `${seed}-${index} again-${index}` : `${seed}-${index}`,
    flag: index % 8,
    body: bodyOf(index),
    properties: { seed, index: String(index), text: `größe 漢字 🚀 "${index % 97}" \\ {}` },
  };
}

export interface ReceivedMessage {
  flag?: number;
  body: Buffer;
  properties: Readonly<Record<string, string>>;
}

/** @returns the message's number, or -1 where it isn't one of this seed. */
export function indexOf(message: ReceivedMessage, seed: string): number {
  return message.properties.seed === seed ? Number(message.properties.index) : -1;
}

/** @returns what differs from message number `index`, or undefined where nothing does. */
export function differenceOf(message: ReceivedMessage, seed: string, index: number): string | undefined {
  const expected = expectedMessage(seed, index);
  if (message.properties.TAGS !== expected.tags) return `tags ${message.properties.TAGS}`;
  if (message.properties.KEYS !== expected.keys) return `keys ${message.properties.KEYS}`;
  if ((message.flag ?? 0) !== expected.flag) return `flag ${message.flag}`;
  if (!message.body.equals(expected.body)) return `body of ${message.body.length} bytes`;
  const own = Object.entries(message.properties).filter(([name]) => !SYSTEM_PROPERTIES.has(name));
  const same = own.length === 3 && own.every(([name, value]) => expected.properties[name] === value);
  return same ? undefined : `properties ${JSON.stringify(own)}`;
}
