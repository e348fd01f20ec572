import type { Connection } from '@rocknest/remoting';
import { describe, expect, it } from 'vitest';
import { type ParkedPull, PullRequestHoldService } from './hold-service.js';

interface Fixture {
  holds: PullRequestHoldService;
  events: string[];
  now: { ms: number };
  maxOffsets: Map<string, number>;
}

function fixture(maxParked = 100): Fixture {
  const now = { ms: 1_000 };
  const maxOffsets = new Map<string, number>();
  const holds = new PullRequestHoldService({
    maxParked,
    maxOffset: (topic, queueId) => maxOffsets.get(`${topic}@${queueId}`) ?? 0,
    clock: () => now.ms,
  });
  return { holds, events: [], now, maxOffsets };
}

function connection(state: { closed?: boolean; writable?: boolean } = {}): Connection {
  return { closed: false, writable: true, ...state } as Connection;
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

  it('finds messages that nobody told it of at the check every 5 s', async () => {
    const test = fixture();
    test.holds.park(pull(test, 'a'));
    test.maxOffsets.set('t@0', 6);
    test.now.ms = 5_000;
    test.holds.check();
    await turn();
    expect(test.events).toEqual([]);
    test.now.ms = 6_000;
    test.holds.check();
    await turn();
    expect(test.events).toEqual(['resume a']);
  });

  it('forgets pulls of closed connections', async () => {
    const test = fixture();
    test.holds.park(pull(test, 'a', { connection: connection({ closed: true }) }));
    test.holds.check();
    await turn();
    expect(test.events).toEqual([]);
    expect(test.holds.parkedCount).toBe(0);
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
