import type { MessageQueue } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import { RebalanceLockManager } from './rebalance-lock-manager.js';

const queue = (queueId: number): MessageQueue => ({ topic: 't', brokerName: 'b', queueId });

function fixture(maxLocks = 100): { locks: RebalanceLockManager; now: { ms: number } } {
  const now = { ms: 0 };
  return { locks: new RebalanceLockManager({ maxLiveMs: 60_000, maxLocks, clock: () => now.ms }), now };
}

describe('RebalanceLockManager', () => {
  it('gives a queue to one client of a group at a time', () => {
    const { locks } = fixture();
    expect(locks.tryLockBatch('g', [queue(0), queue(1)], 'a')).toEqual([queue(0), queue(1)]);
    expect(locks.tryLockBatch('g', [queue(1), queue(2)], 'b')).toEqual([queue(2)]);
    expect(locks.tryLockBatch('other', [queue(0)], 'b')).toEqual([queue(0)]);
  });

  it('gives a lock away that was not renewed for 60 s', () => {
    const { locks, now } = fixture();
    locks.tryLockBatch('g', [queue(0)], 'a');
    now.ms = 50_000;
    expect(locks.tryLockBatch('g', [queue(0)], 'a')).toHaveLength(1);
    now.ms = 110_000;
    expect(locks.tryLockBatch('g', [queue(0)], 'b')).toHaveLength(0);
    expect(locks.isLockAllExpired('g')).toBe(false);
    now.ms = 110_001;
    expect(locks.isLockAllExpired('g')).toBe(true);
    expect(locks.tryLockBatch('g', [queue(0)], 'b')).toHaveLength(1);
  });

  it('unlocks only what the client holds', () => {
    const { locks } = fixture();
    locks.tryLockBatch('g', [queue(0)], 'a');
    locks.unlockBatch('g', [queue(0)], 'b');
    expect(locks.tryLockBatch('g', [queue(0)], 'b')).toHaveLength(0);
    locks.unlockBatch('g', [queue(0)], 'a');
    expect(locks.tryLockBatch('g', [queue(0)], 'b')).toHaveLength(1);
  });

  it('knows that a group without locks has none that is valid', () => {
    expect(fixture().locks.isLockAllExpired('g')).toBe(true);
  });

  it('holds no more locks than its limit, and makes room by forgetting expired ones', () => {
    const { locks, now } = fixture(2);
    expect(locks.tryLockBatch('g', [queue(0), queue(1), queue(2)], 'a')).toHaveLength(2);
    now.ms = 60_001;
    expect(locks.tryLockBatch('h', [queue(0)], 'b')).toHaveLength(1);
  });
});
