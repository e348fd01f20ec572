import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResponseCode, type MessageExt } from '@rocknest/protocol';
import { MQBrokerError } from '../errors.js';
import { ProcessQueue } from './process-queue.js';
import { PullLoop } from './pull-loop.js';
import type { PullCallback, PullOutcome, PullRequest } from './pull-types.js';
import { ConsumeQueueRef } from './queue-ref.js';

const ref = new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId: 3 });
const message = (queueOffset: number): MessageExt =>
  ({ topic: 't', body: Buffer.alloc(1), properties: {}, queueOffset }) as unknown as MessageExt;
const outcome = (status: PullOutcome['status'], nextBeginOffset: number, offsets: number[] = []): PullOutcome => ({
  status,
  messages: offsets.map(message),
  nextBeginOffset,
  minOffset: 0,
  maxOffset: 100,
  suggestedBrokerId: 0,
});

function harness(maxMessages = 3) {
  const pulls: { request: PullRequest; answer: PullCallback }[] = [];
  const events: string[] = [];
  let commit = 0;
  const queue = new ProcessQueue(ref, { maxMessages, maxBytes: 1e9, maxSpan: 1e9 });
  const loop = new PullLoop(queue, (request, answer) => pulls.push({ request, answer }), {
    onMessages: () => events.push('messages'),
    onNothingHeld: (_, offset) => events.push(`nothing held ${offset}`),
    onOffsetIllegal: (_, offset) => events.push(`illegal ${offset}`),
    onSubscriptionUnknown: async (_, address) => void events.push(`heartbeat to ${address}`),
    onError: (_, error) => events.push(error.message),
    commitOffset: () => commit,
  });
  return { pulls, events, queue, loop, commit: (offset: number) => (commit = offset) };
}

