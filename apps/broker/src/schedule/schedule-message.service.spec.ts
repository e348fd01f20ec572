import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { ScheduleClock } from './ports.js';
import { ScheduleMessageService } from './schedule-message.service.js';

/** A clock that moves only when told to, and a queue of delayed messages for each level. */
function harness(delayLevelsMs: number[], initialOffset = 0) {
  let now = 1_000_000;
  const timers = new Map<number, { at: number; action: () => void }>();
  let nextTimer = 1;
  const clock: ScheduleClock = {
    now: () => now,
    setTimer: (action, delayMs) => {
      timers.set(nextTimer, { at: now + delayMs, action });
      return nextTimer++;
    },
    clearTimer: (timer) => void timers.delete(timer as number),
    yieldToLoop: () => Promise.resolve(),
  };
  const queues = new Map<number, { deliverTimestamp: number; record: Buffer | undefined }[]>();
  const queue = (level: number) => queues.get(level) ?? queues.set(level, []).get(level)!;
  const delivered: string[] = [];
  const offsets = new Map<number, number>();
  const errors: unknown[] = [];
  const refuse = { count: 0, throws: false };
  const service = new ScheduleMessageService({
    delayLevelsMs,
    clock,
    onError: (_level, error) => errors.push(error),
    offsets: {
      get: (level) => offsets.get(level) ?? initialOffset,
      set: (level, offset) => offsets.set(level, offset),
    },
    reader: {
      minOffset: () => 0,
      maxOffset: (level) => queue(level).length,
      entry: async (level, offset) => {
        const entry = queue(level)[offset];
        return entry && { physicalOffset: level * 1_000_000 + offset, deliverTimestamp: entry.deliverTimestamp };
      },
      record: async (physicalOffset) =>
        queue(Math.floor(physicalOffset / 1_000_000))[physicalOffset % 1_000_000]?.record,
    },
    sink: {
      deliver: async (record) => {
        if (refuse.count > 0) {
          refuse.count--;
          if (refuse.throws) throw new Error('disk full');
          return false;
        }
        delivered.push(record.toString());
        return true;
      },
    },
  });
  return {
    service,
    delivered,
    offsets,
    errors,
    refuse,
    timers,
    add: (level: number, text: string | undefined, deliverTimestamp = now + (delayLevelsMs[level - 1] ?? 0)) => {
      queue(level).push({ deliverTimestamp, record: text === undefined ? undefined : Buffer.from(text) });
      service.onArrival(level - 1);
    },
    now: () => now,
    advance: (ms: number) => {
      now += ms;
      for (const [id, timer] of [...timers]) {
        if (timer.at <= now && timers.delete(id)) timer.action();
      }
    },
  };
}

describe('ScheduleMessageService', () => {
  it('delivers a message when its time has come, not before, and moves the offset', async () => {
    const h = harness([1_000, 5_000]);
    h.service.start();
    h.add(2, 'a');
    await waitFor(() => h.timers.size === 1);
    h.advance(4_999);
    expect(h.delivered).toEqual([]);
    h.advance(1);
    await waitFor(() => h.delivered.length === 1);
    expect(h.delivered).toEqual(['a']);
    await waitFor(() => h.offsets.get(2) === 1);
    await h.service.stop();
  });

  it('an empty level has no timer', async () => {
    const h = harness([1_000]);
    h.service.start();
    h.add(1, 'a');
    await waitFor(() => h.timers.size === 1);
    h.advance(1_000);
    await waitFor(() => h.offsets.get(1) === 1);
    expect(h.timers.size).toBe(0);
    await h.service.stop();
  });

  it('delivers many due messages in order', async () => {
    const h = harness([1_000]);
    for (let i = 0; i < 500; i++) h.add(1, String(i), h.now());
    h.service.start();
    await waitFor(() => h.offsets.get(1) === 500);
    expect(h.delivered).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
    await h.service.stop();
  });

  it.each([false, true])('tries the same message again after a failed delivery (throws: %s)', async (throws) => {
    const h = harness([1_000]);
    h.refuse.count = 1;
    h.refuse.throws = throws;
    h.add(1, 'a', h.now());
    h.service.start();
    await waitFor(() => h.timers.size === 1);
    expect(h.offsets.get(1)).toBeUndefined();
    expect(h.errors).toHaveLength(throws ? 1 : 0);
    h.advance(100);
    await waitFor(() => h.delivered.length === 1);
    await waitFor(() => h.offsets.get(1) === 1);
    await h.service.stop();
  });

  it('delivers at once what is due later than the delay allows (the clock went back)', async () => {
    const h = harness([1_000]);
    h.add(1, 'a', h.now() + 1_000_000);
    h.service.start();
    await waitFor(() => h.delivered.length === 1);
    await h.service.stop();
  });

  it('passes over a record that can no longer be read, and clamps an offset beyond the queue', async () => {
    const h = harness([1_000], 99);
    h.add(1, undefined, h.now());
    h.service.start();
    await waitFor(() => h.offsets.get(1) === 1);
    h.add(1, 'b', h.now());
    await waitFor(() => h.delivered.length === 1);
    expect(h.delivered).toEqual(['b']);
    await h.service.stop();
  });
});
