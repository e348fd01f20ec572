import { describe, expect, it } from 'vitest';
import { isTimeToDelete, parseDeleteWhen } from './delete-when.js';

describe('deleteWhen', () => {
  it.each([
    ['04', [4]],
    ['4', [4]],
    ['00;12; 23', [0, 12, 23]],
    ['02;14;', [2, 14]],
  ])('reads "%s"', (text, hours) => {
    expect([...parseDeleteWhen(text)]).toEqual(hours);
  });

  it.each(['', ';', '24', '4am', '04,12', '-1'])('refuses "%s" and says what is possible', (text) => {
    expect(() => parseDeleteWhen(text)).toThrow(/Hours from 00 to 23/);
  });

  it('means the whole hour, local time', () => {
    const hours = parseDeleteWhen('04;05');
    for (const [hour, expected] of [
      [3, false],
      [4, true],
      [5, true],
      [6, false],
    ] as const) {
      expect(isTimeToDelete(hours, new Date(2026, 2, 3, hour, 0, 0).getTime())).toBe(expected);
      expect(isTimeToDelete(hours, new Date(2026, 2, 3, hour, 59, 59).getTime())).toBe(expected);
    }
  });
});
