import type { Connection } from '@rocknest/remoting';
import { describe, expect, it, vi } from 'vitest';
import { type ParkedPull, PullRequestHoldService } from './hold-service.js';

interface Fixture {
  holds: PullRequestHoldService;
  events: string[];
  now: { ms: number };
}

function fixture(maxParked = 100): Fixture {
  const now = { ms: 1_000 };
  const holds = new PullRequestHoldService({
    maxParked,
    clock: () => now.ms,
  });
  return { holds, events: [], now };
}

interface TestConnection {
  closed: boolean;
  writable: boolean;
  close(): void;
}

function connection(state: { writable?: boolean } = {}): TestConnection & Connection {
  const listeners: (() => void)[] = [];
  const made = {
    closed: false,
    writable: true,
    ...state,
    onClose: (listener: () => void) => void listeners.push(listener),
    close: () => {
      made.closed = true;
      for (const listener of listeners) listener();
    },
  };
  return made as TestConnection & Connection;
}

function pull(test: Fixture, name: string, rest: Partial<ParkedPull> = {}): ParkedPull {
  return {
    connection: connection(),
    topic: 't',
    queueId: 0,
    queueOffset: 5,
    matches: undefined,
    deadlineMs: 16_000,
    resume: () => test.events.push(`resume ${name}`),
    dismiss: () => test.events.push(`dismiss ${name}`),
    ...rest,
  };
}

/** Woken pulls run at the end of the loop turn. */
const turn = (): Promise<void> => Promise.resolve();

describe('PullRequestHoldService', () => {
  it('wakes the pulls of a queue when a message arrives there', async () => {
    const test = fixture();
    test.holds.park(pull(test, 'a'));
    test.holds.park(pull(test, 'b', { queueId: 1 }));
    test.holds.notifyArrival('other', 0, 5, 0);
    test.holds.notifyArrival('t', 0, 5, 0);
    await turn();
    expect(test.events).toEqual(['resume a']);
    expect(test.holds.parkedCount).toBe(1);
    test.holds.close();
  });

  it('wakes a pull once for all arrivals of a turn', async () => {
    const test = fixture();
    test.holds.park(pull(test, 'a'));
    for (let offset = 5; offset < 10; offset++) test.holds.notifyArrival('t', 0, offset, 0);
    await turn();
    expect(test.events).toEqual(['resume a']);
    expect(test.holds.parkedCount).toBe(0);
  });

  it('leaves a pull parked whose filter does not want the message', async () => {
    const test = fixture();
    test.holds.park(pull(test, 'a', { matches: (code) => code === 7 }));
    test.holds.notifyArrival('t', 0, 5, 8);
    await turn();
    expect(test.events).toEqual([]);
    test.holds.notifyArrival('t', 0, 6, 7);
    await turn();
    expect(test.events).toEqual(['resume a']);
  });

  it('does not wake for messages before the offset asked for', async () => {
    const test = fixture();
    test.holds.park(pull(test, 'a'));
    test.holds.notifyArrival('t', 0, 4, 0);
    await turn();
    expect(test.holds.parkedCount).toBe(1);
    test.holds.close();
  });

  it('resumes a pull whose time is over', async () => {
    const test = fixture();
    test.holds.park(pull(test, 'a', { deadlineMs: 2_000 }));
    test.now.ms = 1_999;
    test.holds.check();
    await turn();
    expect(test.events).toEqual([]);
    test.now.ms = 2_000;
    test.holds.check();
    await turn();
    expect(test.events).toEqual(['resume a']);
  });

  it('forgets pulls of closed connections', async () => {
    const test = fixture();
    const one = connection();
    for (let queueId = 0; queueId < 5; queueId++) test.holds.park(pull(test, 'a', { connection: one, queueId }));
    test.holds.park(pull(test, 'b'));
    one.close();
    expect(test.holds.parkedCount).toBe(1);
    expect(test.holds.park(pull(test, 'late', { connection: one }))).toBe(true);
    expect(test.holds.parkedCount).toBe(1);
    test.now.ms = 16_000;
    test.holds.check();
    await turn();
    expect(test.events).toEqual(['resume b']);
    expect(test.holds.parkedCount).toBe(0);
  });

  it('wakes a client that did not read its socket once it reads again', async () => {
    const test = fixture();
    const slow = connection({ writable: false });
    test.holds.park(pull(test, 'a', { connection: slow }));
    test.holds.park(pull(test, 'b'));
    test.holds.notifyArrival('t', 0, 5, 0);
    test.holds.check();
    await turn();
    expect(test.events).toEqual(['resume b']);
    slow.writable = true;
    test.holds.check();
    await turn();
    expect(test.events).toEqual(['resume b', 'resume a']);
    expect(test.holds.parkedCount).toBe(0);
  });

  it('sets one timer for thousands of pulls, and none when none is parked', () => {
    vi.useFakeTimers({ now: 0 });
    try {
      const test = fixture(20_000);
      const one = connection();
      for (let i = 0; i < 20_000; i++) {
        test.holds.park(pull(test, 'a', { connection: one, queueId: i % 4_000, deadlineMs: 16_000 + (i % 1_000) }));
      }
      expect(vi.getTimerCount()).toBe(1);
      test.now.ms = 17_000;
      test.holds.check();
      expect(test.holds.parkedCount).toBe(0);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not wake a client that does not read its socket', async () => {
    const test = fixture();
    const slow = connection({ writable: false });
    test.holds.park(pull(test, 'a', { connection: slow }));
    test.holds.notifyArrival('t', 0, 5, 0);
    await turn();
    expect(test.holds.parkedCount).toBe(1);
    test.holds.close();
  });

  it('parks no more than its limit', () => {
    const test = fixture(1);
    expect(test.holds.park(pull(test, 'a'))).toBe(true);
    expect(test.holds.park(pull(test, 'b'))).toBe(false);
    test.holds.close();
  });

  it('dismisses every pull when the broker goes down, and parks none after', () => {
    const test = fixture();
    test.holds.park(pull(test, 'a'));
    test.holds.park(pull(test, 'b', { topic: 'u' }));
    test.holds.close();
    expect(test.events).toEqual(['dismiss a', 'dismiss b']);
    expect(test.holds.park(pull(test, 'c'))).toBe(false);
  });
});
