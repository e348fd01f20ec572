import { describe, expect, it } from 'vitest';
import { forEachLimited, settledWithin } from './concurrency.js';

describe('forEachLimited', () => {
  it('works on every item, never on more than the limit at once', async () => {
    let atOnce = 0;
    let most = 0;
    const seen: number[] = [];
    await forEachLimited(
      Array.from({ length: 20 }, (_, i) => i),
      3,
      async (item) => {
        most = Math.max(most, ++atOnce);
        await Promise.resolve();
        seen.push(item);
        atOnce--;
      },
    );
    expect(seen).toHaveLength(20);
    expect(most).toBe(3);
  });

  it('rejects with the first error, after the others were done', async () => {
    const seen: number[] = [];
    const run = forEachLimited([1, 2, 3, 4], 2, async (item) => {
      await Promise.resolve();
      seen.push(item);
      if (item % 2 === 0) throw new Error(`item ${item}`);
    });
    await expect(run).rejects.toThrow('item 2');
    expect(seen.sort()).toEqual([1, 2, 3, 4]);
  });
});

describe('settledWithin', () => {
  it('tells whether the promise ended in time, however it ended', async () => {
    expect(await settledWithin(Promise.resolve(1), 1_000)).toBe(true);
    expect(await settledWithin(Promise.reject(new Error('no')), 1_000)).toBe(true);
    expect(await settledWithin(new Promise(() => {}), 0)).toBe(false);
  });
});
