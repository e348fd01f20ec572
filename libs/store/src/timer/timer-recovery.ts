import { decodeMessage, TIMER_TOPIC } from '@rocknest/protocol';
import type { Clock } from '../io/clock.js';
import type { MessageStore } from '../message-store.js';
import type { StoreLogger } from '../types.js';
import type { Delivered, TimerCheckpoint } from './timer-checkpoint.js';
import { MAGIC_DELETE, MAX_BEHIND_MS, SLOT_MS, slotOf, type TimerUnit, UNIT_BYTES } from './timer-layout.js';
import type { TimerLog } from './timer-log.js';
import type { TimerWheel } from './timer-wheel.js';

/** Where enqueuing and delivering go on. */
export interface TimerStart {
  readonly queueOffset: number;
  readonly readTimeMs: number;
  readonly delivered: Delivered;
}

/** First time of delivery that can be asked for at a place of the wheel: a stop of a week at most is made up for. */
export function oldestReadTime(lastReadTimeMs: number, nowMs: number): number {
  const oldestMs = slotOf(nowMs) - MAX_BEHIND_MS;
  return Math.max(Math.floor(lastReadTimeMs / SLOT_MS) * SLOT_MS, oldestMs);
}

/**
 * Brings log and wheel together after a stop or a crash. The checkpoint says up to which position the wheel on disk knows all units; what stands behind it is put in anew.
 * Units of messages that the commit log lost (a power failure with ASYNC_FLUSH) are taken off both, since other messages will stand there.
 *
 * Follows `recover`, `recoverAndRevise` and `reviseQueueOffset` of `TimerMessageStore.java`.
 */
export async function recoverTimer(
  store: MessageStore,
  wheel: TimerWheel,
  log: TimerLog,
  checkpoint: TimerCheckpoint,
  hasCheckpoint: boolean,
  clock: Clock,
  logger: StoreLogger,
): Promise<TimerStart> {
  const readTimeMs = oldestReadTime(hasCheckpoint ? checkpoint.lastReadTimeMs : 0, clock.nowMs());
  const flushed = hasCheckpoint ? checkpoint.lastTimerLogFlushPos : 0;
  let from = flushed > log.start ? flushed : log.start;
  let end = await log.scan(from, () => true);
  if (end < from) end = from;
  log.setEnd(end);
  if (flushed > 0 && from > log.start && (await log.read(log.before(from)!)) === undefined) {
    logger.warn(
      `${log.folder}: no unit stands before ${from}, where the checkpoint ends; the wheel is made again from the log`,
    );
    from = log.start;
    end = await log.scan(from, () => true);
    log.setEnd(end);
    wheel.clear();
  }
  end = await cutLost(store, wheel, log, end);
  await log.scan(from, (position, unit) => {
    if (position >= end) return false;
    putBack(wheel, position, unit, readTimeMs);
    return true;
  });
  const own = checkpoint.delivered;
  // The Java broker writes full seconds: then all that is due before them is done.
  const delivered =
    own !== undefined && own.dueMs > readTimeMs ? own : { dueMs: readTimeMs, position: Number.MAX_SAFE_INTEGER };
  return { queueOffset: await queueOffsetOf(store, log, checkpoint, end), readTimeMs, delivered };
}

function putBack(wheel: TimerWheel, position: number, unit: TimerUnit, readTimeMs: number): void {
  const slotMs = slotOf(unit.dueMs);
  if (slotMs < readTimeMs || position <= wheel.lastOf(slotMs)) return;
  wheel.add(slotMs, position, (unit.magic & MAGIC_DELETE) === 0 ? 1 : -1);
}

/** Takes the units off the end whose messages are not in the commit log. @returns the new end */
async function cutLost(store: MessageStore, wheel: TimerWheel, log: TimerLog, end: number): Promise<number> {
  let kept = end;
  for (;;) {
    const position = log.before(kept);
    const unit = position === undefined ? undefined : await log.read(position);
    if (position === undefined || unit === undefined) break;
    if (unit.physicalOffset + unit.sizeBytes <= store.maxPhysicalOffset) break;
    const slotMs = slotOf(unit.dueMs);
    if (wheel.lastOf(slotMs) >= position) wheel.cut(slotMs, unit.previous);
    kept = position;
  }
  if (kept < end) {
    await log.wipe(kept, end);
    log.setEnd(kept);
  }
  return kept;
}

/** Behind the message of the last unit, or where the checkpoint says, whatever is later; within the queue. */
async function queueOffsetOf(
  store: MessageStore,
  log: TimerLog,
  checkpoint: TimerCheckpoint,
  end: number,
): Promise<number> {
  let queueOffset = checkpoint.lastTimerQueueOffset;
  const last = end >= UNIT_BYTES ? log.before(end) : undefined;
  const unit = last === undefined ? undefined : await log.read(last);
  const record = unit === undefined ? undefined : await store.messageByPhysicalOffset(unit.physicalOffset);
  if (record !== undefined) {
    const message = decodeMessage(record, 0, { inflate: false });
    if (message.topic === TIMER_TOPIC) queueOffset = Math.max(queueOffset, message.queueOffset + 1);
  }
  return Math.min(Math.max(queueOffset, store.minOffset(TIMER_TOPIC, 0)), store.maxOffset(TIMER_TOPIC, 0));
}
