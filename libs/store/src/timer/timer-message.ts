import {
  bodyPosition,
  encodeHost,
  getTags,
  MessageConst,
  type MessageExt,
  MessageLayout,
  NAME_VALUE_SEPARATOR,
  PROPERTY_SEPARATOR,
  tagsCodeOf,
  TIMER_TOPIC,
  topicLengthBytes,
  TRANS_HALF_TOPIC,
} from '@rocknest/protocol';
import type { PutMessage, PutStatus } from '../types.js';
import { SLOT_MS } from './timer-layout.js';

const { TIMER_DEQUEUE_MS, TIMER_ENQUEUE_MS, TIMER_ROLL_TIMES } = MessageConst;

/** Statuses with which a message is in the log. */
export const STORED: ReadonlySet<PutStatus> = new Set([
  'PUT_OK',
  'FLUSH_DISK_TIMEOUT',
  'FLUSH_SLAVE_TIMEOUT',
  'SLAVE_NOT_AVAILABLE',
]);

/**
 * When a message of the timer topic is due, or undefined when it has no TIMER_OUT_MS.
 *
 * TIMER_OUT_MS is one ms before the time of delivery. The Java broker rounds it down to its precision, so that a full second may stand for any time of the
 * second behind it: TIMER_DELIVER_MS tells then, otherwise the end of that second counts.
 */
export function dueMsOf(properties: Readonly<Record<string, string>>): number | undefined {
  const outMs = Number(properties[MessageConst.TIMER_OUT_MS] ?? NaN);
  if (!Number.isSafeInteger(outMs) || outMs < 0) return undefined;
  if (outMs % SLOT_MS !== 0) return outMs + 1;
  const deliverMs = Number(properties[MessageConst.TIMER_DELIVER_MS] ?? NaN);
  return deliverMs > outMs && deliverMs <= outMs + SLOT_MS ? deliverMs : outMs + SLOT_MS;
}

/** By which a waiting message is cancelled, or undefined when it has no UNIQ_KEY. */
export function deleteKeyOf(properties: Readonly<Record<string, string>>): string | undefined {
  const uniqKey = properties[MessageConst.UNIQ_CLIENT_MESSAGE_ID_KEYIDX];
  return uniqKey === undefined ? undefined : keyOf(properties[MessageConst.REAL_TOPIC] ?? '', uniqKey);
}

/**
 * What a message cancels, or undefined when it cancels nothing. TIMER_DEL_UNIQKEY is the UNIQ_KEY of the other one; with `appendTopicForTimerDeleteKey` the Java broker
 * writes the topic before it (`TimerMessageStore.buildDeleteKey`). Either way nothing of another topic is cancelled.
 */
export function cancelledKeyOf(properties: Readonly<Record<string, string>>): string | undefined {
  const name = properties[MessageConst.TIMER_DEL_UNIQKEY];
  if (name === undefined) return undefined;
  const topic = properties[MessageConst.REAL_TOPIC] ?? '';
  return name.startsWith(keyOf(topic, '')) ? name : keyOf(topic, name);
}

function keyOf(topic: string, uniqKey: string): string {
  return `${topic}+${uniqKey}`;
}

/** Why a message can't be delivered, or undefined. */
export function undeliverable(message: MessageExt): string | undefined {
  const topic = message.properties[MessageConst.REAL_TOPIC];
  const queueId = Number(message.properties[MessageConst.REAL_QUEUE_ID] ?? NaN);
  if (topic === undefined || !Number.isInteger(queueId) || queueId < 0) return 'it has no REAL_TOPIC and REAL_QID';
  if (topic === TRANS_HALF_TOPIC || topic === TIMER_TOPIC) return `its destination is ${topic}`;
  return undefined;
}

/**
 * The message as it goes where it was meant to go, or, rolled, into the timer topic again. The text of its properties is kept, REAL_TOPIC and TIMER_OUT_MS included, as
 * consumers of RocketMQ see it; TIMER_ENQUEUE_MS, TIMER_DEQUEUE_MS and, when rolled, TIMER_ROLL_TIMES come on top. Follows `TimerMessageStore.convert`.
 */
export function putOf(message: MessageExt, record: Buffer, isRoll: boolean, nowMs: number): PutMessage {
  const { properties } = message;
  const rolls = Number(properties[TIMER_ROLL_TIMES] ?? 0) + (isRoll ? 1 : 0);
  return {
    topic: isRoll ? TIMER_TOPIC : properties[MessageConst.REAL_TOPIC],
    queueId: isRoll ? 0 : Number(properties[MessageConst.REAL_QUEUE_ID]),
    flag: message.flag,
    sysFlag: message.sysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: encodeHost(message.bornHost),
    reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset,
    body: message.body,
    properties: withTimes(propertyText(message, record), properties, {
      [TIMER_ENQUEUE_MS]: message.storeTimestamp,
      [TIMER_DEQUEUE_MS]: nowMs,
      [TIMER_ROLL_TIMES]: rolls > 0 ? rolls : undefined,
    }),
    tagsCode: tagsCodeOf(getTags(message)),
    // Only what is on stable storage may be noted as delivered.
    waitStoreOk: true,
  };
}

/** The property text as it was stored: what a sender wrote into it need not be what our encoder takes. */
function propertyText(message: MessageExt, record: Buffer): string {
  const topicBytes = topicLengthBytes(record.readInt32BE(MessageLayout.MAGIC)) + Buffer.byteLength(message.topic);
  return record.toString(
    'utf8',
    bodyPosition(message.sysFlag) + message.body.length + topicBytes + 2,
    message.storeSize,
  );
}

function withTimes(
  text: string,
  properties: Readonly<Record<string, string>>,
  times: Readonly<Record<string, number | undefined>>,
): string {
  let kept = text;
  if (Object.keys(times).some((name) => properties[name] !== undefined)) {
    const isOld = (part: string): boolean => times[part.split(NAME_VALUE_SEPARATOR, 1)[0]] !== undefined;
    kept = text
      .split(PROPERTY_SEPARATOR)
      .filter((part) => !isOld(part))
      .join(PROPERTY_SEPARATOR);
  }
  if (kept !== '' && !kept.endsWith(PROPERTY_SEPARATOR)) kept += PROPERTY_SEPARATOR;
  for (const [name, value] of Object.entries(times)) {
    if (value !== undefined) kept += name + NAME_VALUE_SEPARATOR + value + PROPERTY_SEPARATOR;
  }
  return kept;
}
