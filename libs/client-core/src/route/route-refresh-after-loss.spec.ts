import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BrokerAddressTable } from '../instance/broker-address-table.js';
import { RouteRefreshAfterLoss } from './route-refresh-after-loss.js';

function harness() {
  const brokers = new BrokerAddressTable();
  const route = (...addresses: [number, string][]): void =>
    brokers.update([{ cluster: 'c', brokerName: 'b', brokerAddrs: new Map(addresses), enableActingMaster: false }]);
  route([0, 'b:0'], [1, 'b:1']);
  const looks: number[] = [];
  const probes: [number, string][] = [];
  const refresh = async (): Promise<void> => void looks.push(Date.now());
  const probe = async (topic: string): Promise<void> => void probes.push([Date.now(), topic]);
  const topicOf = (brokerName: string): string => `topic of ${brokerName}`;
  const loss = new RouteRefreshAfterLoss({ brokers, refresh, probe, topicOf, random: () => 0.5 });
  return { loss, looks, probes, route };
}

describe('RouteRefreshAfterLoss', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 0 }));
  afterEach(() => void vi.useRealTimers());

  it('looks soon, then often at one route, and ever more seldom at all as long as the master is gone', async () => {
    const { loss, looks, probes } = harness();
    loss.connectionClosed('b:0');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toEqual([100, 6_400, 7_400, 8_400, 10_400, 14_400, 22_400, 30_400]);
    const times = [300, 600, 1_000, 1_400, 1_800, 2_200, 2_600, 3_000, 3_400, 3_800, 4_200, 4_600, 5_000, 5_400];
    expect(probes).toEqual(times.map((time) => [time, 'topic of b']));
  });

  it('looks at all routes once one tells of another master, and ends', async () => {
    const { loss, looks, probes, route } = harness();
    loss.connectionClosed('b:0');
    await vi.advanceTimersByTimeAsync(1_100);
    route([0, 'b:1']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toEqual([100, 1_400]);
    expect(probes).toHaveLength(4);
  });

  it('ends when the broker is back', async () => {
    const { loss, looks, probes } = harness();
    loss.connectionClosed('b:0');
    await vi.advanceTimersByTimeAsync(150);
    loss.connectionOpened('b:0');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toEqual([100]);
    expect(probes).toEqual([]);
  });

  it('looks when a broker is doubted, once at a time, and again when the doubts go on', async () => {
    const { loss, looks, route } = harness();
    loss.doubted('b:0');
    await vi.advanceTimersByTimeAsync(200);
    for (let i = 0; i < 10; i++) loss.doubted('b:0');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveLength(8);
    loss.doubted('b:0');
    await vi.advanceTimersByTimeAsync(200);
    expect(looks).toHaveLength(9);
    route([0, 'b:1']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveLength(10);
  });

  it('looks at one route before its time when somebody asks the broker in vain, at most five times a second', async () => {
    const { loss, looks, probes, route } = harness();
    loss.connectionClosed('b:0');
    await vi.advanceTimersByTimeAsync(15_000);
    probes.length = 0;
    for (let i = 0; i < 100; i++) {
      loss.doubted('b:0');
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(probes.map(([time]) => time)).toEqual([15_100, 15_300, 15_500, 15_700, 15_900]);
    // A broker that has come back with another address: the route is looked at whole, and that was it.
    route([0, 'b:9']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks.at(-1)).toBe(16_100);
  });

  it('looks once after a slave has gone', async () => {
    const { loss, looks } = harness();
    loss.connectionClosed('b:1');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toEqual([100]);
  });

  it('ignores addresses of no broker, and everything once stopped', async () => {
    const { loss, looks } = harness();
    loss.connectionClosed('namesrv:1');
    loss.connectionClosed('b:0');
    loss.stop();
    loss.connectionClosed('b:1');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toEqual([]);
  });
});
