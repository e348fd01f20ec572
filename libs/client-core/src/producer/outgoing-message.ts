import { isNotAllowedSendTopic, isRetryTopic, MessageConst, validateTopic } from '@rocknest/protocol';
import { COPIED_BODY_MAX_BYTES, MAX_PROPERTIES_BYTES } from '../defaults.js';
import { MQClientError, MQClientErrorCode } from '../errors.js';
import type { MessageInput } from './message-input.js';
import { delayProblem, delayProperty } from './delay.js';
import { hasSeparator, propertyProblem } from './property-check.js';
import { nextUniqKey } from './uniq-key.js';

/** A checked message in the form that the wire wants. */
export interface OutgoingMessage {
  readonly topic: string;
  /** Compressed when `sysFlag` says so. Text up to `COPIED_BODY_MAX_BYTES` stays text: it is written as UTF-8 where it is sent. */
  body: Buffer | string;
  bodyBytes: number;
  sysFlag: number;
  readonly flag: number;
  /** `name 0x01 value 0x02 ...` (protocol 03 §3). */
  readonly properties: string;
  /** UNIQ_KEY; for a batch those of its messages, joined by commas. */
  readonly msgId: string;
  readonly isBatch: boolean;
  /** Other than 0 only for what goes to a retry topic: it travels in the header. */
  readonly reconsumeTimes: number;
  readonly maxReconsumeTimes: number | undefined;
}

/** The error for a message that can't be sent. */
export function illegalMessage(message: string, details: Record<string, unknown> = {}): MQClientError {
  return new MQClientError(MQClientErrorCode.MESSAGE_ILLEGAL, message, { details });
}

/** Topic names that were found good; bounded, because a program may make names without end. */
const goodTopics = new Set<string>();
const MAX_GOOD_TOPICS = 10_000;
/** Text of so many characters has at most `COPIED_BODY_MAX_BYTES` as UTF-8. */
const SHORT_TEXT_CHARACTERS = Math.floor(COPIED_BODY_MAX_BYTES / 3);

/** @throws MQClientError MESSAGE_ILLEGAL. */
export function checkSendTopic(topic: string): void {
  if (goodTopics.has(topic)) return;
  const problem = validateTopic(topic);
  if (problem !== undefined) throw illegalMessage(problem, { topic });
  if (isNotAllowedSendTopic(topic)) throw illegalMessage(`Sending message to topic[${topic}] is forbidden.`, { topic });
  if (goodTopics.size >= MAX_GOOD_TOPICS) goodTopics.clear();
  goodTopics.add(topic);
}

/** A body as bytes. */
export function bytesOf(body: Buffer | string): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : body;
}

/** How many bytes a body has. */
export function sizeOf(body: Buffer | string): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length;
}

/**
 * The body, short text as it is, all else as bytes.
 *
 * @throws MQClientError MESSAGE_ILLEGAL when it is empty or above the limit.
 */
export function bodyOf(input: MessageInput, maxMessageSizeBytes: number): Buffer | string {
  const { body } = input;
  let bytes: Buffer | string;
  if (Buffer.isBuffer(body)) bytes = body;
  else if (typeof body === 'string') bytes = body.length > SHORT_TEXT_CHARACTERS ? Buffer.from(body) : body;
  else if (body instanceof Uint8Array) bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  else throw illegalMessage(`the body of a message to ${input.topic} is ${typeof body}, must be a Buffer or a string`);
  if (bytes.length === 0) {
    throw illegalMessage(`the body of a message to ${input.topic} is empty; brokers refuse empty bodies`);
  }
  const sizeBytes = sizeOf(bytes);
  if (sizeBytes > maxMessageSizeBytes) {
    throw illegalMessage(
      `the body of a message to ${input.topic} has ${sizeBytes} bytes, more than maxMessageSizeBytes ${maxMessageSizeBytes}`,
      { sizeBytes, maxMessageSizeBytes },
    );
  }
  return bytes;
}

function property(name: string, value: string): string {
  return `${name}\u0001${value}\u0002`;
}

