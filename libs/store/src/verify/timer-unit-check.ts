import { decodeMessage, TIMER_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import type { LogScanner } from '../recovery/log-scanner.js';
import { MAGIC_ROLL, slotOf, type TimerUnit } from '../timer/timer-layout.js';
import type { TimerLog } from '../timer/timer-log.js';
import { dueMsOf } from '../timer/timer-message.js';

/** What of the timer log is of one kind. */
export interface UnitTrouble {
  count: number;
  /** The first of them: its place in the timer log, and what is wrong. */
  readonly position: number;
  readonly text: string;
}

export interface UnitCheckInput {
  readonly log: TimerLog;
  readonly scanner: LogScanner;
  /** Slots before it are done. */
  readonly readTimeMs: number;
  /** What was due before it when it got its unit may have been late. */
  readonly lateUntilMs: number;
  readonly logEndOffset: number;
  /** Nothing stands there any more, as is told elsewhere, or was made known by a repair. */
  readonly isLost: (physicalOffset: number) => boolean;
  readonly onUnit: (position: number) => void;
}

/** Units taken from the timer log at once. */
const BATCH_UNITS = 1_024;

/** Reads the message of each unit that is not done. */
export async function checkUnits(
  input: UnitCheckInput,
): Promise<{ readonly wrong: UnitTrouble | undefined; readonly lost: UnitTrouble | undefined }> {
  let wrong: UnitTrouble | undefined;
  let lost: UnitTrouble | undefined;
  for (let from = input.log.start; ;) {
    const batch: { position: number; unit: TimerUnit }[] = [];
    from = await input.log.scan(from, (position, unit) => {
      if (batch.length >= BATCH_UNITS) return false;
      batch.push({ position, unit });
      return true;
    });
    for (const { position, unit } of batch) {
      const isBehindLog = unit.physicalOffset + unit.sizeBytes > input.logEndOffset;
      if (slotOf(unit.dueMs) < input.readTimeMs || isBehindLog) continue;
      input.onUnit(position);
      if (input.isLost(unit.physicalOffset)) {
        lost ??= { count: 0, position, text: `offset ${unit.physicalOffset}` };
        lost.count++;
        continue;
      }
      const text = await troubleOf(unit, input);
      if (text === undefined) continue;
      wrong ??= { count: 0, position, text };
      wrong.count++;
    }
    if (batch.length < BATCH_UNITS) return { wrong, lost };
  }
}

/** Why a unit does not fit its message, or undefined. */
async function troubleOf(unit: TimerUnit, { scanner, lateUntilMs }: UnitCheckInput): Promise<string | undefined> {
  const { physicalOffset, sizeBytes, dueMs, magic } = unit;
  const record = await scanner.recordAt(physicalOffset);
  if (record === undefined) return `no message stands at offset ${physicalOffset}`;
  const message = decodeMessage(record.buffer.subarray(0, record.sizeBytes), 0, { inflate: false });
  if (message.topic !== TIMER_TOPIC) return `at offset ${physicalOffset} stands a message of ${message.topic}`;
  if (record.sizeBytes !== sizeBytes) {
    return `the message at offset ${physicalOffset} has ${record.sizeBytes} bytes, not ${sizeBytes}`;
  }
  const wantedMs = dueMsOf(message.properties);
  if (wantedMs === undefined) return `the message at offset ${physicalOffset} has no TIMER_OUT_MS`;
  if ((magic & MAGIC_ROLL) !== 0 ? dueMs < wantedMs : isFitting(dueMs, wantedMs, lateUntilMs)) return undefined;
  return `the message at offset ${physicalOffset} is due ${timeOf(wantedMs)}, not ${timeOf(dueMs)}`;
}

/** The unit of a message that came when it was due says a later time. The Java broker knows seconds only. */
function isFitting(dueMs: number, wantedMs: number, lateUntilMs: number): boolean {
  return slotOf(dueMs) === slotOf(wantedMs) || (dueMs > wantedMs && wantedMs < lateUntilMs);
}

/** An instant for people; anything may stand in damaged bytes. */
export function timeOf(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? 'no time' : date.toISOString();
}

/** How far behind the time up to which everything is delivered a unit may say a later time than its message. */
export const LATE_MARGIN_MS = defaults.TIMER_MARGIN_MS;
