import { describe, expect, it } from 'vitest';
import { DEFAULT_MESSAGE_DELAY_LEVEL } from './defaults.js';
import { parseDelayLevels } from './delay-level-table.js';

describe('parseDelayLevels', () => {
  it("reads RocketMQ's 18 levels", () => {
    const levels = parseDelayLevels(DEFAULT_MESSAGE_DELAY_LEVEL);
    expect(levels).toHaveLength(18);
    expect(levels.slice(0, 5)).toEqual([1_000, 5_000, 10_000, 30_000, 60_000]);
    expect(levels.at(-1)).toBe(7_200_000);
    expect(parseDelayLevels(' 1d  2h ')).toEqual([86_400_000, 7_200_000]);
  });

  it.each(['', '10', '1x', '-1s', '1.5s', '0s', '366d', '1s,2s'])('refuses %j and says why', (text) => {
    expect(() => parseDelayLevels(text)).toThrow(/is not a delay/);
  });

  it('refuses more levels than are supported', () => {
    expect(() => parseDelayLevels(Array(65).fill('1s').join(' '))).toThrow(/65 levels/);
  });
});
