import { describe, expect, it } from 'vitest';
import { PopQueue } from './pop-queue.js';

describe('the progress of a popped queue', () => {
  it('goes on from what was popped, while the committed offset waits for what is not safe', () => {
    const queue = new PopQueue(0, 't', 'g', 0);
    expect(queue.nextOffset(5)).toBe(5);
    const first = queue.popped(10, false);
    const second = queue.popped(20, false);
    expect(queue.nextOffset(5)).toBe(20);
    second.safe = true;
    expect(queue.takeSafe(0)).toBeUndefined();
    first.safe = true;
    expect(queue.takeSafe(0)).toBe(20);
    expect(queue.isSettled).toBe(true);
    expect(queue.nextOffset(20)).toBe(20);
  });

  it('counts what stands in the log as safe once the log is flushed so far', () => {
    const queue = new PopQueue(0, 't', 'g', 0);
    const stretch = queue.popped(10, false);
    stretch.physicalOffset = 1_000;
    expect(queue.takeSafe(999)).toBeUndefined();
    expect(queue.takeSafe(1_000)).toBe(10);
  });

  it('begins anew when somebody sets the committed offset back', () => {
    const queue = new PopQueue(0, 't', 'g', 0);
    queue.observe(50);
    const stretch = queue.popped(60, false);
    expect(queue.nextOffset(50)).toBe(60);
    expect(queue.nextOffset(10)).toBe(10);
    stretch.safe = true;
    expect(queue.takeSafe(0)).toBeUndefined();
    expect(queue.nextOffset(80)).toBe(80);
  });

  it('keeps its order over many pops', () => {
    const queue = new PopQueue(0, 't', 'g', 0);
    const stretches = Array.from({ length: 1_000 }, (_, i) => queue.popped(i + 1, false));
    const committed: number[] = [];
    for (const [i, stretch] of stretches.entries()) {
      stretch.safe = true;
      const safeTo = queue.takeSafe(0);
      if (safeTo !== undefined) committed.push(safeTo);
      if (i === 500) expect(safeTo).toBe(501);
    }
    expect(committed).toHaveLength(1_000);
    expect(queue.isSettled).toBe(true);
  });
});
