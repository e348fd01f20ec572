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
  if (typeof properties !== 'string' && topic !== SCHEDULE_TOPIC) {
    const code = tagsCodeInBytes(properties);
    if (code !== undefined) return code;
  }
  const text = typeof properties === 'string' ? properties : properties.toString();
  if (topic === SCHEDULE_TOPIC) {
    const deliverTime = deliverTimestamp(text, storeTimestamp, delayLevelsMs);
    if (deliverTime !== undefined) return deliverTime;
  }
  const tags = findProperty(text, MessageConst.TAGS);
  return tags === undefined || tags.length === 0 ? 0 : tagsCodeOf(tags);
}

/** The same from the bytes, which saves a text for each message of a batch; undefined when TAGS is not ASCII. */
function tagsCodeInBytes(bytes: Buffer): number | undefined {
  const end = bytes.length;
  let code = 0;
  for (let p = 0; p < end; p++) {
    if (
      bytes[p] === 0x54 &&
      bytes[p + 1] === 0x41 &&
      bytes[p + 2] === 0x47 &&
      bytes[p + 3] === 0x53 &&
      bytes[p + 4] === 1
    ) {
      const start = p + 5;
      let hash = 0;
      for (p = start; p < end && bytes[p] !== 2; p++) {
        if (bytes[p] > 0x7f) return undefined;
        hash = (Math.imul(hash, 31) + bytes[p]) | 0;
      }
      // Of several the last one that is not empty counts.
      if (p > start) code = hash;
    } else {
      while (p < end && bytes[p] !== 2) p++;
    }
  }
  return code;
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
