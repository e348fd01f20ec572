import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MessageExt } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import { ConsumeStats } from './consume-stats.js';
import { ExpiredMessages } from './expired-messages.js';
import { ProcessQueue } from './process-queue.js';
import { ConsumeQueueRef } from './queue-ref.js';

const LIMITS = { maxMessages: 1e6, maxBytes: 1e9, maxSpan: 1e9 };
const TIMEOUT_MS = 1_000;
const message = (queueOffset: number): MessageExt =>
  ({ topic: 't', body: Buffer.alloc(1), properties: {}, queueOffset }) as unknown as MessageExt;

function harness(count: number, works = true) {
  const queue = new ProcessQueue(new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId: 0 }), LIMITS);
  queue.put(Array.from({ length: count }, (_, offset) => message(offset)));
  const sentBack: string[] = [];
  const committed: number[] = [];
  const expired = new ExpiredMessages({
    group: 'g',
    consumeTimeoutMs: TIMEOUT_MS,
    queues: () => [queue],
    sendBack: async (one, _queue, level) => {
      if (!works) throw new Error('broker gone');
      sentBack.push(`${one.queueOffset} level ${level}`);
    },
    onSettled: (_queue, offset) => committed.push(offset),
    stats: new ConsumeStats(),
    logger: silentLogger,
  });
  expired.start();
  const begin = (many: number) => {
    const entries = queue.take(many);
    for (const entry of entries) entry.startedMs = Date.now();
    return entries;
  };
  return { queue, expired, sentBack, committed, begin };
}

describe('ExpiredMessages', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
  afterEach(() => void vi.useRealTimers());

  it('sends back at level 3 what runs over its time, and lets the offset move on', async () => {
    const { queue, sentBack, committed, begin } = harness(3);
    const [first, second] = begin(2);
    queue.settle([second]);
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
    expect(sentBack).toEqual([]);
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
    expect(sentBack).toEqual(['0 level 3']);
    expect(committed).toEqual([2]);
    expect([queue.holds(first), queue.messageCount]).toEqual([false, 1]);
  });

  it('looks at the first messages only: one that has not begun hides those after it', async () => {
    const { sentBack, begin, queue } = harness(3);
    const entries = begin(2);
    entries[0].startedMs = 0;
    await vi.advanceTimersByTimeAsync(5 * TIMEOUT_MS);
    expect(sentBack).toEqual([]);
    queue.settle([entries[0]]);
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
    expect(sentBack).toEqual(['1 level 3']);
  });

  it('takes at most 16 of a queue in one scan', async () => {
    const { sentBack, begin } = harness(40);
    begin(40);
    await vi.advanceTimersByTimeAsync(2 * TIMEOUT_MS);
    expect(sentBack).toHaveLength(16);
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
    expect(sentBack).toHaveLength(32);
  });

  it('keeps a message that could not be sent back, and leaves a lost queue alone', async () => {
    const failing = harness(1, false);
    failing.begin(1);
    await vi.advanceTimersByTimeAsync(2 * TIMEOUT_MS);
    expect([failing.committed, failing.queue.messageCount]).toEqual([[], 1]);
    const lost = harness(1);
    lost.begin(1);
    lost.queue.drop();
    await vi.advanceTimersByTimeAsync(2 * TIMEOUT_MS);
    expect(lost.sentBack).toEqual([]);
  });

  it('scans no more after stop()', async () => {
    const { expired, sentBack, begin } = harness(1);
    begin(1);
    await expired.stop();
    await vi.advanceTimersByTimeAsync(9 * TIMEOUT_MS);
    expect(sentBack).toEqual([]);
  });
});
