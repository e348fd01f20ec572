import { crc32 } from 'node:zlib';
import { decodeMessages, javaStringHash, MessageConst, type MessageExt, TIMER_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import type { MessageStore } from '../message-store.js';
import { contentsKeyOf, rollsOf } from './delivered-copies.js';
import type { Rebuild } from './timer-enqueuer.js';
import type { RebuildRange } from './timer-recovery.js';

const MARK = Buffer.from(MessageConst.TIMER_ROLL_TIMES);
const LOW_BITS = 21;

/**
 * Tells which messages of the timer topic need no unit any more: what was delivered by its time, and what was stored anew since, as a later message of the topic shows.
 * The rest gets its unit, and what of it was delivered in the last minute is found in the log (`DeliveredCopies`).
 */
export async function rebuildRules(store: MessageStore, range: RebuildRange): Promise<Rebuild> {
  const rolls = await newestRolls(store);
  return {
    untilQueueOffset: range.untilQueueOffset,
    isDone: (message, dueMs) => {
      if (dueMs !== undefined && dueMs < range.doneBeforeMs) return true;
      return rolls.size > 0 && (rolls.get(hashOf(message)) ?? 0) > rollsOf(message);
    },
  };
}

/** How often each message was stored anew, by the hash of its contents: some 40 bytes each. */
async function newestRolls(store: MessageStore): Promise<ReadonlyMap<number, number>> {
  const rolls = new Map<number, number>();
  const end = store.maxOffset(TIMER_TOPIC, 0);
  for (let queueOffset = store.minOffset(TIMER_TOPIC, 0); queueOffset < end;) {
    const { nextBeginOffset, records } = await store.getMessage({
      topic: TIMER_TOPIC,
      queueId: 0,
      queueOffset,
      maxMessages: defaults.TIMER_READ_MESSAGES,
    });
    for (const slice of records) {
      if (!slice.includes(MARK)) continue;
      for (const message of decodeMessages(slice, { inflate: false })) {
        const count = rollsOf(message);
        if (count > 0) rolls.set(hashOf(message), Math.max(count, rolls.get(hashOf(message)) ?? 0));
      }
    }
    if (nextBeginOffset <= queueOffset) break;
    queueOffset = nextBeginOffset;
  }
  return rolls;
}

function hashOf(message: MessageExt): number {
  const key = contentsKeyOf(message);
  return crc32(key) * 2 ** LOW_BITS + (javaStringHash(key) >>> (32 - LOW_BITS));
}
