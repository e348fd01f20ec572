import { describe, expect, it } from 'vitest';
import { SlotWheel } from './slot-wheel.js';

describe('the wheel of slots', () => {
  it('gives what is due in the order of its buckets, however far apart', () => {
    const wheel = new SlotWheel(100, 8);
    wheel.add(0, 1_000_000_000);
    wheel.add(1, 500);
    wheel.add(2, 900);
    expect(wheel.due(400, 8)).toEqual([]);
    expect(wheel.due(10_000, 8)).toEqual([1, 2]);
    expect(wheel.due(2_000_000_000, 8)).toEqual([0]);
  });

  it('takes slots out of the middle, and knows those that are in no bucket', () => {
    const wheel = new SlotWheel(100, 8);
    for (let slot = 0; slot < 5; slot++) wheel.add(slot, 500);
    for (const slot of [2, 0, 4, 7, 2]) wheel.remove(slot);
    expect(wheel.due(1_000, 8).sort()).toEqual([1, 3]);
  });

  it('goes on where it stopped', () => {
    const wheel = new SlotWheel(100, 8);
    for (let slot = 0; slot < 5; slot++) wheel.add(slot, 100 * slot);
    expect(wheel.due(1_000, 2)).toEqual([0, 1]);
    wheel.add(5, 0);
    expect(wheel.due(1_000, 2)).toEqual([5, 2]);
    expect(wheel.due(1_000, 8)).toEqual([3, 4]);
  });

  it('keeps its slots when it grows', () => {
    const wheel = new SlotWheel(100, 2);
    wheel.add(1, 500);
    wheel.grow(4);
    wheel.add(3, 500);
    expect(wheel.due(500, 8).sort()).toEqual([1, 3]);
  });
});
