import { describe, expect, it } from 'vitest';
import { PausedQueues } from './paused-queues.js';

const queue = (topic: string, queueId: number) => ({ topic, brokerName: 'b', queueId });

describe('PausedQueues', () => {
  it('cover a whole topic, or one queue', () => {
    const paused = new PausedQueues();
    paused.pause({ topic: 'a' });
    paused.pause(queue('b', 1));
    expect([queue('a', 0), queue('a', 7), queue('b', 0), queue('b', 1)].map((one) => paused.covers(one))).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  it('the end of a topic ends its queues; the end of a queue does not end its topic', () => {
    const paused = new PausedQueues();
    paused.pause(queue('a', 1));
    paused.resume({ topic: 'a' });
    expect(paused.all).toEqual([]);
    paused.pause({ topic: 'a' });
    paused.resume(queue('a', 1));
    expect(paused.covers(queue('a', 1))).toBe(true);
  });

  it('are kept once, however often they are asked for', () => {
    const paused = new PausedQueues();
    for (let times = 0; times < 3; times++) paused.pause(queue('a', 1));
    paused.pause({ topic: 'a' });
    paused.pause(queue('a', 2));
    expect(paused.all).toHaveLength(1);
  });
});
