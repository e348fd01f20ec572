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

const COMPACT_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/;

/**
 * ms of a `consumeTimestamp`: a Date, ms since 1970, or RocketMQ's text `yyyyMMddHHmmss` in local time. Default: 30 minutes ago.
 *
 * @throws MQClientError INVALID_ARGUMENT.
 */
export function consumeTimestampMs(value: string | number | Date | undefined, nowMs = Date.now()): number {
  if (value === undefined) return nowMs - CONSUME_TIMESTAMP_AGO_MS;
  let ms: number;
  if (typeof value === 'string') {
    const parts = COMPACT_TIME.exec(value);
    ms = parts ? new Date(+parts[1], +parts[2] - 1, +parts[3], +parts[4], +parts[5], +parts[6]).getTime() : Number.NaN;
  } else {
    ms = Number(value);
  }
  if (!Number.isSafeInteger(ms) || ms < 0) {
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
