import { describe, expect, it } from 'vitest';
import { LatencyFaultTolerance } from './latency-fault-tolerance.js';

const NOW = 1_000_000;

describe('LatencyFaultTolerance', () => {
  it('keeps nothing of brokers that are well', () => {
    const table = new LatencyFaultTolerance();
    table.update('a', 't', 3, 0, true, NOW);
    expect(table.size).toBe(0);
    expect([table.isAvailable('a', NOW), table.isReachable('a')]).toEqual([true, true]);
  });

  it('passes over a broker for its time, and a quick answer to another send does not end it', () => {
    const table = new LatencyFaultTolerance();
    table.update('a', 't', 600, 2_000, true, NOW);
    table.update('a', 't', 2, 0, true, NOW + 1);
    expect(table.isAvailable('a', NOW + 1_999)).toBe(false);
    expect(table.isAvailable('a', NOW + 2_000)).toBe(true);
    expect(table.isAvailable('b', NOW)).toBe(true);
  });

  it('takes a broker for reachable again when a send to it was answered', () => {
    const table = new LatencyFaultTolerance();
    table.update('a', 't', 10_000, 10_000, false, NOW);
    expect(table.isReachable('a')).toBe(false);
    table.update('a', 't', 2, 0, true, NOW);
    expect(table.isReachable('a')).toBe(true);
  });

  it('gives each entry to a probe once in an interval', () => {
    const table = new LatencyFaultTolerance();
    table.update('a', 't', 10_000, 10_000, false, NOW);
    const names = (nowMs: number): string[] => table.dueProbes(nowMs, 2_000).map(({ brokerName }) => brokerName);
    expect([names(NOW), names(NOW + 1_999), names(NOW + 2_000)]).toEqual([['a'], [], ['a']]);
    table.forget('a');
    expect(names(NOW + 10_000)).toEqual([]);
  });

  it('has a bound', () => {
    const table = new LatencyFaultTolerance();
    for (let i = 0; i < 10_001; i++) table.update(`b${i}`, 't', 600, 2_000, true, NOW);
    expect(table.size).toBe(1);
  });
});
