import { readInt64 } from '@rocknest/protocol';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import { readFullySync } from '../io/transfer.js';
import { SLOT_BYTES, SLOT_MS, WHEEL_BYTES } from '../timer/timer-layout.js';
import { isSlotSound } from '../timer/timer-wheel.js';
import type { TimerChains } from './timer-chains.js';
import { timeOf } from './timer-unit-check.js';

/** Tells what was found in a file of the timer. */
export type TellTimer = (path: string, text: string, severity: 'damage' | 'notice', position?: number) => void;

export interface SlotCheckInput {
  readonly chains: TimerChains;
  /** Slots before it are done, and may say anything. */
  readonly readTimeMs: number;
  /** A stop takes what is delivered of a second off the wheel, up to this one. */
  readonly dividedMs: number;
  /** Where units begin and end in the timer log. */
  readonly logStart: number;
  readonly logEnd: number;
  /** The wheel knows the units before it; those behind are put in by the next start. */
  readonly flushedEnd: number;
}

interface SlotTrouble {
  count: number;
  readonly at: number;
  readonly slotMs: number;
  readonly text: string;
}

const PIECE_BYTES = 1024 * 1024;
const CRC_AT = 28;

/** Size and CRCs of the wheel. @returns whether its slots can be believed */
export function checkWheelBytes(fileSystem: FileSystem, handles: HandlePool, path: string, tell: TellTimer): boolean {
  const sizeBytes = fileSystem.stat(path)?.sizeBytes ?? 0;
  if (sizeBytes !== WHEEL_BYTES) {
    tell(path, `the timer wheel has ${sizeBytes} bytes instead of ${WHEEL_BYTES}`, 'damage');
    return false;
  }
  for (const { bytes, at, position } of slotsOf(handles, path)) {
    if (isSlotSound(bytes, at)) continue;
    const time = timeOf(readInt64(bytes, at) * SLOT_MS);
    const text = `the CRC of a slot of the timer wheel is wrong (it says ${time}), unless the Java broker changed it`;
    tell(path, text, 'damage', position);
    return false;
  }
  return true;
}

/** Each slot must lead to the last unit of its second, and count the messages of the chain; each chain must have its slot. One finding for each kind. */
export function checkSlots(
  handles: HandlePool,
  path: string,
  input: SlotCheckInput,
  severity: 'damage' | 'notice',
  tell: TellTimer,
): void {
  const troubles = new Map<string, SlotTrouble>();
  const note = (what: string, at: number, slotMs: number, text: string): void => {
    const known = troubles.get(what);
    if (known === undefined) troubles.set(what, { count: 1, at, slotMs, text });
    else known.count++;
  };
  for (const { bytes, at, position, index } of slotsOf(handles, path)) {
    const slotMs = readInt64(bytes, at) * SLOT_MS;
    const last = readInt64(bytes, at + 16);
    const isUsed = slotMs > 0 && slotMs >= input.readTimeMs && last >= 0;
    const expected = input.chains.atIndex(index);
    if (expected !== undefined && expected.slotMs >= input.readTimeMs && expected.last < input.flushedEnd) {
      const mayBeTakenOff = !isUsed && expected.slotMs <= input.dividedMs;
      if (mayBeTakenOff) continue;
      if (!isUsed || slotMs !== expected.slotMs) {
        note('unknown', position, expected.slotMs, `the units of this second end at ${expected.last}`);
        continue;
      }
    }
    if (!isUsed) continue;
    const chain = expected?.slotMs === slotMs ? expected : undefined;
    if (last < input.logStart || last >= input.logEnd) {
      note('outside', position, slotMs, `it leads to ${last}, units are from ${input.logStart} to ${input.logEnd}`);
    } else if (chain === undefined || last > chain.last) {
      note('wrong', position, slotMs, `at ${last} stands no unit of this second`);
    } else if (chain.last >= input.flushedEnd) {
      // What is behind is put in by the next start.
    } else if (last !== chain.last) {
      note('wrong', position, slotMs, `it leads to ${last}, its last unit stands at ${chain.last}`);
    } else if (!chain.isBegunAnew && bytes.readInt32BE(at + 24) !== chain.count) {
      const what = bytes.readUInt32BE(at + CRC_AT) === 0 ? 'javaCount' : 'count';
      note(what, position, slotMs, `it counts ${bytes.readInt32BE(at + 24)}, its units add up to ${chain.count}`);
    }
  }
  for (const [what, { count, at, slotMs, text }] of troubles) {
    const first = `${count === 1 ? 'that' : 'the first'} of ${timeOf(slotMs)}: ${text}`;
    // RocketMQ leaves counts behind when it recovers.
    const isHarmless = what === 'javaCount';
    tell(path, `${TEXTS[what]} (${count}; ${first})`, isHarmless ? 'notice' : severity, at);
  }
}

const TEXTS: Readonly<Record<string, string>> = {
  unknown: 'the timer wheel does not know seconds of which the timer log has units',
  outside: 'slots of the timer wheel lead out of the timer log',
  wrong: 'slots of the timer wheel do not lead to the last unit of their second',
  count: 'slots of the timer wheel count other numbers of messages than they have',
  javaCount: 'slots that the Java broker wrote count other numbers of messages than they have',
};

function* slotsOf(
  handles: HandlePool,
  path: string,
): Generator<{ bytes: Buffer; at: number; position: number; index: number }> {
  const file = handles.open(path);
  const bytes = Buffer.allocUnsafe(PIECE_BYTES);
  for (let start = 0; start < WHEEL_BYTES; start += PIECE_BYTES) {
    const length = readFullySync(file, bytes, 0, Math.min(PIECE_BYTES, WHEEL_BYTES - start), start);
    for (let at = 0; at + SLOT_BYTES <= length; at += SLOT_BYTES) {
      yield { bytes, at, position: start + at, index: (start + at) / SLOT_BYTES };
    }
  }
}
