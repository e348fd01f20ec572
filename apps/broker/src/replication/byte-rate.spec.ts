import { expect, it } from 'vitest';
import { ByteRate } from './byte-rate.js';

it('ByteRate tells what came in the last whole second', () => {
  const rate = new ByteRate();
  rate.add(5, 10_100);
  rate.add(6, 10_900);
  expect(rate.perSecond(10_950)).toBe(0);
  rate.add(100, 11_000);
  expect(rate.perSecond(11_900)).toBe(11);
  expect(rate.perSecond(12_000)).toBe(100);
  expect(rate.perSecond(15_000)).toBe(0);
});
