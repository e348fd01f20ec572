import { describe, expect, it } from 'vitest';
import type { MessageQueue } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import { AllocateMessageQueueAveragely } from './allocate/allocate-averagely.js';
import type { OffsetStore } from './offset-store.js';
import { ProcessQueue } from './process-queue.js';
import { PullLoop } from './pull-loop.js';
import type { ConsumeQueueRef } from './queue-ref.js';
import { Rebalance, type AssignedQueue } from './rebalance.js';

const LIMITS = { maxMessages: 10, maxBytes: 1e9, maxSpan: 1e9 };

function harness() {
  const log: string[] = [];
  const state = {
    topics: ['t'],
    queues: 4 as number | undefined,
    members: ['me'] as string[] | Error,
    offset: (_queue: ConsumeQueueRef): number | Promise<number> => 0,
    stuck: false,
    superseded: false,
  };
  const offsetStore = {
    remove: (queue: ConsumeQueueRef) => void log.push(`forget ${queue.queueId}`),
    persist: async (queue: ConsumeQueueRef) => {
      log.push(`persist ${queue.queueId}`);
      return true;
    },
  } as unknown as OffsetStore;
  const rebalance = new Rebalance({
    group: 'g',
    clientId: 'me',
    strategy: new AllocateMessageQueueAveragely(),
    offsetStore,
    topics: () => state.topics,
    queuesOf: (topic) =>
      state.queues === undefined
        ? undefined
        : Array.from({ length: state.queues }, (_, queueId): MessageQueue => ({ topic, brokerName: 'b', queueId })),
    membersOf: async () => {
      if (state.members instanceof Error) throw state.members;
      return state.members;
    },
    startOffset: async (queue) => state.offset(queue),
    open: (queue): AssignedQueue => {
      log.push(`open ${queue.queueId}`);
      const processQueue = new ProcessQueue(queue, LIMITS);
      const loop = new PullLoop(processQueue, () => {}, {} as never);
      loop.start = () => {};
      loop.isStuck = () => state.stuck;
      return { processQueue, loop };
    },
    superseded: () => state.superseded,
    logger: silentLogger,
    handoverDelayMs: 0,
  });
  const ids = (): number[] => [...rebalance.queues].map(({ processQueue }) => processQueue.queue.queueId).sort();
  return { rebalance, state, log, ids };
}

describe('Rebalance', () => {
  it('takes its share, and gives up what another member gets, with its offset written before', async () => {
    const { rebalance, state, log, ids } = harness();
    expect(await rebalance.run()).toBe(true);
    expect(ids()).toEqual([0, 1, 2, 3]);
    const third = rebalance.find({ topic: 't', brokerName: 'b', queueId: 3 })!;
    state.members = ['me', 'you'];
    log.length = 0;
    await rebalance.run();
    expect(ids()).toEqual([0, 1]);
    expect(log).toEqual(expect.arrayContaining(['persist 2', 'forget 2', 'persist 3', 'forget 3']));
    expect(log.indexOf('persist 3')).toBeLessThan(log.indexOf('forget 3'));
    expect(third.processQueue.dropped).toBe(true);
  });

  it('keeps what it has when members cannot be found out', async () => {
    const { rebalance, state, ids } = harness();
    await rebalance.run();
    for (const members of [new Error('no consumer for this group'), []]) {
      state.members = members;
      expect(await rebalance.run()).toBe(false);
      expect(ids()).toEqual([0, 1, 2, 3]);
    }
  });

  it('releases everything when the broker does not count it as a member', async () => {
    const { rebalance, state, ids } = harness();
    await rebalance.run();
    state.members = ['somebody else'];
    await rebalance.run();
    expect(ids()).toEqual([]);
  });

  it('leaves a queue alone whose start is not known, and tries again', async () => {
    const { rebalance, state, ids } = harness();
    state.offset = ({ queueId }) => (queueId === 2 ? -2 : 0);
    expect(await rebalance.run()).toBe(false);
    expect(ids()).toEqual([0, 1, 3]);
    state.offset = () => 0;
    expect(await rebalance.run()).toBe(true);
    expect(ids()).toEqual([0, 1, 2, 3]);
  });

  it('waits for a route, and gives up topics that are not subscribed to any more', async () => {
    const { rebalance, state, ids } = harness();
    state.queues = undefined;
    expect(await rebalance.run()).toBe(true);
    expect(ids()).toEqual([]);
    state.queues = 2;
    await rebalance.run();
    state.topics = [];
    await rebalance.run();
    expect(ids()).toEqual([]);
  });

  it('follows a topic that grows and shrinks', async () => {
    const { rebalance, state, ids } = harness();
    await rebalance.run();
    state.queues = 6;
    await rebalance.run();
    expect(ids()).toEqual([0, 1, 2, 3, 4, 5]);
    state.queues = 1;
    await rebalance.run();
    expect(ids()).toEqual([0]);
  });

  it('takes a queue anew whose pulls have stopped', async () => {
    const { rebalance, state, log, ids } = harness();
    await rebalance.run();
    state.stuck = true;
    log.length = 0;
    await rebalance.run();
    expect(ids()).toEqual([0, 1, 2, 3]);
    expect(log.filter((line) => line.startsWith('open'))).toHaveLength(4);
  });

  it('changes an offset with nobody in between', async () => {
    const { rebalance, log, ids } = harness();
    await rebalance.run();
    log.length = 0;
    let during: number[] = [];
    const replaced = rebalance.replace([{ topic: 't', brokerName: 'b', queueId: 1 }], async (dropped) => {
      expect(dropped.map(({ processQueue }) => processQueue.dropped)).toEqual([true]);
      await Promise.resolve();
      during = ids();
    });
    const again = rebalance.run();
    await Promise.all([replaced, again]);
    expect(during).toEqual([0, 1, 2, 3]);
    expect(log).toEqual(['forget 1', 'forget 1', 'open 1']);
    expect(ids()).toEqual([0, 1, 2, 3]);
  });

  it('leaves the taking to the next run when members changed meanwhile, but not for ever', async () => {
    const { rebalance, state, ids } = harness();
    state.members = ['me', 'you'];
    state.superseded = true;
    for (let i = 0; i < 3; i++) {
      expect(await rebalance.run()).toBe(false);
      expect(ids()).toEqual([]);
    }
    await rebalance.run();
    expect(ids()).toEqual([0, 1]);
    state.members = ['me'];
    expect(await rebalance.run()).toBe(true);
    expect(ids()).toEqual([0, 1, 2, 3]);
  });

  it('takes nothing after a stop, though the start was asked for before', async () => {
    const { rebalance, state, ids } = harness();
    let answer: ((offset: number) => void) | undefined;
    state.queues = 1;
    state.offset = () => new Promise((resolve) => (answer = resolve));
    const run = rebalance.run();
    while (!answer) await Promise.resolve();
    rebalance.stop();
    answer(5);
    await run;
    expect(ids()).toEqual([]);
  });
});
