import { describe, expect, it } from 'vitest';
import { EpochTable } from './epoch-table.js';

const table = (...rows: [epoch: number, startOffset: number][]): EpochTable =>
  new EpochTable(rows.map(([epoch, startOffset]) => ({ epoch, startOffset })));

describe('the epochs of two logs', () => {
  it.each([
    ['the same history', table([1, 0]), 500, table([1, 0]), 700, 500],
    ['an old master with a tail', table([1, 0]), 900, table([1, 0], [2, 600]), 800, 600],
    ['a slave that is behind', table([1, 0]), 400, table([1, 0], [2, 600]), 800, 400],
    ['two masters after a common one', table([1, 0], [2, 500]), 900, table([1, 0], [3, 450]), 950, 450],
    ['epochs that one of them never heard of', table([1, 0], [5, 800]), 900, table([1, 0], [2, 80], [4, 120]), 300, 80],
    ['an epoch that begins behind the end', table([1, 0], [2, 1_000]), 500, table([1, 0], [3, 800]), 900, 500],
    ['an epoch without a byte', table([1, 0], [2, 600], [3, 600]), 600, table([1, 0], [3, 600]), 900, 600],
    ['an empty log', table([1, 0]), 0, table([1, 0]), 900, 0],
  ])('%s: they are the same up to there', (_, own, ownEnd, other, otherEnd, common) => {
    expect(own.commonEnd(ownEnd, other, otherEnd)).toBe(common);
    expect(other.commonEnd(otherEnd, own, ownEnd)).toBe(common);
  });

  it.each([
    ['without epochs', table(), table([1, 0])],
    ['of which none is the same', table([1, 0]), table([2, 0])],
    ['that begin the same epoch elsewhere', table([2, 100]), table([2, 200])],
  ])('%s have nothing in common', (_, own, other) => {
    expect(own.commonEnd(1_000, other, 1_000)).toBeUndefined();
  });
});

describe('an epoch table', () => {
  it('rises', () => {
    const epochs = table([3, 100]);
    for (const [epoch, startOffset] of [
      [3, 200],
      [2, 200],
      [4, 99],
      [4.5, 100],
      [5, -1],
    ])
      expect(() => epochs.append({ epoch, startOffset })).toThrow(expect.objectContaining({ code: 'STORE_EPOCHS' }));
    epochs.append({ epoch: 7, startOffset: 100 });
    expect(epochs.lastEpoch).toBe(7);
  });

  it('forgets epochs whose bytes were all cut', () => {
    const epochs = table([1, 0], [2, 500], [3, 900]);
    epochs.cutTo(500);
    expect(epochs.entries).toEqual([{ epoch: 1, startOffset: 0 }]);
  });

  it('knows which epoch an offset belongs to', () => {
    const epochs = table([1, 100], [2, 500]);
    expect(epochs.at(99)).toBeUndefined();
    expect(epochs.at(100)).toEqual({ epoch: 1, startOffset: 100, endOffset: 500 });
    expect(epochs.at(500)).toEqual({ epoch: 2, startOffset: 500, endOffset: Infinity });
  });
});
