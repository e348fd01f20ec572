import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MessageQueue } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import { ProcessQueue } from './process-queue.js';
import { QueueLocks } from './queue-locks.js';
import { ConsumeQueueRef } from './queue-ref.js';

const LIMITS = { maxMessages: 10, maxBytes: 1e9, maxSpan: 1e9 };
const ref = (queueId: number, brokerName = 'b'): ConsumeQueueRef =>
  new ConsumeQueueRef({ topic: 't', brokerName, queueId });

function harness() {
  const log: string[] = [];
  const state = { mine: (_queue: MessageQueue): boolean => true, down: false, ended: true };
  const names = (queues: readonly MessageQueue[]): string => queues.map((queue) => queue.queueId).join();
  const locks = new QueueLocks({
    group: 'g',
    lock: async (brokerName, queues) => {
      log.push(`lock ${brokerName} ${names(queues)}`);
      if (state.down) throw new Error('no answer');
      return queues.filter(state.mine);
    },
    unlock: async (brokerName, queues) => void log.push(`unlock ${brokerName} ${names(queues)}`),
    lockIntervalMs: 20_000,
    lockMaxLiveMs: 30_000,
    endedWithin: async () => state.ended,
    onRegained: ({ queue }) => void log.push(`regained ${queue.queueId}`),
    onLost: (processQueue) => {
      processQueue.drop();
      log.push(`lost ${processQueue.queue.queueId}`);
    },
    logger: silentLogger,
  });
  /** Claims and opens. */
  const take = async (queueId: number): Promise<ProcessQueue> => {
    const processQueue = new ProcessQueue(ref(queueId), LIMITS);
    await locks.claim([processQueue.queue]);
    locks.opened(processQueue);
    log.length = 0;
    return processQueue;
  };
  const release = (processQueue: ProcessQueue): Promise<boolean> =>
    locks.release(processQueue, async () => void log.push('persist'));
  return { locks, log, state, take, release };
}

describe('QueueLocks', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('claims with one request for each broker, and only what the broker grants', async () => {
    const { locks, log, state } = harness();
    state.mine = (queue) => queue.queueId !== 1;
    const claimed = await locks.claim([ref(0), ref(1), ref(0, 'c')]);
    expect([...claimed]).toEqual([ref(0).key, ref(0, 'c').key]);
    expect(log).toEqual(['lock b 0,1', 'lock c 0']);
    state.down = true;
    expect((await locks.claim([ref(0)])).size).toBe(0);
  });

  it('renews every 20 s, the first time after one', async () => {
    const { locks, log, take } = harness();
    await take(0);
    await take(1);
    locks.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(log).toEqual(['lock b 0,1']);
    await vi.advanceTimersByTimeAsync(40_000);
    expect(log).toHaveLength(3);
    await locks.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(log).toHaveLength(3);
  });

  it('relies on a lock for 30 s after the request that got it, then asks anew', async () => {
    const { locks, log, take } = harness();
    const processQueue = await take(0);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(locks.mayHandle(processQueue)).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(locks.mayHandle(processQueue)).toBe(false);
    expect(locks.mayHandle(processQueue)).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(log).toEqual(['lock b 0', 'regained 0']);
    expect(locks.mayHandle(processQueue)).toBe(true);
  });

  it('asks every 3 s while the broker is silent', async () => {
    const { locks, log, state, take } = harness();
    const processQueue = await take(0);
    await vi.advanceTimersByTimeAsync(30_001);
    state.down = true;
    locks.mayHandle(processQueue);
    await vi.advanceTimersByTimeAsync(6_100);
    expect(log).toEqual(['lock b 0', 'lock b 0', 'lock b 0']);
    state.down = false;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(log.at(-1)).toBe('regained 0');
  });

  it('gives up what another member has, and what it may have had', async () => {
    const { locks, log, state, take } = harness();
    const [first, second] = [await take(0), await take(1)];
    state.mine = (queue) => queue.queueId === 1;
    await locks.lockAll();
    expect(log).toEqual(['lock b 0,1', 'lost 0']);
    expect([first.locked, second.locked]).toEqual([false, true]);
    // The broker grants it again, but its lock had run out there meanwhile.
    await vi.advanceTimersByTimeAsync(60_001);
    log.length = 0;
    await locks.lockAll();
    expect(log).toEqual(['lock b 1', 'lost 1']);
    log.length = 0;
    await locks.lockAll();
    expect(log).toEqual([]);
  });

  it('relies on nothing of a broker whose connection broke until it has confirmed', async () => {
    const { locks, log, state, take } = harness();
    const processQueue = await take(0);
    state.down = true;
    locks.doubt('other');
    expect(locks.mayHandle(processQueue)).toBe(true);
    locks.doubt('b');
    expect(locks.mayHandle(processQueue)).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    state.down = false;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(log.at(-1)).toBe('regained 0');
    expect(locks.mayHandle(processQueue)).toBe(true);
    await locks.stop();
  });

  it('unlocks after the handler has ended and the offset is written', async () => {
    const { log, state, take, release } = harness();
    const processQueue = await take(0);
    processQueue.drop({ lastResultsCount: true });
    state.ended = false;
    expect(await release(processQueue)).toBe(false);
    expect([log, processQueue.tryUnlockTimes]).toEqual([[], 1]);
    state.ended = true;
    expect(await release(processQueue)).toBe(true);
    expect(log).toEqual(['persist', 'unlock b 0']);
    expect(processQueue.locked).toBe(false);
  });

  it('gives a lock back by force 20 s after its last renewal', async () => {
    const { locks, log, state, take, release } = harness();
    const processQueue = await take(0);
    processQueue.drop({ lastResultsCount: true });
    state.ended = false;
    await vi.advanceTimersByTimeAsync(20_000);
    await locks.lockAll();
    expect(await release(processQueue)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await release(processQueue)).toBe(true);
    expect(log).toEqual(['persist', 'unlock b 0']);
  });

  it('gives back a claim that is not used', async () => {
    const { locks, log } = harness();
    await locks.claim([ref(0)]);
    await locks.disclaim(ref(0));
    expect(log).toEqual(['lock b 0', 'unlock b 0']);
  });
});
