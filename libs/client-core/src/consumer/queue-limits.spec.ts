import { describe, expect, it } from 'vitest';
import { QueueLimits } from './queue-limits.js';

const forQueue = { maxMessages: 1_000, maxBytes: 100, maxSpan: 2_000 };
const queues = (...topics: string[]): { topic: string }[] => topics.map((topic) => ({ topic }));

describe('QueueLimits', () => {
  it('are those for each queue when a topic has none', () => {
    const limits = new QueueLimits(forQueue, { maxMessages: Infinity, maxBytes: Infinity });
    limits.update(queues('a', 'a'));
    expect(limits.of('a')).toBe(forQueue);
  });

  it('share a limit of the topic out among its queues, and overrule those for each queue', () => {
    const limits = new QueueLimits(forQueue, { maxMessages: 5_000, maxBytes: Infinity });
    const a = limits.of('a');
    const b = limits.of('b');
    expect(a).toEqual({ maxMessages: 5_000, maxBytes: 100, maxSpan: 2_000 });
    limits.update(queues('a', 'a', 'a', 'b'));
    expect([a.maxMessages, b.maxMessages]).toEqual([1_666, 5_000]);
    limits.update(queues('a'));
    expect(a.maxMessages).toBe(5_000);
  });

  it('never sink to nothing', () => {
    const limits = new QueueLimits(forQueue, { maxMessages: 2, maxBytes: 3 });
    const a = limits.of('a');
    limits.update(queues('a', 'a', 'a', 'a'));
    expect(a).toMatchObject({ maxMessages: 1, maxBytes: 1 });
  });
});
