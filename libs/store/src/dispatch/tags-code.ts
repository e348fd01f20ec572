import {
  MessageConst,
  MessageSysFlag,
  SCHEDULE_TOPIC,
  findProperty,
  tagsCodeOf,
  transactionType,
} from '@rocknest/protocol';

/** Delay of an unknown level in ms (RocketMQ's ScheduleMessageService.computeDeliverTimestamp). */
const UNKNOWN_LEVEL_DELAY_MS = 1_000;

/** Only these records take a queue offset and get a consume queue entry: the half and the rolled-back ones don't. */
export function hasQueueEntry(sysFlag: number): boolean {
  const type = transactionType(sysFlag);
  return type === MessageSysFlag.TRANSACTION_NOT_TYPE || type === MessageSysFlag.TRANSACTION_COMMIT_TYPE;
}

/** The tagsCode of a stored record, from its property text: what a rebuild computes, equal to what the put had. */
export function storedTagsCode(
  topic: string,
  properties: string | Buffer,
  storeTimestamp: number,
  delayLevelsMs: readonly number[],
): number {
  const text = typeof properties === 'string' ? properties : properties.toString();
  if (topic === SCHEDULE_TOPIC) {
    const deliverTime = deliverTimestamp(text, storeTimestamp, delayLevelsMs);
    if (deliverTime !== undefined) return deliverTime;
  }
  const tags = findProperty(text, MessageConst.TAGS);
  return tags === undefined || tags.length === 0 ? 0 : tagsCodeOf(tags);
}

/** When a message of the schedule topic is due, in ms since 1970; undefined when it has no delay level. */
export function deliverTimestamp(
  properties: string,
  storeTimestamp: number,
  delayLevelsMs: readonly number[],
): number | undefined {
  const text = findProperty(properties, MessageConst.DELAY_TIME_LEVEL);
  if (text === undefined) return undefined;
  const level = Math.min(Number.parseInt(text, 10), delayLevelsMs.length);
  if (!(level > 0)) return undefined;
  return storeTimestamp + (delayLevelsMs[level - 1] ?? UNKNOWN_LEVEL_DELAY_MS);
}