function fieldText(field: string, value: unknown, topic: string): string {
  if (typeof value !== 'string' || hasSeparator(value)) {
    throw illegalMessage(`${field} of a message to ${topic} must be text without U+0001 and U+0002`);
  }
  return value;
}

function keysText(keys: string | readonly string[], topic: string): string {
  if (typeof keys === 'string') return fieldText('keys', keys, topic);
  for (const key of keys) {
    if (fieldText('keys', key, topic) === '' || key.includes(' ')) {
      throw illegalMessage(`key "${key}" of a message to ${topic} is empty or has a blank, which separates keys`);
    }
  }
  return keys.join(' ');
}

/**
 * All properties of a message as the wire wants them.
 *
 * @throws MQClientError MESSAGE_ILLEGAL for a reserved or unusable one.
 */
export function propertiesText(input: MessageInput, uniqKey: string): string {
  const { topic, tags, keys, properties } = input;
  let text = property(MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX, uniqKey);
  if (input.waitStoreOk === false) text += property(MessageConst.WAIT_STORE_MSG_OK, 'false');
  if (tags !== undefined && tags !== '') text += property(MessageConst.TAGS, fieldText('tags', tags, topic));
  if (keys !== undefined && keys.length > 0) text += property(MessageConst.KEYS, keysText(keys, topic));
  const problem = delayProblem(input);
  if (problem !== undefined) throw illegalMessage(problem, { topic });
  const delay = delayProperty(input);
  if (delay !== undefined) text += property(delay[0], delay[1]);
  for (const name in properties) {
    const value = properties[name];
    if (value === undefined) continue;
    const wrong = propertyProblem(name, value);
    if (wrong !== undefined) throw illegalMessage(`${wrong} (message to ${topic})`, { topic, property: name });
    text += property(name, value);
  }
  if (text.length * 3 > MAX_PROPERTIES_BYTES) checkPropertiesBytes(text, topic);
  return text;
}

function checkPropertiesBytes(text: string, topic: string): void {
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > MAX_PROPERTIES_BYTES) {
    throw illegalMessage(
      `the properties of a message to ${topic} have ${sizeBytes} bytes, more than ${MAX_PROPERTIES_BYTES} ` +
        '(32,767 on disk, less what the broker adds); put the data into the body',
      { sizeBytes, maxBytes: MAX_PROPERTIES_BYTES },
    );
  }
}

/** @throws MQClientError MESSAGE_ILLEGAL. */
export function flagOf(input: MessageInput): number {
  const flag = input.flag ?? 0;
  if ((flag | 0) !== flag)
    throw illegalMessage(`flag of a message to ${input.topic} is ${flag}, must be a whole number of 32 bits`);
  return flag;
}

/**
 * Checks a message and gives it its UNIQ_KEY.
 *
 * @param nowMs `Date.now()`
 * @throws MQClientError MESSAGE_ILLEGAL.
 */
export function outgoingMessage(input: MessageInput, maxMessageSizeBytes: number, nowMs: number): OutgoingMessage {
  checkSendTopic(input.topic);
  if (isRetryTopic(input.topic)) {
    throw illegalMessage(
      `topic ${input.topic} belongs to a consumer group's retries; return RECONSUME_LATER to use it`,
    );
  }
  const body = bodyOf(input, maxMessageSizeBytes);
  const flag = flagOf(input);
  const msgId = nextUniqKey(nowMs);
  return {
    topic: input.topic,
    body,
    bodyBytes: sizeOf(body),
    sysFlag: 0,
    flag,
    properties: propertiesText(input, msgId),
    msgId,
    isBatch: false,
    reconsumeTimes: 0,
    maxReconsumeTimes: undefined,
  };
}

/** The same message with properties that only this room sets. */
export function withProperties(message: OutgoingMessage, added: Readonly<Record<string, string>>): OutgoingMessage {
  let text = message.properties;
  for (const name in added) if (added[name] !== '') text += property(name, added[name]);
  checkPropertiesBytes(text, message.topic);
  return { ...message, properties: text };
}
