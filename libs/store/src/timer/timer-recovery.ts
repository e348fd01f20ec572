import { decodeMessage, TIMER_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import type { MessageStore } from '../message-store.js';
import { DeliveredCopies, deliveredFrom } from './delivered-copies.js';
import { type Delivered, SCAN_BY_TIME, SCAN_NOTHING, type TimerCheckpoint } from './timer-checkpoint.js';
import { MAGIC_DELETE, MAX_BEHIND_MS, SLOT_MS, slotOf, type TimerUnit, UNIT_BYTES } from './timer-layout.js';
import type { TimerLog } from './timer-log.js';
import type { TimerWheel } from './timer-wheel.js';

/** Units of the log that a start looks up in the wheel: 52 KiB. */
const COMPARED_UNITS = 1_024;

/** Where enqueuing and delivering go on. */
export interface TimerStart {
  readonly queueOffset: number;
  readonly readTimeMs: number;
  readonly delivered: Delivered;
  /** As in the checkpoint: where the log tells what was delivered since. */
  readonly scanFrom: number;
  /** Log and wheel are made again from the topic; undefined when they are sound. */
  readonly rebuild: RebuildRange | undefined;
}

/** What is made again. */
export interface RebuildRange {
  /** Messages of the topic before it may have been delivered. */
  readonly untilQueueOffset: number;
  /** What is due before it was. */
  readonly doneBeforeMs: number;
  /** Why, and that the files must be cleared first; undefined when an earlier run began it. */
  readonly problem: string | undefined;
}

/** First time of delivery that can be asked for at a place of the wheel: it has room for a week of what is late. */
export function oldestReadTime(lastReadTimeMs: number, nowMs: number): number {
  const oldestMs = slotOf(nowMs) - MAX_BEHIND_MS;
  return Math.max(Math.floor(lastReadTimeMs / SLOT_MS) * SLOT_MS, oldestMs);
}

/** Slots before it are done, and need not be read. */
export function readTimeOf({ lastReadTimeMs, delivered, scanFrom }: TimerCheckpoint, nowMs: number): number {
  // What was delivered since is known message by message, and may have been lost by the log.
  const isOpen = delivered !== undefined && scanFrom !== SCAN_NOTHING;
  return oldestReadTime(isOpen ? Math.min(lastReadTimeMs, slotOf(delivered.dueMs)) : lastReadTimeMs, nowMs);
}

/** Everything that is due in the slots before a time was delivered. */
export function deliveredBefore(readTimeMs: number): Delivered {
  return { dueMs: readTimeMs, position: Number.MAX_SAFE_INTEGER };
}

export interface RecoveryInput {
  readonly store: MessageStore;
  readonly wheel: TimerWheel;
  readonly log: TimerLog;
  readonly checkpoint: TimerCheckpoint;
  /** What opening checkpoint, wheel and log found wrong. */
  readonly checkpointProblem: string | undefined;
  readonly wheelProblem: string | undefined;
  readonly logProblem: string | undefined;
  readonly nowMs: number;
  readonly warn: (text: string) => void;
}

/**
 * Brings log and wheel together after a stop or a crash. The checkpoint says up to which position the wheel on disk knows all units; what stands behind it is put in anew.
 * Units of messages that the commit log lost (a power failure with ASYNC_FLUSH) are taken off both, since other messages will stand there. A wheel that is missing or
 * damaged is made again from the log; without a log or a checkpoint that can be believed, both are made again from the topic.
 *
 * Follows `recover`, `recoverAndRevise` and `reviseQueueOffset` of `TimerMessageStore.java`.
 */
export async function recoverTimer(input: RecoveryInput): Promise<TimerStart> {
  const { store, wheel, log, checkpoint, nowMs, warn } = input;
  const flushed = checkpoint.lastTimerLogFlushPos;
  const wheelProblem = input.wheelProblem ?? (await findMissingSlot(input));
  if (wheelProblem !== undefined && flushed > 0) {
    warn(`the timer wheel is made again from the timer log: ${wheelProblem}`);
  }
  const from = wheelProblem === undefined && flushed > log.start ? flushed : log.start;
  const problem = findProblem(input) ?? (await checkUnits(log, from, flushed));
  if (problem !== undefined) {
    const isKnown = input.checkpointProblem === undefined;
    return rebuildStart(store, checkpoint, isKnown, problem, nowMs);
  }
  const readTimeMs = readTimeOf(checkpoint, nowMs);
  const end = await cutLost(store, wheel, log, log.committedEnd);
  log.setFlushed(flushed);
  await log.scan(from, (position, unit) => {
    if (position >= end) return false;
    putBack(wheel, position, unit, readTimeMs);
    return true;
  });
  // Without our part the Java broker wrote last: full seconds, so that all that is due before them is done.
  const { delivered = deliveredBefore(readTimeMs), scanFrom } = checkpoint;
  const doneBeforeMs = readTimeMs - defaults.TIMER_MARGIN_MS;
  const untilQueueOffset = checkpoint.rebuildUntil;
  return {
    queueOffset: await queueOffsetOf(store, log, checkpoint, end),
    readTimeMs,
    delivered,
    scanFrom,
    rebuild: untilQueueOffset === 0 ? undefined : { untilQueueOffset, doneBeforeMs, problem: undefined },
  };
}

/** Begins anew with the first message of the topic. @param isKnown the checkpoint says up to when messages were delivered. */
export async function rebuildStart(
  store: MessageStore,
  checkpoint: TimerCheckpoint,
  isKnown: boolean,
  problem: string,
  nowMs: number,
): Promise<TimerStart> {
  const topicEnd = store.maxOffset(TIMER_TOPIC, 0);
  const doneBeforeMs = isKnown ? Math.max(0, checkpoint.lastReadTimeMs - defaults.TIMER_MARGIN_MS) : 0;
  // Without any knowledge all that is late is due now, and the log tells what of it was delivered.
  const readTimeMs = doneBeforeMs === 0 ? slotOf(nowMs) : oldestReadTime(doneBeforeMs, nowMs);
  const enqueued = Math.max(checkpoint.lastTimerQueueOffset, checkpoint.rebuildUntil);
  return {
    queueOffset: store.minOffset(TIMER_TOPIC, 0),
    readTimeMs,
    delivered: deliveredBefore(readTimeMs),
    scanFrom: await deliveredFrom(store, doneBeforeMs),
    rebuild: { untilQueueOffset: isKnown ? Math.min(topicEnd, enqueued) : topicEnd, doneBeforeMs, problem },
  };
}

function findProblem({
  store,
  log,
  checkpoint,
  checkpointProblem,
  logProblem,
  nowMs,
}: RecoveryInput): string | undefined {
  if (logProblem !== undefined) return logProblem;
  if (checkpointProblem !== undefined) return checkpointProblem;
  const { lastReadTimeMs, lastTimerQueueOffset, logStart, delivered } = checkpoint;
  if (delivered !== undefined && log.start > logStart)
    return `${log.folder} begins at ${log.start}, not at ${logStart}`;
  const isStale = lastReadTimeMs > 0 && lastReadTimeMs < oldestReadTime(0, nowMs);
  if (isStale && store.maxOffset(TIMER_TOPIC, 0) > 0 && lastTimerQueueOffset > 0) {
    return 'nothing was delivered for more than a week';
  }
  return undefined;
}

/** Slots that are all zeros look like slots that were never used: the latest units of the log tell of those that were. The wheel is then empty. */
async function findMissingSlot(input: RecoveryInput): Promise<string | undefined> {
  const { log, wheel, checkpoint, nowMs } = input;
  const flushed = checkpoint.lastTimerLogFlushPos;
  if (findProblem(input) !== undefined || flushed > log.filesEnd || flushed <= log.start) return undefined;
  const readTimeMs = readTimeOf(checkpoint, nowMs);
  let from = flushed;
  for (let units = 0; units < COMPARED_UNITS && from > log.start; units++) from = log.before(from) ?? log.start;
  let problem: string | undefined;
  await log.scan(from, (position, { dueMs }) => {
    const slotMs = slotOf(dueMs);
    if (position < flushed && slotMs >= readTimeMs && wheel.lastOf(slotMs) < position)
      problem = `it does not know what is due at ${new Date(slotMs).toISOString()}`;
    return problem === undefined && position < flushed;
  });
  if (problem !== undefined) wheel.clear();
  return problem;
}

/** Looks at the units behind a position, and sets the end of the log. */
async function checkUnits(log: TimerLog, from: number, flushed: number): Promise<string | undefined> {
  const end = from > log.filesEnd ? log.filesEnd : await log.scan(from, () => true);
  log.setEnd(Math.max(end, log.start));
  if (end < flushed) return `the units of ${log.folder} end at ${end}, the checkpoint knows them to ${flushed}`;
  const last = from > log.start ? log.before(from) : undefined;
  if (last === undefined || (await log.read(last)) !== undefined) return undefined;
  return `in ${log.folder} no unit stands before ${from}`;
}

/** Finds what was delivered though the checkpoint does not say so. */
export async function findCopies(
  store: MessageStore,
  delivered: Delivered,
  scanFrom: number,
): Promise<DeliveredCopies | undefined> {
  if (scanFrom === SCAN_NOTHING) return undefined;
  const from =
    scanFrom === SCAN_BY_TIME
      ? await deliveredFrom(store, delivered.dueMs - defaults.TIMER_MARGIN_MS)
      : Math.max(scanFrom, store.minPhysicalOffset);
  return from >= store.maxPhysicalOffset ? undefined : DeliveredCopies.find(store, from);
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
    const change = (unit.magic & MAGIC_DELETE) === 0 ? -1 : 1;
    if (wheel.lastOf(slotMs) >= position) wheel.cut(slotMs, unit.previous, change);
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
