import { join } from 'node:path';
import { readInt64 } from '@rocknest/protocol';
import { SCAN_NOTHING, TimerCheckpoint } from '../timer/timer-checkpoint.js';
import { MAGIC_DELETE, SLOT_BYTES, SLOT_MS, slotOf, WHEEL_BYTES } from '../timer/timer-layout.js';
import { TimerLog } from '../timer/timer-log.js';
import { isSlotSound } from '../timer/timer-wheel.js';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFullySync } from '../io/transfer.js';
import type { Findings } from './finding.js';

export interface TimerFacts {
  readonly rootPath: string;
  readonly logEndOffset: number;
  /** The last run did not end properly, or one is under way. */
  readonly mayBeBehind: boolean;
}

/** What a store has of timer messages. */
export interface TimerSummary {
  /** Units of messages in the timer log that are not delivered, recalls not counted. */
  readonly waitingMessages: number;
  readonly units: number;
  /** Undefined when the checkpoint cannot be read. */
  readonly deliveredUntilMs: number | undefined;
}

const PIECE_BYTES = 1024 * 1024;
const REMEDY =
  'no message is lost: the next start makes it again; rocknest store repair moves it away first and keeps it';

/** Checks checkpoint, wheel and timer log: CRCs, sizes, and that units lead into the commit log. */
export async function checkTimer(
  fileSystem: FileSystem,
  handles: HandlePool,
  facts: TimerFacts,
  findings: Findings,
): Promise<TimerSummary | undefined> {
  const { rootPath, mayBeBehind } = facts;
  const add = (path: string, text: string, severity: 'damage' | 'notice', position?: number): void =>
    findings.add({ kind: 'TIMER_DAMAGED', severity, path, position, text, remedy: REMEDY });
  const checkpoint = new TimerCheckpoint(join(rootPath, 'config', 'timercheck'), fileSystem);
  const hasCheckpoint = checkpoint.load();
  const wheelPath = join(rootPath, 'timerwheel');
  const log = new TimerLog(join(rootPath, 'timerlog'), 0, fileSystem);
  const hasWheel = fileSystem.stat(wheelPath) !== undefined;
  if (!hasCheckpoint && !hasWheel && fileSystem.list(log.folder).length === 0) return undefined;
  if (!hasCheckpoint) add(checkpoint.path, 'there is no checkpoint of the timer', mayBeBehind ? 'notice' : 'damage');
  else if (checkpoint.isDamaged) add(checkpoint.path, 'the CRC of the checkpoint of the timer is wrong', 'damage');
  const flushed = checkpoint.lastTimerLogFlushPos;
  if (hasWheel) checkWheel(fileSystem, handles, wheelPath, add);
  else if (flushed > 0) add(wheelPath, 'there is no timer wheel', 'notice');

  const problem = log.open();
  try {
    if (problem !== undefined) {
      add(log.folder, `the timer log can't be used: ${problem}`, 'damage');
      return { waitingMessages: 0, units: 0, deliveredUntilMs: checkpoint.lastReadTimeMs || undefined };
    }
    let units = 0;
    let waitingMessages = 0;
    let stray: number | undefined;
    const { delivered, scanFrom, lastReadTimeMs } = checkpoint;
    const end = await log.scan(log.start, (position, unit) => {
      units++;
      const isOpen = scanFrom !== SCAN_NOTHING && delivered !== undefined && unit.dueMs > delivered.dueMs;
      if ((unit.magic & MAGIC_DELETE) === 0 && (isOpen || slotOf(unit.dueMs) >= lastReadTimeMs)) waitingMessages++;
      if (unit.physicalOffset + unit.sizeBytes > facts.logEndOffset) stray ??= position;
      return true;
    });
    if (end < flushed) {
      const isGone = log.filesEnd === 0;
      const text = `the units of the timer log end at ${end}; the checkpoint knows them to ${flushed}`;
      add(log.folder, text, isGone ? 'notice' : 'damage', end);
    }
    if (stray !== undefined) {
      const text = `a unit of the timer log, and what follows, leads behind the end of the commit log (${facts.logEndOffset})`;
      add(log.folder, text, mayBeBehind ? 'notice' : 'damage', stray);
    }
    return { waitingMessages, units, deliveredUntilMs: hasCheckpoint ? lastReadTimeMs : undefined };
  } finally {
    log.close();
  }
}

function checkWheel(
  fileSystem: FileSystem,
  handles: HandlePool,
  path: string,
  add: (path: string, text: string, severity: 'damage' | 'notice', position?: number) => void,
): void {
  const sizeBytes = fileSystem.stat(path)?.sizeBytes ?? 0;
  if (sizeBytes !== WHEEL_BYTES) {
    add(path, `the timer wheel has ${sizeBytes} bytes instead of ${WHEEL_BYTES}`, 'damage');
    return;
  }
  const file = handles.open(path);
  const bytes = Buffer.allocUnsafe(PIECE_BYTES);
  for (let start = 0; start < WHEEL_BYTES; start += PIECE_BYTES) {
    const length = readFullySync(file, bytes, 0, Math.min(PIECE_BYTES, WHEEL_BYTES - start), start);
    for (let at = 0; at + SLOT_BYTES <= length; at += SLOT_BYTES) {
      if (isSlotSound(bytes, at)) continue;
      const slot = new Date(readInt64(bytes, at) * SLOT_MS);
      const time = Number.isNaN(slot.getTime()) ? 'no time' : slot.toISOString();
      const text = `the CRC of a slot of the timer wheel is wrong (it says ${time}), unless the Java broker changed it`;
      add(path, text, 'damage', start + at);
      return;
    }
  }
}
