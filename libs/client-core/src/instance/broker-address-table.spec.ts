import type { BrokerData } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { BrokerAddressTable } from './broker-address-table.js';

const group = (...addresses: readonly [number, string][]): BrokerData => ({
  cluster: 'c',
  brokerName: 'broker-a',
  brokerAddrs: new Map(addresses),
  enableActingMaster: false,
});

describe('BrokerAddressTable', () => {
  it('tells of a master that another one has replaced, once and as long as no route has it', () => {
    const table = new BrokerAddressTable();
    table.update([group([0, 'a:1'], [2, 'a:2'])]);
    table.update([group([0, 'a:2'])]);
    expect(table.master('broker-a')).toBe('a:2');
    expect(table.retain((address) => address === 'a:2')).toEqual(['a:1']);
    expect(table.retain((address) => address === 'a:2')).toEqual([]);
  });

  it('does not tell of one that is a slave now, or that is back', () => {
    const table = new BrokerAddressTable();
    table.update([group([0, 'a:1'], [2, 'a:2'])]);
    table.update([group([0, 'a:2'], [1, 'a:1'])]);
    expect(table.retain(() => true)).toEqual([]);
    table.update([group([0, 'a:2'])]);
    table.update([group([0, 'a:2'], [1, 'a:1'])]);
    expect(table.retain((address) => address === 'a:2' || address === 'a:1')).toEqual([]);
  });

  it('forgets what no route has', () => {
    const table = new BrokerAddressTable();
    table.update([group([0, 'a:1'], [1, 'a:2'])]);
    expect(table.retain((address) => address === 'a:1')).toEqual(['a:2']);
    expect([...table.all()]).toEqual([['broker-a', 0, 'a:1']]);
  });
});
