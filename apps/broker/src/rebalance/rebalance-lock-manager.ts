import { type MessageQueue, messageQueueKey } from '@rocknest/protocol';
import type { Clock } from '../clock.js';

export interface RebalanceLockManagerOptions {
  /** A lock that was not renewed for this long is free, in milliseconds. */
  readonly maxLiveMs: number;
  /** Locks held at most in all groups together; past it a queue that nobody locked yet is not granted. */
  readonly maxLocks: number;
  readonly clock: Clock;
}

interface LockEntry {
  clientId: string;
  lastUpdateMs: number;
}

/**
 * The locks of orderly consumers: group -> queue -> the client that may consume it. In memory only, as in RocketMQ: after a
 * restart clients lock again.
 *
 * Follows `broker/client/rebalance/RebalanceLockManager.java`.
 */
export class RebalanceLockManager {
  private readonly groups = new Map<string, Map<string, LockEntry>>();
  private lockCount = 0;

  constructor(private readonly options: RebalanceLockManagerOptions) {}

  /** Locks the queues for the client, or renews its locks. @returns the queues that it holds now. */
  tryLockBatch(group: string, queues: readonly MessageQueue[], clientId: string): MessageQueue[] {
    const nowMs = this.options.clock();
    let locks = this.groups.get(group);
    const locked: MessageQueue[] = [];
    for (const queue of queues) {
      const key = messageQueueKey(queue);
      const entry = locks?.get(key);
      if (entry === undefined) {
        if (this.lockCount >= this.options.maxLocks && !this.dropExpired(nowMs)) continue;
        if (locks === undefined || !this.groups.has(group)) {
          locks = new Map<string, LockEntry>();
          this.groups.set(group, locks);
        }
        locks.set(key, { clientId, lastUpdateMs: nowMs });
        this.lockCount++;
      } else if (entry.clientId === clientId || this.isExpired(entry, nowMs)) {
        entry.clientId = clientId;
        entry.lastUpdateMs = nowMs;
      } else {
        continue;
      }
      locked.push(queue);
    }
    return locked;
  }

  /** Frees the queues that this client holds; locks of others stay. */
  unlockBatch(group: string, queues: readonly MessageQueue[], clientId: string): void {
    const locks = this.groups.get(group);
    if (locks === undefined) return;
    for (const queue of queues) {
      const key = messageQueueKey(queue);
      if (locks.get(key)?.clientId === clientId && locks.delete(key)) this.lockCount--;
    }
    if (locks.size === 0) this.groups.delete(group);
  }

  /** True when the group holds no lock that is still valid. */
  isLockAllExpired(group: string): boolean {
    const locks = this.groups.get(group);
    if (locks === undefined) return true;
    const nowMs = this.options.clock();
    for (const entry of locks.values()) if (!this.isExpired(entry, nowMs)) return false;
    return true;
  }

  /** Forgets locks that ran out. @returns true when there is room for another one. */
  dropExpired(nowMs = this.options.clock()): boolean {
    for (const [group, locks] of this.groups) {
      for (const [key, entry] of locks) {
        if (this.isExpired(entry, nowMs) && locks.delete(key)) this.lockCount--;
      }
      if (locks.size === 0) this.groups.delete(group);
    }
    return this.lockCount < this.options.maxLocks;
  }

  private isExpired(entry: LockEntry, nowMs: number): boolean {
    return nowMs - entry.lastUpdateMs > this.options.maxLiveMs;
  }
}
