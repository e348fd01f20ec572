import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MessageExt } from '@rocknest/protocol';
import { ProcessQueue, type HeldMessage } from './process-queue.js';
import { ConsumeQueueRef } from './queue-ref.js';

const LIMITS = { maxMessages: 10, maxBytes: 1_000, maxSpan: 50 };
const ref = new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId: 0 });
const message = (queueOffset: number, size = 10): MessageExt =>
  ({ topic: 't', body: Buffer.alloc(size), properties: {}, queueOffset }) as unknown as MessageExt;
const offsets = (batch: readonly HeldMessage[]): number[] => batch.map((entry) => entry.message.queueOffset);

describe('ProcessQueue', () => {
  it('hands messages out in order and commits up to the first unsettled one', () => {
    const queue = new ProcessQueue(ref, LIMITS);
    expect(queue.committableOffset).toBe(-1);
    queue.put([message(5), message(7), message(8)]);
    expect(queue.committableOffset).toBe(5);
    const [first] = [queue.take(1)];
    const rest = queue.take(10);
    expect(offsets(first)).toEqual([5]);
    expect(offsets(rest)).toEqual([7, 8]);
    expect(queue.settle([rest[1]])).toBe(5);
    expect(queue.settle(first)).toBe(7);
    expect(queue.settle([rest[0]])).toBe(9);
    expect(queue).toMatchObject({ messageCount: 0, sizeBytes: 0, range: undefined });
  });

  it('hands out again what was put back, in order and without the gaps of settled messages', () => {
    const queue = new ProcessQueue(ref, LIMITS);
    queue.put([1, 2, 3, 4].map((offset) => message(offset)));
    const batch = queue.take(3);
    expect(queue.settle([batch[1]])).toBe(1);
    queue.putBack(batch);
    expect(queue).toMatchObject({ messageCount: 3, waitingCount: 3, runningCount: 0, sizeBytes: 30 });
    queue.put([message(5)]);
    const again = queue.take(9);
    expect(offsets(again)).toEqual([1, 3, 4, 5]);
    // Results for the first hand-out do not count for the second one.
    expect(queue.settle(batch)).toBe(1);
    expect(queue.settle(again.slice(0, 3))).toBe(5);
    queue.putBack(again.slice(3));
    expect(offsets(queue.take(1))).toEqual([5]);
  });

  it('rolls back to the first message that is not settled', () => {
    const queue = new ProcessQueue(ref, LIMITS);
    queue.put([1, 2, 3, 4].map((offset) => message(offset)));
    queue.settle(queue.take(1));
    queue.take(1);
    queue.take(1);
    expect(offsets(queue.handedOut())).toEqual([2, 3]);
    queue.rollback();
    expect(queue.handedOut()).toEqual([]);
    expect(offsets(queue.take(9))).toEqual([2, 3, 4]);
    expect(queue.settle(queue.handedOut())).toBe(5);
    queue.rollback();
    expect(queue.take(1)).toEqual([]);
  });

  it('a dropped queue may still take the results of what runs', () => {
    const queue = new ProcessQueue(ref, LIMITS);
    expect(queue).toMatchObject({ dropped: false, ignoresResults: false });
    queue.drop({ lastResultsCount: true });
    expect(queue).toMatchObject({ dropped: true, ignoresResults: false });
    queue.drop();
    expect(queue).toMatchObject({ dropped: true, ignoresResults: true });
  });

  it('counts a message once, settled twice or put twice', () => {
    const queue = new ProcessQueue(ref, LIMITS);
    expect(queue.put([message(1), message(2)])).toBe(2);
    expect(queue.put([message(1), message(2), message(3)])).toBe(1);
    const batch = queue.take(3);
    queue.settle([batch[0]]);
    queue.settle([batch[0]]);
    expect(queue.messageCount).toBe(2);
    expect(queue.put([message(2)])).toBe(0);
  });

  it('is full by count, by size and by span', () => {
    const byCount = new ProcessQueue(ref, LIMITS);
    byCount.put(Array.from({ length: 11 }, (_, i) => message(i)));
    expect(byCount.fullBecause).toBe('count');
    byCount.settle(byCount.take(1));
    expect(byCount.fullBecause).toBeUndefined();

    const bySize = new ProcessQueue(ref, LIMITS);
    bySize.put([message(0, 600), message(1, 600)]);
    expect(bySize.fullBecause).toBe('size');

    const bySpan = new ProcessQueue(ref, LIMITS);
    bySpan.put([message(0), message(51)]);
    expect(bySpan.fullBecause).toBe('span');
    bySpan.settle(bySpan.take(1));
    expect(bySpan.fullBecause).toBeUndefined();
  });

  it('agrees with a plain sorted set under any order of puts, takes and settlements', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('put' as const),
        gaps: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 40 }),
      }),
      fc.record({ kind: fc.constant('take' as const), max: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant('settle' as const), picks: fc.array(fc.nat(), { maxLength: 40 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queue = new ProcessQueue(ref, { maxMessages: 1e9, maxBytes: 1e9, maxSpan: 1e9 });
        const held = new Set<number>();
        let running: HeldMessage[] = [];
        let last = -1;
        let taken = -1;
        for (const action of steps) {
          if (action.kind === 'put') {
            const added = action.gaps.map((gap) => (last += gap));
            queue.put(added.map((offset) => message(offset, offset % 7)));
            added.forEach((offset) => held.add(offset));
          } else if (action.kind === 'take') {
            const batch = queue.take(action.max);
            const expected = [...held]
              .filter((offset) => offset > taken)
              .sort((a, b) => a - b)
              .slice(0, action.max);
            expect(offsets(batch)).toEqual(expected);
            taken = expected.at(-1) ?? taken;
            running.push(...batch);
          } else {
            const chosen = new Set(
              action.picks.map((pick) => running[pick % Math.max(1, running.length)]).filter(Boolean),
            );
            const batch = [...chosen] as HeldMessage[];
            running = running.filter((entry) => !chosen.has(entry));
            offsets(batch).forEach((offset) => held.delete(offset));
            const committed = queue.settle(batch);
            expect(committed).toBe(held.size > 0 ? Math.min(...held) : last < 0 ? -1 : last + 1);
          }
          expect(queue.messageCount).toBe(held.size);
          expect(queue.runningCount).toBe(running.length);
          expect(queue.sizeBytes).toBe([...held].reduce((sum, offset) => sum + (offset % 7), 0));
        }
      }),
    );
  });

  it('costs the same for each message when a hundred thousand are settled backwards', () => {
    const queue = new ProcessQueue(ref, LIMITS);
    queue.put(Array.from({ length: 100_000 }, (_, i) => message(i, 0)));
    const batch = queue.take(100_000);
    let committed = 0;
    for (let i = batch.length - 1; i > 0; i--) committed = Math.max(committed, queue.settle([batch[i]]));
    expect(committed).toBe(0);
    expect(queue.settle([batch[0]])).toBe(100_000);
  });
});
