import { isRetryTopic, type ConsumeFromWhere, type MessageQueue } from '@rocknest/protocol';
import { CONSUME_TIMESTAMP_AGO_MS } from '../defaults.js';
import { errorText } from '../errors.js';
import type { ClientLogger } from '../logger.js';
import { invalidArgument } from '../support/check.js';
import { OFFSET_NOT_FOUND, OFFSET_UNKNOWN } from './offset-store.js';

/** The broker's side of it. */
export interface QueueRangeApi {
  maxOffset(queue: MessageQueue): Promise<number>;
  searchOffset(queue: MessageQueue, timestampMs: number): Promise<number>;
}

/** What a Date can hold at most. */
const MAX_DATE_MS = 8.64e15;
const COMPACT_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/;

/** NaN for a text of another form, and for a day or an hour that does not exist (Java would take 20260231 for the third of March). */
function compactTimeMs(text: string): number {
  const parts = COMPACT_TIME.exec(text)?.slice(1).map(Number);
  if (!parts) return Number.NaN;
  const [year, month, day, hours, minutes, seconds] = parts;
  const at = new Date(year, month - 1, day, hours, minutes, seconds);
  const isSame = at.getFullYear() === year && at.getMonth() === month - 1 && at.getDate() === day;
  return isSame && hours < 24 && minutes < 60 && seconds < 60 ? at.getTime() : Number.NaN;
}

/**
 * ms of a `consumeTimestamp`: a Date, ms since 1970, or RocketMQ's text `yyyyMMddHHmmss` in local time. Default: 30 minutes ago.
 *
 * @throws MQClientError INVALID_ARGUMENT.
 */
export function consumeTimestampMs(value: string | number | Date | undefined, nowMs = Date.now()): number {
  if (value === undefined) return nowMs - CONSUME_TIMESTAMP_AGO_MS;
  const ms = typeof value === 'string' ? compactTimeMs(value) : Number(value);
  if (!Number.isSafeInteger(ms) || ms < 0 || ms > MAX_DATE_MS) {
    throw invalidArgument(
      `option consumeTimestamp is ${String(value)}, must be a Date, ms since 1970, or yyyyMMddHHmmss like 20260131235959`,
    );
  }
  return ms;
}

/**
 * Where the consumption of a queue begins (RocketMQ: `RebalancePushImpl.computePullFromWhere`). A stored offset is always taken. Without
 * one: the end, the beginning, or the offset of a time; a retry topic begins at 0 (for TIMESTAMP at its end, as the reference does).
 *
 * @param stored what the offset store read: an offset, OFFSET_NOT_FOUND or OFFSET_UNKNOWN.
 * @returns the offset, or OFFSET_UNKNOWN: then the queue is left alone until the next rebalance.
 */
export async function computePullFromWhere(
  queue: MessageQueue,
  stored: number,
  where: ConsumeFromWhere,
  timestampMs: () => number,
  api: QueueRangeApi,
  logger: ClientLogger,
): Promise<number> {
  if (stored >= 0) return stored;
  if (stored !== OFFSET_NOT_FOUND) return OFFSET_UNKNOWN;
  const isRetry = isRetryTopic(queue.topic);
  try {
    switch (where) {
      case 'CONSUME_FROM_FIRST_OFFSET':
        return 0;
      case 'CONSUME_FROM_LAST_OFFSET':
        return isRetry ? 0 : await api.maxOffset(queue);
      case 'CONSUME_FROM_TIMESTAMP':
        return isRetry ? await api.maxOffset(queue) : await api.searchOffset(queue, timestampMs());
    }
  } catch (error) {
    logger.warn(
      `start of ${queue.topic} ${queue.brokerName} ${queue.queueId} not found out, tried again: ${errorText(error)}`,
    );
    return OFFSET_UNKNOWN;
  }
}
