import { describe, expect, it } from 'vitest';
import { CheckPointTable, type NewCheckPoint } from './check-point-table.js';

function checkPoint(overrides: Partial<NewCheckPoint> = {}): NewCheckPoint {
  return {
    queueRef: 1,
    startOffset: 100,
    popTimeMs: 1_700_000_000_000,
    invisibleMs: 60_000,
    reviveQueueId: 3,
    count: 2,
    diffs: undefined,
    ackedBits: 0,
    attempts: 0,
    ...overrides,
  };
}

describe('the table of check points', () => {
  it('finds a check point by queue, first offset and pop time only', () => {
    const table = new CheckPointTable(100, 250);
    const slot = table.add(checkPoint());
    expect(table.find(1, 100, 1_700_000_000_000)).toBe(slot);
    expect(table.find(2, 100, 1_700_000_000_000)).toBe(-1);
    expect(table.find(1, 101, 1_700_000_000_000)).toBe(-1);
    expect(table.find(1, 100, 1_700_000_000_001)).toBe(-1);
    expect(table.add(checkPoint())).toBe(-1);
    table.remove(slot);
    expect(table.find(1, 100, 1_700_000_000_000)).toBe(-1);
    expect(table.size).toBe(0);
  });

  it('keeps a hundred thousand apart, through growth and removal', () => {
    const table = new CheckPointTable(200_000, 250);
    const slots = Array.from({ length: 100_000 }, (_, i) =>
      table.add(checkPoint({ queueRef: i % 7, startOffset: i, popTimeMs: 1_700_000_000_000 + (i % 1_000), count: 1 })),
    );
    for (let i = 0; i < slots.length; i += 3) table.remove(slots[i]);
    const wrong = slots.filter((slot, i) => {
      const found = table.find(i % 7, i, 1_700_000_000_000 + (i % 1_000));
      return found !== (i % 3 === 0 ? -1 : slot);
    });
    expect(wrong).toEqual([]);
    expect(table.size).toBe(66_666);
    const again = table.add(checkPoint({ startOffset: 5_000_000 }));
    expect(again).toBeLessThan(100_000);
  });

  it('takes no more than it may hold', () => {
    const table = new CheckPointTable(2, 250);
    table.add(checkPoint({ startOffset: 1 }));
    expect(table.isFull).toBe(false);
    table.add(checkPoint({ startOffset: 2 }));
    expect(table.isFull).toBe(true);
    expect(table.add(checkPoint({ startOffset: 3 }))).toBe(-1);
    expect(table.add(checkPoint({ startOffset: 3 }), true)).toBeGreaterThanOrEqual(0);
    expect(table.size).toBe(3);
  });

  it('knows its messages by their offsets, also where a filter skipped some', () => {
    const table = new CheckPointTable(10, 250);
    const row = table.add(checkPoint({ count: 3 }));
    expect([99, 100, 102, 103].map((offset) => table.indexOf(row, offset))).toEqual([-1, 0, 2, -1]);
    const gaps = table.add(checkPoint({ startOffset: 200, count: 2, diffs: [1, 5] }));
    expect([200, 201, 205].map((offset) => table.indexOf(gaps, offset))).toEqual([-1, 0, 1]);
    expect(table.offsetAt(gaps, 1)).toBe(205);
  });

  it('counts acknowledgements once, of up to 32 messages', () => {
    const table = new CheckPointTable(10, 250);
    const slot = table.add(checkPoint({ count: 32 }));
    for (let index = 0; index < 32; index++) {
      expect(table.isDone(slot)).toBe(false);
      expect(table.acknowledge(slot, index)).toBe(true);
      expect(table.acknowledge(slot, index)).toBe(false);
    }
    expect(table.isDone(slot)).toBe(true);
    expect(table.pendingOf(slot)).toBe(0);
    expect(table.takeUnlogged(slot)).toHaveLength(32);
    expect(table.hasUnlogged(slot)).toBe(false);
  });

  it('has them due at the end of their invisible time, once', () => {
    const table = new CheckPointTable(10, 250);
    const late = table.add(checkPoint({ startOffset: 1, popTimeMs: 10_000, invisibleMs: 5_000 }));
    const early = table.add(checkPoint({ startOffset: 2, popTimeMs: 10_000, invisibleMs: 1_000 }));
    const removed = table.add(checkPoint({ startOffset: 3, popTimeMs: 10_000, invisibleMs: 1_000 }));
    table.remove(removed);
    expect(table.due(10_999, 10)).toEqual([]);
    expect(table.due(11_250, 10)).toEqual([early]);
    expect(table.due(11_500, 10)).toEqual([]);
    table.reschedule(early, 12_000);
    expect(table.due(1_000_000, 1)).toEqual([early]);
    expect(table.due(1_000_000, 10)).toEqual([late]);
    // What is due already when it is added is found by the next look.
    const past = table.add(checkPoint({ startOffset: 4, popTimeMs: 1_000, invisibleMs: 0 }));
    expect(table.due(1_000_000, 10)).toEqual([past]);
  });

  it('tells a slot that is used again from what it held before', () => {
    const table = new CheckPointTable(10, 250);
    const slot = table.add(checkPoint());
    const serial = table.serialOf(slot);
    table.remove(slot);
    expect(table.isCurrent(slot, serial)).toBe(false);
    expect(table.add(checkPoint())).toBe(slot);
    expect(table.isCurrent(slot, serial)).toBe(false);
  });
});
