import { join } from 'node:path';
import * as defaults from '../defaults.js';
import { SCAN_NOTHING, TimerCheckpoint } from '../timer/timer-checkpoint.js';
import { MAGIC_DELETE, slotOf } from '../timer/timer-layout.js';
import { TimerLog } from '../timer/timer-log.js';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { LogScanner } from '../recovery/log-scanner.js';
import type { Findings } from './finding.js';
import type { LogRow } from './store-survey.js';
import { TimerChains } from './timer-chains.js';
import { checkUnits, LATE_MARGIN_MS } from './timer-unit-check.js';
import { checkSlots, checkWheelBytes } from './timer-wheel-check.js';

export interface TimerFacts {
  readonly rootPath: string;
  readonly logEndOffset: number;
  /** The last run did not end properly, or one is under way. */
  readonly mayBeBehind: boolean;
  readonly row: LogRow;
  /** Nothing stands there any more, as is told elsewhere, or was made known by a repair. */
  readonly isLost: (physicalOffset: number) => boolean;
  /** Told the bytes of the timer log that are done, and all. */
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/** What a store has of timer messages. */
export interface TimerSummary {
  /** Units of messages in the timer log that are not delivered, recalls not counted. */
  readonly waitingMessages: number;
  readonly units: number;
  /** Undefined when the checkpoint cannot be read. */
  readonly deliveredUntilMs: number | undefined;
}

const REMEDY =
  'no message is lost: rocknest store repair moves it away and keeps it, and the next start makes it again from the messages';

const LOST_REMEDY = 'when they are due the broker drops them, with a warning for each';

/** Checks checkpoint, wheel and timer log: CRCs and sizes, the slots against the chains of units, and each unit that is not done against its message. */
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
  const isWheelSound = hasWheel && checkWheelBytes(fileSystem, handles, wheelPath, add);
  if (!hasWheel && flushed > 0) add(wheelPath, 'there is no timer wheel', 'notice');

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
    const hasOpen = scanFrom !== SCAN_NOTHING && delivered !== undefined;
    const readTimeMs = hasOpen ? Math.min(lastReadTimeMs, slotOf(delivered.dueMs)) : lastReadTimeMs;
    const dividedMs = Math.max(readTimeMs, slotOf(delivered?.dueMs ?? 0));
    const severity = mayBeBehind ? 'notice' : 'damage';
    const chains = new TimerChains();
    let broken: { readonly position: number; readonly text: string } | undefined;
    const end = await log.scan(log.start, (position, unit) => {
      units++;
      const expected = chains.add(position, unit, log.start);
      // A stop that divides a second begins its chain anew.
      const isBegunAnew = unit.previous < log.start && (mayBeBehind || slotOf(unit.dueMs) <= dividedMs);
      if (expected !== undefined && slotOf(unit.dueMs) >= readTimeMs && !isBegunAnew) {
        broken ??= { position, text: `it names ${unit.previous}, and not ${expected}, as the one before it` };
      }
      const isOpen = hasOpen && unit.dueMs > delivered.dueMs;
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
    if (broken !== undefined) {
      add(
        log.folder,
        `a unit of the timer log breaks the chain of its second: ${broken.text}`,
        severity,
        broken.position,
      );
    }
    const isKnown = hasCheckpoint && !checkpoint.isDamaged;
    if (isKnown && isWheelSound && end >= flushed) {
      const input = { chains, readTimeMs, dividedMs, logStart: log.start, logEnd: end, flushedEnd: flushed };
      checkSlots(handles, wheelPath, input, severity, add);
    }
    const totalBytes = end - log.start;
    const { wrong, lost } = await checkUnits({
      log,
      scanner: new LogScanner(facts.row, handles, defaults.RECORD_HEAD_READ_BYTES),
      readTimeMs: isKnown ? readTimeMs : Infinity,
      lateUntilMs: lastReadTimeMs + LATE_MARGIN_MS,
      logEndOffset: facts.logEndOffset,
      isLost: facts.isLost,
      onUnit: (position) => {
        facts.onProgress(position - log.start, totalBytes);
      },
    });
    if (wrong !== undefined) {
      const text = `units of the timer log do not fit their messages (${wrong.count}; the first: ${wrong.text})`;
      add(log.folder, text, severity, wrong.position);
    }
    if (lost !== undefined) {
      const text = `units of the timer log lead to messages that the commit log lost (${lost.count}; the first: ${lost.text})`;
      const { position } = lost;
      findings.add({
        kind: 'TIMER_DAMAGED',
        severity: 'notice',
        path: log.folder,
        position,
        text,
        remedy: LOST_REMEDY,
      });
    }
    return { waitingMessages, units, deliveredUntilMs: hasCheckpoint ? lastReadTimeMs : undefined };
  } finally {
    log.close();
  }
}
