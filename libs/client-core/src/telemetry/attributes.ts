import { MessageConst, type MessageExt } from '@rocknest/protocol';
import type { MessageInput } from '../producer/message-input.js';
import type { Attributes } from './telemetry-api.js';

type MessageType = 'normal' | 'delay' | 'fifo' | 'transaction';

const DELAY_PROPERTIES = [
  MessageConst.DELAY_TIME_LEVEL,
  MessageConst.TIMER_DELAY_SEC,
  MessageConst.TIMER_DELAY_MS,
  MessageConst.TIMER_DELIVER_MS,
] as const;

function keysOf(keys: string | readonly string[] | undefined): readonly string[] | undefined {
  if (keys === undefined || keys === '') return undefined;
  return typeof keys === 'string' ? keys.split(' ') : keys;
}

/** The time at which a message is to be delivered, ms since 1970. */
function deliveryTime({ deliverTimeMs, delayTimeMs, delayTimeSec }: MessageInput): number | undefined {
  if (deliverTimeMs !== undefined) return deliverTimeMs;
  const delayMs = delayTimeMs ?? (delayTimeSec === undefined ? undefined : delayTimeSec * 1000);
  return delayMs === undefined ? undefined : Date.now() + delayMs;
}

/** What is known of a message before it is sent. */
export function sentMessage(message: MessageInput, isTransaction: boolean): Attributes {
  const { body, tags, keys, delayTimeLevel } = message;
  const deliveryTimeMs = deliveryTime(message);
  const isDelayed = deliveryTimeMs !== undefined || (delayTimeLevel ?? 0) > 0;
  const type: MessageType = isTransaction ? 'transaction' : isDelayed ? 'delay' : 'normal';
  return {
    'messaging.message.body.size': typeof body === 'string' ? Buffer.byteLength(body) : body.length,
    'messaging.rocketmq.message.type': type,
    'messaging.rocketmq.message.tag': tags,
    'messaging.rocketmq.message.keys': keysOf(keys),
    'messaging.rocketmq.message.delay_time_level': delayTimeLevel,
    'messaging.rocketmq.message.delivery_timestamp': deliveryTimeMs,
  };
}

function receivedType(properties: MessageExt['properties']): MessageType {
  if (properties[MessageConst.TRANSACTION_PREPARED] === 'true') return 'transaction';
  if (DELAY_PROPERTIES.some((name) => properties[name] !== undefined)) return 'delay';
  return properties[MessageConst.SHARDING_KEY] === undefined ? 'normal' : 'fifo';
}

/** What is known of a message that came. */
export function receivedMessage(message: MessageExt): Attributes {
  const { msgId, body, properties, reconsumeTimes, queueId, storeHost } = message;
  return {
    'messaging.message.id': msgId,
    'messaging.message.body.size': body.length,
    'messaging.message.conversation_id': properties[MessageConst.CORRELATION_ID],
    'messaging.destination.partition.id': String(queueId),
    'messaging.rocketmq.message.type': receivedType(properties),
    'messaging.rocketmq.message.tag': properties[MessageConst.TAGS],
    'messaging.rocketmq.message.keys': keysOf(properties[MessageConst.KEYS]),
    'rocknest.message.delivery_count': reconsumeTimes + 1,
    ...server(storeHost),
  };
}

/** Of more than one message, or of none. */
export function batchOf(messages: readonly unknown[]): Attributes {
  return { 'messaging.batch.message_count': messages.length };
}

/** `host:port` of a broker. */
export function server(address: string): Attributes {
  const colon = address.lastIndexOf(':');
  if (colon < 0) return {};
  return { 'server.address': address.slice(0, colon), 'server.port': Number(address.slice(colon + 1)) };
}
