import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BrokerAddressTable } from './broker-address-table.js';
import { BrokerPulse } from './broker-pulse.js';

const queue = { topic: 't', brokerName: 'b', queueId: 3 };

function harness(addresses: [number, string][], intervalMs = 400) {
  const brokers = new BrokerAddressTable();
  const route = (members: [number, string][]): void =>
    brokers.update([{ cluster: 'c', brokerName: 'b', brokerAddrs: new Map(members), enableActingMaster: false }]);
  route(addresses);
  const hanging = new Set<string>();
  const pings: [number, string][] = [];
  const doubts: string[] = [];
  const startMs = performance.now();
  const pulse = new BrokerPulse({
    brokers,
    intervalMs,
    ping: async (address, _queue, timeoutMs) => {
      pings.push([performance.now() - startMs, address]);
      if (!hanging.has(address)) return;
      await new Promise((resolve) => setTimeout(resolve, timeoutMs));
      throw new Error('no answer');
    },
    onDoubt: (address) => void doubts.push(address),
  });
  const pullAt = (address: string) => {
    const pull = { queue, moves: 0, move: () => void pull.moves++ };
    pulse.began(address, pull);
    return pull;
  };
  return { pulse, pings, doubts, hanging, pullAt, route };
}

const PAIR: [number, string][] = [
  [0, 'master'],
  [1, 'slave'],
];

describe('BrokerPulse', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('asks a silent broker at which pulls wait, and trusts it when it answers', async () => {
    const { pulse, pings, doubts, pullAt } = harness(PAIR);
    const pull = pullAt('master');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(pings).toEqual([
      [400, 'master'],
      [800, 'master'],
    ]);
    expect([doubts, pull.moves]).toEqual([[], 0]);
    pulse.ended('master', pull, true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(pings).toHaveLength(2);
  });

  it('leaves a broker that keeps answering pulls alone', async () => {
    const { pulse, pings, pullAt } = harness(PAIR);
    pullAt('master');
    for (let i = 0; i < 20; i++) {
      await vi.advanceTimersByTimeAsync(300);
      pulse.ended('master', pullAt('master'), true);
    }
    expect(pings).toEqual([]);
  });

  it('moves pulls away from a broker that hangs within a second, and reads elsewhere until it answers again', async () => {
    const { pulse, doubts, hanging, pullAt } = harness(PAIR);
    const pull = pullAt('master');
    hanging.add('master');
    await vi.advanceTimersByTimeAsync(800);
    expect([doubts, pull.moves]).toEqual([['master'], 1]);
    expect(pulse.readFrom('b', 0)).toEqual({ address: 'slave', brokerId: 1, slave: true });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(doubts).toEqual(['master']);
    hanging.clear();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(pulse.readFrom('b', 0)?.address).toBe('master');
  });

  it('stays with the wanted broker when none answers', async () => {
    const { pulse, hanging, pullAt } = harness(PAIR);
    hanging.add('master').add('slave');
    const pulls = [pullAt('master'), pullAt('slave')];
    await vi.advanceTimersByTimeAsync(800);
    // Whichever was doubted first was left for the other, which was not doubted yet.
    expect(pulls.reduce((sum, { moves }) => sum + moves, 0)).toBe(1);
    expect(pulse.readFrom('b', 0)?.address).toBe('master');
    hanging.delete('slave');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(pulse.readFrom('b', 0)?.address).toBe('slave');
  });

  it('asks nobody where a group has one broker only, and where it is turned off', async () => {
    for (const { pings, pullAt, pulse } of [harness([[0, 'master']]), harness(PAIR, 0)]) {
      const pull = pullAt('master');
      await vi.advanceTimersByTimeAsync(60_000);
      pulse.ended('master', pull, false);
      pulse.lost('master');
      expect(pings).toEqual([]);
      expect(pulse.readFrom('b', 0)?.address).toBe('master');
    }
  });

  it('does not blame a broker for a time in which this process stood still', async () => {
    const { doubts, pings, pullAt, hanging } = harness(PAIR);
    pullAt('master');
    await vi.advanceTimersByTimeAsync(390);
    hanging.add('master');
    await vi.advanceTimersByTimeAsync(20);
    expect(pings).toHaveLength(1);
    // Timers that are late by seconds: the clock jumps, then they run.
    vi.setSystemTime(Date.now() + 1);
    const now = performance.now();
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now + 5_000);
    hanging.delete('master');
    await vi.advanceTimersByTimeAsync(300);
    clock.mockRestore();
    expect(doubts).toEqual([]);
  });

  it('reads elsewhere at once when a connection broke, passes over who does not serve, and comes back', async () => {
    const { pulse, doubts, pullAt, route, hanging } = harness([...PAIR, [2, 'second']]);
    pullAt('slave');
    const pull = pullAt('master');
    hanging.add('master');
    pulse.ended('master', pull, false);
    pulse.lost('master');
    expect(doubts).toEqual(['master']);
    expect(pulse.readFrom('b', 0)?.address).toBe('slave');
    pulse.passOver('slave');
    expect(pulse.readFrom('b', 0)?.address).toBe('second');
    expect(pulse.readFrom('b', 1)?.address).toBe('second');
    await vi.advanceTimersByTimeAsync(1_100);
    expect(pulse.readFrom('b', 0)?.address).toBe('slave');
    // A new master.
    route([
      [0, 'slave'],
      [2, 'second'],
    ]);
    expect(pulse.readFrom('b', 0)?.address).toBe('slave');
  });
});
