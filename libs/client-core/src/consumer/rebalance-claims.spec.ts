import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.js';
import { AllocateMessageQueueAveragely } from './allocate/allocate-averagely.js';
import type { OffsetStore } from './offset-store.js';
import { ProcessQueue } from './process-queue.js';
import { PullLoop } from './pull-loop.js';
import type { QueueClaims } from './queue-claims.js';
import type { ConsumeQueueRef } from './queue-ref.js';
import { Rebalance, type AssignedQueue } from './rebalance.js';

const LIMITS = { maxMessages: 10, maxBytes: 1e9, maxSpan: 1e9 };

function harness() {
  const log: string[] = [];
  const state = { members: ['me'], granted: (_id: number): boolean => true, offset: 0, handlersEnded: true };
  const claims: QueueClaims = {
    claim: async (queues) => {
      log.push(`claim ${queues.map(({ queueId }) => queueId).join()}`);
      return new Set(queues.filter(({ queueId }) => state.granted(queueId)).map(({ key }) => key));
    },
    disclaim: async ({ queueId }) => void log.push(`disclaim ${queueId}`),
    opened: ({ queue }) => void log.push(`opened ${queue.queueId}`),
    release: async ({ queue }, beforeRelease) => {
      if (!state.handlersEnded) return false;
      await beforeRelease();
      log.push(`release ${queue.queueId}`);
      return true;
    },
  };
  const rebalance = new Rebalance({
    group: 'g',
    clientId: 'me',
    strategy: new AllocateMessageQueueAveragely(),
    offsetStore: {
      remove: () => {},
      persist: async ({ queueId }: ConsumeQueueRef) => {
        log.push(`persist ${queueId}`);
        return true;
      },
    } as unknown as OffsetStore,
    topics: () => ['t'],
    queuesOf: (topic) => [0, 1].map((queueId) => ({ topic, brokerName: 'b', queueId })),
    membersOf: async () => state.members,
    startOffset: async ({ queueId }) => {
      log.push(`offset ${queueId}`);
      return state.offset;
    },
    open: (queue): AssignedQueue => {
      const processQueue = new ProcessQueue(queue, LIMITS);
      const loop = new PullLoop(processQueue, () => {}, {} as never);
      loop.start = () => {};
      return { processQueue, loop };
    },
    claims,
    superseded: () => false,
    logger: silentLogger,
    handoverDelayMs: 1e9,
  });
  const ids = (): number[] => [...rebalance.queues].map(({ processQueue }) => processQueue.queue.queueId).sort();
  return { rebalance, state, log, ids };
}

describe('Rebalance with claims', () => {
  it('reads the offset of a queue after it was claimed, without a wait for its former owner', async () => {
    const { rebalance, state, log } = harness();
    state.members = ['me', 'you'];
    expect(await rebalance.run()).toBe(true);
    expect(log).toEqual(['claim 0', 'offset 0', 'opened 0']);
  });

  it('leaves a queue alone that another member has claimed, and asks for another try soon', async () => {
    const { rebalance, state, log, ids } = harness();
    state.granted = (id) => id === 1;
    expect(await rebalance.run()).toBe(false);
    expect(ids()).toEqual([1]);
    state.granted = () => true;
    log.length = 0;
    expect(await rebalance.run()).toBe(true);
    expect(log).toEqual(['claim 0', 'offset 0', 'opened 0']);
  });

  it('gives a claim back when the start of the queue is not known', async () => {
    const { rebalance, state, log, ids } = harness();
    state.offset = -2;
    expect(await rebalance.run()).toBe(false);
    expect(ids()).toEqual([]);
    expect(log.slice(-2).sort()).toEqual(['disclaim 0', 'disclaim 1']);
  });

  it('keeps a dropped queue until its handler has ended, taking the last result', async () => {
    const { rebalance, state, log, ids } = harness();
    await rebalance.run();
    const { processQueue } = rebalance.find({ topic: 't', brokerName: 'b', queueId: 1 })!;
    state.members = ['me', 'you'];
    state.handlersEnded = false;
    log.length = 0;
    expect(await rebalance.run()).toBe(false);
    expect(processQueue).toMatchObject({ dropped: true, ignoresResults: false });
    expect(log.filter((line) => !line.startsWith('claim'))).toEqual(['persist 1']);
    state.handlersEnded = true;
    log.length = 0;
    expect(await rebalance.run()).toBe(true);
    expect(log.filter((line) => !line.startsWith('claim'))).toEqual(['persist 1', 'release 1']);
    expect(processQueue.ignoresResults).toBe(true);
    expect(ids()).toEqual([0]);
  });

  it('takes a queue anew that came back while its handler ran, only after that has ended', async () => {
    const { rebalance, state, log } = harness();
    await rebalance.run();
    state.members = ['me', 'you'];
    state.handlersEnded = false;
    await rebalance.run();
    state.members = ['me'];
    log.length = 0;
    expect(await rebalance.run()).toBe(false);
    expect(log).not.toContain('claim 1');
    state.handlersEnded = true;
    expect(await rebalance.run()).toBe(true);
    const [released, claimed] = [log.indexOf('release 1'), log.indexOf('claim 1')];
    expect(released).toBeGreaterThan(-1);
    expect(claimed).toBeGreaterThan(released);
  });

  it('gives claims back when it leaves and when an offset was reset', async () => {
    const { rebalance, log } = harness();
    await rebalance.run();
    log.length = 0;
    await rebalance.replace([{ topic: 't', brokerName: 'b', queueId: 0 }], async () => {});
    expect(log).toEqual(['release 0']);
    await rebalance.releaseAll();
    expect(log).toEqual(['release 0', 'persist 1', 'release 1']);
  });
});
