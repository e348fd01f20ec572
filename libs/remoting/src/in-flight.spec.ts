import { describe, expect, it } from 'vitest';
import { InFlight } from './in-flight.js';

const limits = { maxPerConnection: 3, maxTotal: 4, maxLargeBytes: 200_000 };

describe('InFlight', () => {
  it('counts each connection and all together', () => {
    const totals = { requests: 0, largeBytes: 0 };
    const one = new InFlight(limits, totals);
    const two = new InFlight(limits, totals);
    expect([1, 2, 3, 4].map((opaque) => one.tryBegin(opaque, 100))).toEqual([true, true, true, false]);
    expect([1, 2].map((opaque) => two.tryBegin(opaque, 100))).toEqual([true, false]);
    one.end(1);
    expect(two.tryBegin(2, 100)).toBe(true);
    expect(totals.requests).toBe(4);
    one.clear();
    expect(totals.requests).toBe(2);
    one.end(2);
    expect(totals.requests).toBe(2);
  });

  it('counts the bytes of large frames', () => {
    const totals = { requests: 0, largeBytes: 0 };
    const flight = new InFlight(limits, totals);
    expect(flight.tryBegin(1, 150_000)).toBe(true);
    expect(flight.tryBegin(2, 70_000)).toBe(false);
    expect(flight.tryBegin(2, 60_000)).toBe(true);
    flight.end(1);
    expect(totals).toEqual({ requests: 1, largeBytes: 0 });
    expect(flight.tryBegin(3, 150_000)).toBe(true);
    flight.clear();
    expect(totals).toEqual({ requests: 0, largeBytes: 0 });
  });

  it('admits a large frame when there is no other, however large', () => {
    const flight = new InFlight(limits, { requests: 0, largeBytes: 0 });
    expect(flight.tryBegin(1, 10_000_000)).toBe(true);
    expect(flight.tryBegin(2, 100_000)).toBe(false);
  });
});
