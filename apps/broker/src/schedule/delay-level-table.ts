import { RocknestError } from '@rocknest/protocol';
import { MAX_DELAY_LEVELS, MAX_DELAY_MS } from './defaults.js';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads the text of `messageDelayLevel`: delays separated by blanks, each a whole number with a unit of s, m, h or d.
 *
 * @returns the delay of each level in milliseconds; index 0 is level 1.
 * @throws RocknestError `DELAY_LEVEL_INVALID` naming the part that can't be read.
 * Source: `ScheduleMessageService.parseDelayLevel`.
 */
export function parseDelayLevels(text: string): readonly number[] {
  const parts = text.trim().split(/\s+/);
  if (parts.length > MAX_DELAY_LEVELS) {
    throw new RocknestError(
      'DELAY_LEVEL_INVALID',
      `messageDelayLevel has ${parts.length} levels, at most ${MAX_DELAY_LEVELS} are supported`,
    );
  }
  return parts.map((part) => {
    const match = /^(\d{1,9})([smhd])$/.exec(part);
    const delayMs = match ? Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? NaN) : NaN;
    if (!(delayMs > 0 && delayMs <= MAX_DELAY_MS)) {
      throw new RocknestError(
        'DELAY_LEVEL_INVALID',
        `messageDelayLevel: '${part}' is not a delay: write a whole number and a unit (s, m, h, d), at most 365d, such as '10s'`,
        { details: { part } },
      );
    }
    return delayMs;
  });
}
