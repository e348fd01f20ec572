import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimerEntry, TimerWheel } from './timer-wheel.js';

class Probe extends TimerEntry {
  firedAtMs: number | undefined;

  constructor(private readonly fire: () => void = () => {}) {
    super();
  }

  override onTimeout(): void {
    this.firedAtMs = performance.now();
    this.fire();
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('TimerWheel', () => {
  it('fires at the earliest one tick after the time, never before it', async () => {
    const wheel = new TimerWheel({ tickMs: 10, slots: 8 });
    const startMs = performance.now();
    const probes = [1, 9, 10, 11, 79, 80, 81, 500, 3000].map((delayMs) => ({ delayMs, probe: new Probe() }));
    for (const { delayMs, probe } of probes) wheel.add(probe, delayMs);
    await vi.advanceTimersByTimeAsync(4_000);
    for (const { delayMs, probe } of probes) {
      const afterMs = probe.firedAtMs! - startMs;
      expect(afterMs).toBeGreaterThanOrEqual(delayMs);
      expect(afterMs).toBeLessThanOrEqual(delayMs + 11);
    }
    expect(wheel.size).toBe(0);
  });

  it('is never early when the clock is read once for many of one millisecond, nor after a long pause', async () => {
    const wheel = new TimerWheel({ tickMs: 10, slots: 8 });
    const probes: { addedMs: number; probe: Probe }[] = [];
    const add = (): void => {
      const probe = new Probe();
      probes.push({ addedMs: performance.now(), probe });
      wheel.add(probe, 25, Date.now());
    };
    for (const pauseMs of [0, 0.3, 0.4, 5, 1, 0, 2_000, 0, 0.5, 100]) {
      await vi.advanceTimersByTimeAsync(pauseMs);
      add();
      add();
    }
    await vi.advanceTimersByTimeAsync(1_000);
    for (const { addedMs, probe } of probes) {
      expect(probe.firedAtMs! - addedMs).toBeGreaterThanOrEqual(25);
      expect(probe.firedAtMs! - addedMs).toBeLessThanOrEqual(25 + 12);
    }
    expect(wheel.size).toBe(0);
  });

  it('does not fire what was removed, and may be used again', async () => {
    const wheel = new TimerWheel({ tickMs: 10, slots: 8 });
    const probe = new Probe();
    wheel.add(probe, 50);
    wheel.remove(probe);
    wheel.remove(probe);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(probe.firedAtMs).toBeUndefined();
    const startMs = performance.now();
    wheel.add(probe, 20);
    await vi.advanceTimersByTimeAsync(100);
    expect(probe.firedAtMs! - startMs).toBeLessThanOrEqual(31);
  });

  it('sets no timer while nothing runs', async () => {
    const wheel = new TimerWheel({ tickMs: 10, slots: 8 });
    expect(vi.getTimerCount()).toBe(0);
    wheel.add(new Probe(), 30);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('wakes for a shorter time-out that comes later', async () => {
    const wheel = new TimerWheel({ tickMs: 10, slots: 1024 });
    const long = new Probe();
    const short = new Probe();
    wheel.add(long, 5_000);
    wheel.add(short, 50);
    await vi.advanceTimersByTimeAsync(70);
    expect(short.firedAtMs).toBeDefined();
    expect(long.firedAtMs).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(long.firedAtMs).toBeDefined();
  });

  it('lets a callback add to and remove from the slot that is being run', async () => {
    const wheel = new TimerWheel({ tickMs: 10, slots: 8 });
    const victim = new Probe();
    const again = new Probe();
    // Entries of a slot run in the opposite order of their adding.
    wheel.add(victim, 20);
    const first = new Probe(() => {
      wheel.remove(victim);
      wheel.add(again, 80);
    });
    wheel.add(first, 20);
    await vi.advanceTimersByTimeAsync(60);
    expect(first.firedAtMs).toBeDefined();
    expect(victim.firedAtMs).toBeUndefined();
    expect(again.firedAtMs).toBeUndefined();
    await vi.advanceTimersByTimeAsync(100);
    expect(again.firedAtMs).toBeDefined();
    expect(wheel.size).toBe(0);
  });

  it('fires each entry that was not removed exactly once, whatever the order of adding and removing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            delayMs: fc.integer({ min: 0, max: 700 }),
            pauseMs: fc.integer({ min: 0, max: 40 }),
            removed: fc.boolean(),
          }),
          {
            maxLength: 60,
          },
        ),
        async (steps) => {
          const wheel = new TimerWheel({ tickMs: 10, slots: 16 });
          const counts = steps.map(() => 0);
          const removedInTime = steps.map(() => false);
          for (const [index, step] of steps.entries()) {
            const probe = new Probe(() => counts[index]++);
            wheel.add(probe, step.delayMs);
            await vi.advanceTimersByTimeAsync(step.pauseMs);
            if (step.removed) {
              removedInTime[index] = counts[index] === 0;
              wheel.remove(probe);
            }
          }
          await vi.advanceTimersByTimeAsync(1_000);
          expect(counts).toEqual(steps.map((_, index) => (removedInTime[index] ? 0 : 1)));
          expect(wheel.size).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