describe('PullLoop', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('pulls again at once after messages, from the offset that the broker names', () => {
    const { pulls, events, loop, commit } = harness();
    loop.start(5);
    commit(5);
    pulls[0].answer(undefined, outcome('FOUND', 8, [5, 7]));
    expect(pulls.map((pull) => pull.request)).toEqual([
      { queue: ref, queueOffset: 5, commitOffset: 0, brokerId: 0 },
      { queue: ref, queueOffset: 8, commitOffset: 5, brokerId: 0 },
    ]);
    expect(events).toEqual(['messages']);
  });

  it('raises the offset when everything was filtered out and nothing is held', () => {
    const { pulls, events, loop, queue } = harness();
    loop.start(0);
    pulls[0].answer(undefined, outcome('NO_MATCHED_MSG', 10));
    pulls[1].answer(undefined, outcome('FOUND', 12, []));
    pulls[2].answer(undefined, outcome('FOUND', 13, [12]));
    pulls[3].answer(undefined, outcome('NO_NEW_MSG', 20));
    expect(events).toEqual(['nothing held 10', 'nothing held 12', 'messages']);
    queue.settle(queue.take(1));
    pulls[4].answer(undefined, outcome('NO_NEW_MSG', 20));
    expect(events.at(-1)).toBe('nothing held 20');
  });

  it('sleeps when the queue is full and wakes when a settlement makes room', () => {
    const { pulls, loop, queue } = harness(1);
    loop.start(0);
    pulls[0].answer(undefined, outcome('FOUND', 2, [0, 1]));
    expect(pulls).toHaveLength(1);
    expect(loop.sleepsBecause).toBe('count');
    expect(loop.isStuck(Date.now() + 1e6)).toBe(false);
    loop.wakeIfRoom();
    expect(pulls).toHaveLength(1);
    queue.settle(queue.take(1));
    loop.wakeIfRoom();
    expect(pulls).toHaveLength(2);
    expect(loop.isStuck(Date.now() + 1e6)).toBe(true);
  });

  it('waits after an error, shortly when the broker asks for it', () => {
    const { pulls, events, loop } = harness();
    loop.start(0);
    pulls[0].answer(new Error('connection lost'), undefined);
    expect(events).toEqual(['connection lost']);
    vi.advanceTimersByTime(2_999);
    expect(pulls).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(pulls).toHaveLength(2);
    pulls[1].answer(new MQBrokerError('pull', 'a:1', ResponseCode.FLOW_CONTROL, undefined), undefined);
    vi.advanceTimersByTime(20);
    expect(pulls).toHaveLength(3);
    expect(events).toHaveLength(1);
  });

  it('tells a broker the subscription before it pulls again, and does not loop when that does not help', async () => {
    const { pulls, events, loop } = harness();
    const unknown = new MQBrokerError('pull', 'a:1', ResponseCode.SUBSCRIPTION_NOT_EXIST, 'who?');
    loop.start(0);
    pulls[0].answer(unknown, undefined);
    await vi.advanceTimersByTimeAsync(100);
    expect(pulls).toHaveLength(2);
    pulls[1].answer(unknown, undefined);
    await vi.advanceTimersByTimeAsync(2_900);
    expect(pulls).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(100);
    expect(pulls).toHaveLength(3);
    expect(events[0]).toBe('heartbeat to a:1');
    expect(events).toHaveLength(2);
  });

  it('stops at an illegal offset', () => {
    const { pulls, events, loop } = harness();
    loop.start(50);
    pulls[0].answer(undefined, outcome('OFFSET_ILLEGAL', 7));
    expect(events).toEqual(['illegal 7']);
    vi.advanceTimersByTime(100_000);
    expect(pulls).toHaveLength(1);
  });

  it('does not spin on an answer that makes no progress', () => {
    const { pulls, loop } = harness();
    loop.start(5);
    pulls[0].answer(undefined, outcome('FOUND', 5, []));
    expect(pulls).toHaveLength(1);
    vi.advanceTimersByTime(3_000);
    expect(pulls).toHaveLength(2);
  });

  it('gives a pull up for another one, once', () => {
    const { pulls, events, loop } = harness();
    loop.start(0);
    loop.pullAnew();
    expect(pulls.map((pull) => pull.request.queueOffset)).toEqual([0, 0]);
    pulls[0].answer(undefined, outcome('FOUND', 5, [3]));
    expect(events).toEqual([]);
    pulls[1].answer(undefined, outcome('FOUND', 2, [1]));
    expect(events).toEqual(['messages']);
    expect(pulls).toHaveLength(3);
    pulls[2].answer(new Error('x'), undefined);
    loop.pullAnew();
    expect(pulls).toHaveLength(3);
  });

  it('ignores answers after a stop or a drop, and keeps those that arrive while suspended', () => {
    const stopped = harness();
    stopped.loop.start(0);
    stopped.loop.stop();
    stopped.pulls[0].answer(undefined, outcome('FOUND', 1, [0]));
    expect(stopped.queue.messageCount).toBe(0);

    const dropped = harness();
    dropped.loop.start(0);
    dropped.queue.drop();
    dropped.pulls[0].answer(undefined, outcome('FOUND', 1, [0]));
    expect(dropped.queue.messageCount).toBe(0);

    const suspended = harness();
    suspended.loop.start(0);
    suspended.loop.suspend();
    suspended.pulls[0].answer(undefined, outcome('FOUND', 1, [0]));
    expect(suspended.queue.messageCount).toBe(1);
    expect(suspended.pulls).toHaveLength(1);
    suspended.loop.resume();
    expect(suspended.pulls).toHaveLength(2);
  });

  it('follows the broker that answers suggest, and asks the master again after a failure', () => {
    const { pulls, loop } = harness();
    loop.start(0);
    pulls[0].answer(undefined, { ...outcome('FOUND', 1, [0]), suggestedBrokerId: 1 });
    expect(pulls[1].request.brokerId).toBe(1);
    pulls[1].answer(new Error('the slave is gone'), undefined);
    vi.runOnlyPendingTimers();
    expect(pulls[2].request).toMatchObject({ brokerId: 0, queueOffset: 1 });
  });

  it('goes on at another offset, and ignores the answer to the pull before', () => {
    const { pulls, queue, loop } = harness();
    loop.start(0);
    loop.moveTo(50);
    pulls[0].answer(undefined, outcome('FOUND', 1, [0]));
    expect(queue.messageCount).toBe(0);
    pulls[1].answer(undefined, outcome('FOUND', 51, [50]));
    expect(queue.range).toEqual({ minOffset: 50, maxOffset: 50 });
    queue.clear();
    loop.moveTo(7);
    expect(pulls.map(({ request }) => request.queueOffset)).toEqual([0, 50, 51, 7]);
  });
});
