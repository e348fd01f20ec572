import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BrokerAddressTable } from '../instance/broker-address-table.js';
import { RouteRefreshAfterLoss } from './route-refresh-after-loss.js';

function harness() {
  const brokers = new BrokerAddressTable();
  const route = (...addresses: [number, string][]): void =>
    brokers.update([{ cluster: 'c', brokerName: 'b', brokerAddrs: new Map(addresses), enableActingMaster: false }]);
  route([0, 'b:0'], [1, 'b:1']);
  const looks: number[] = [];
  const refresh = async (): Promise<void> => void looks.push(Date.now());
  const loss = new RouteRefreshAfterLoss({ brokers, refresh, random: () => 0.5 });
  return { loss, looks, route };
}

describe('RouteRefreshAfterLoss', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 0 }));
  afterEach(() => void vi.useRealTimers());

  it('looks soon, and ever more seldom as long as the master is gone', async () => {
    const { loss, looks } = harness();
    loss.connectionClosed('b:0');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toEqual([100, 600, 1_600, 3_600, 7_600, 15_600, 31_600]);
  });

  it('ends when the group has another master, or the broker is back', async () => {
    const { loss, looks, route } = harness();
    loss.connectionClosed('b:0');
    await vi.advanceTimersByTimeAsync(200);
    route([0, 'b:1']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toEqual([100, 600]);
    loss.connectionClosed('b:1');
    loss.connectionOpened('b:1');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveLength(3);
  });

  it('looks when a broker is doubted, once at a time, and again when the doubts go on', async () => {
    const { loss, looks, route } = harness();
    loss.doubted('b:0');
    await vi.advanceTimersByTimeAsync(200);
    for (let i = 0; i < 10; i++) loss.doubted('b:0');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(looks).toEqual([100, 600]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveLength(7);
    loss.doubted('b:0');
    await vi.advanceTimersByTimeAsync(200);
    expect(looks).toHaveLength(8);
    route([0, 'b:1']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveLength(9);
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
