import { beforeEach, describe, expect, it } from 'vitest';
import { CATCH_UP_SHARE, MAX_CATCH_UP_DEBT_MS, PULL_COST_FACTOR } from '../defaults.js';
import { CatchUpShare } from './catch-up-share.js';

describe('the share of consumers far behind', () => {
  let nowMs: number;
  let logEnd: number;
  let ends: (() => void)[];
  let served: string[];
  let share: CatchUpShare;

  beforeEach(() => {
    nowMs = 1_000;
    logEnd = 0;
    ends = [];
    served = [];
    share = new CatchUpShare({ logEnd: () => logEnd, nowMs: () => nowMs, defer: (callback) => ends.push(callback) });
  });

  /** A pull whose read takes so long. */
  function read(name: string, ms: number): void {
    share.spend(() => {
      nowMs += ms;
      served.push(name);
    });
  }

  /** As the puller does. */
  function pull(name: string, ms: number): void {
    if (share.isOpen) read(name, ms);
    else share.wait(() => read(name, ms));
  }

  /** The rest of a turn goes to sends, which write so much. */
  function endTurn(othersMs: number, writtenBytes: number): void {
    nowMs += othersMs;
    logEnd += writtenBytes;
    const due = ends;
    ends = [];
    for (const end of due) end();
  }

  it('has no limit while no message comes', () => {
    for (let i = 0; i < 5; i++) {
      for (let k = 0; k < 20; k++) pull(`${i}/${k}`, 10);
      expect(share.waitingCount).toBe(0);
      endTurn(0.1, 0);
    }
    expect(served).toHaveLength(100);
  });

  const EARNED = CATCH_UP_SHARE / (1 - CATCH_UP_SHARE);

  it('is held to in turns that are full of sends, and pulls keep their order', () => {
    pull('first', 0);
    endTurn(10, 5_000);
    // A little less than a fourth of what the turn of 10 ms earned.
    const eachMs = (10 * EARNED) / PULL_COST_FACTOR / 4 - 0.001;
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']) pull(name, eachMs);
    expect(served).toEqual(['first', 'a', 'b', 'c', 'd', 'e']);
    expect(share.isOpen).toBe(false);
    // The fifth one took more than there was, and that is missing now. A turn earns by what the others took of it: 10 ms again.
    endTurn(10 + eachMs * 5 * (PULL_COST_FACTOR - 1), 5_000);
    expect(served.slice(6)).toEqual(['f', 'g', 'h', 'i']);
    pull('late', eachMs);
    endTurn(10 + eachMs * 4 * (PULL_COST_FACTOR - 1), 5_000);
    expect(served.slice(10)).toEqual(['j', 'late']);
    expect(share.waitingCount).toBe(0);
  });

  it('makes up for a read that took long, but not for longer than its limit says', () => {
    pull('first', 0);
    endTurn(1, 1);
    pull('long', 1_000);
    pull('next', 0);
    const turns = Math.ceil(MAX_CATCH_UP_DEBT_MS / EARNED);
    // The read itself is no time of the others.
    endTurn(1_000 * (PULL_COST_FACTOR - 1), 1);
    for (let i = 1; i < turns; i++) endTurn(1, 1);
    expect(served).toEqual(['first', 'long']);
    endTurn(1, 1);
    expect(served).toEqual(['first', 'long', 'next']);
  });

  it('keeps the order of many that wait', () => {
    pull('first', 0);
    endTurn(1, 1);
    pull('long', 1);
    const names = Array.from({ length: 5_000 }, (_, i) => `${i}`);
    for (const name of names) pull(name, 0.001);
    for (let i = 0; share.waitingCount > 0; i++) endTurn(1, 1);
    expect(served.slice(2)).toEqual(names);
  });

  it('lets everything go that waited, once no more messages come', () => {
    pull('first', 0);
    endTurn(0, 1);
    for (const name of ['a', 'b', 'c']) pull(name, 50);
    endTurn(1, 1);
    expect(served).toEqual(['first', 'a']);
    endTurn(1, 0);
    expect(served).toEqual(['first', 'a', 'b', 'c']);
    endTurn(1, 0);
    expect(share.isOpen).toBe(true);
    expect(ends).toHaveLength(0);
  });
});
