import { describe, expect, it } from 'vitest';
import { compareDoubles, compareLongs, parseJavaDouble, parseJavaInt, parseJavaLong } from './java-numbers.js';

describe('parseJavaInt and parseJavaLong', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['+12', 12],
    ['-2147483648', -2_147_483_648],
    ['2147483648', NaN],
    ['00000000000000000000000000005', 5],
    ['\u0661\u0662', 12],
    ['\u096c', 6],
    ['', NaN],
    ['-', NaN],
    ['1 ', NaN],
    ['1.0', NaN],
    ['1L', NaN],
    ['\u00bd', NaN],
  ])('int %j', (text, value) => expect(parseJavaInt(text)).toBe(value));

  it.each([
    ['2147483648', 2_147_483_648],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['9223372036854775807', 9_223_372_036_854_775_807n],
    ['-9223372036854775808', -9_223_372_036_854_775_808n],
    ['9223372036854775808', NaN],
    ['-9223372036854775809', NaN],
    [`${'0'.repeat(40)}9007199254740991`, 9_007_199_254_740_991],
    ['9'.repeat(5_000), NaN],
  ])('long %j', (text, value) => expect(parseJavaLong(text)).toBe(value));

  it('compares exactly', () => {
    expect(compareLongs(9_007_199_254_740_993n, 9_007_199_254_740_991)).toBe(1);
    expect(compareLongs(-9_007_199_254_740_993n, 5)).toBe(-1);
    expect(compareLongs(9_007_199_254_740_993n, 9_007_199_254_740_993n)).toBe(0);
  });
});

describe('parseJavaDouble', () => {
  it.each([
    ['5', 5],
    [' \t5.\u0000', 5],
    ['.5e1', 5],
    ['-2.5E-1d', -0.25],
    ['1F', 1],
    ['-Infinity', -Infinity],
    ['NaN', NaN],
    ['1e400', Infinity],
    ['0x1p3', 8],
    ['-0X.8P1f', -1],
    ['0x1.fffffffffffff8p1023', Infinity],
    ['0x1.fffffffffffff7p1023', Number.MAX_VALUE],
    ['0x1p-1074', Number.MIN_VALUE],
    ['0x1p-1075', 0],
    ['0x1.1p-1075', Number.MIN_VALUE],
    ['0x3p-1075', 2 * Number.MIN_VALUE],
    ['0x0p99999999999', 0],
    ['0x1p99999999999', Infinity],
    ['0x20000000000001p0', 9_007_199_254_740_992],
    ['0x20000000000003p0', 9_007_199_254_740_996],
  ])('%j', (text, value) => expect(parseJavaDouble(text)).toBe(value));

  it.each(['', '.', 'e5', '5e', '0x1', '0xp1', '0x.p1', '1_0', 'nan', 'Infinityf', '\u0665', '\u00a05', '5 5'])(
    'refuses %j',
    (text) => expect(parseJavaDouble(text)).toBeUndefined(),
  );

  it('orders them as Double.compare does', () => {
    const ascending = [-Infinity, -1, -0, 0, 1, Infinity, NaN];
    for (const [i, a] of ascending.entries()) {
      for (const [k, b] of ascending.entries())
        expect(Math.sign(compareDoubles(a, b)), `${a} ${b}`).toBe(Math.sign(i - k));
    }
  });
});
