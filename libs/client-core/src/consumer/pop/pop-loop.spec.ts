import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ResponseCode, type MessageExt } from '@rocknest/protocol';
import { MQBrokerError } from '../../errors.js';
import { ConsumeQueueRef } from '../queue-ref.js';
import { PopLease } from './pop-lease.js';
import { PopLoop, type PopCallback, type PopOutcome } from './pop-loop.js';
import { PopProcessQueue } from './pop-process-queue.js';
import { receiptOf } from './popped-messages.js';

const ref = new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId: -1 });
const lease = (queueOffset: number): PopLease =>
  new PopLease(
    { msgId: String(queueOffset), body: Buffer.alloc(1), queueOffset } as unknown as MessageExt,
    receiptOf('t', `${queueOffset} 1 60000 0 0 b 0 ${queueOffset}`, queueOffset),
    Date.now(),
  );
const found = (...offsets: number[]): PopOutcome => ({ status: 'FOUND', leases: offsets.map(lease) });

function harness(threshold = 3) {
  const pops: PopCallback[] = [];
  const events: string[] = [];
  const queue = new PopProcessQueue(ref, {
    onHandled: ({ message }) => events.push(`handled ${message.msgId}`),
    onExpired: ({ message }) => events.push(`expired ${message.msgId}`),
    onRoom: () => loop.wakeIfRoom(),
  });
  const loop: PopLoop = new PopLoop(queue, threshold, {
    pop: (_, callback) => void pops.push(callback),
    onMessages: () => events.push('messages'),
    onLate: (leases) => events.push(`late ${leases.length}`),
    onSubscriptionUnknown: async () => void events.push('heartbeat'),
    onError: (_, error) => events.push(error.message),
  });
  return { pops, events, queue, loop };
}

describe('PopLoop', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('pops again at once after messages and after a hold that brought none', () => {
    const { pops, events, queue, loop } = harness();
    loop.start();
    pops[0](undefined, found(1, 2));
    pops[1](undefined, { status: 'NO_NEW_MSG', leases: [] });
    expect(pops).toHaveLength(3);
    expect(events).toEqual(['messages']);
    expect(queue.messageCount).toBe(2);
  });

  it('sleeps with more than the threshold held, and wakes on a settlement', () => {
    const { pops, events, queue, loop } = harness();
    loop.start();
    pops[0](undefined, found(1, 2, 3, 4));
    expect(pops).toHaveLength(1);
    queue.settle(queue.take(1));
    expect(events).toEqual(['messages', 'handled 1']);
    expect(pops).toHaveLength(2);
  });

  it('waits 3 s when too many wait at the broker already and after errors, 20 ms after FLOW_CONTROL', () => {
    const { pops, events, loop } = harness();
    loop.start();
    pops[0](undefined, { status: 'POLLING_FULL', leases: [] });
    vi.advanceTimersByTime(2_999);
    expect(pops).toHaveLength(1);
    vi.advanceTimersByTime(1);
    pops[1](new Error('broken'), undefined);
    vi.advanceTimersByTime(3_000);
    pops[2](new MQBrokerError('pop', 'a', ResponseCode.FLOW_CONTROL, undefined), undefined);
    vi.advanceTimersByTime(20);
    expect(pops).toHaveLength(4);
    expect(events).toEqual(['broken']);
  });

  it('tells the broker of the group before it pops again, once in a row', async () => {
    const { pops, events, loop } = harness();
    const unknown = new MQBrokerError('pop', 'a', ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, undefined);
    loop.start();
    pops[0](unknown, undefined);
    await vi.advanceTimersByTimeAsync(100);
    pops[1](unknown, undefined);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(pops).toHaveLength(2);
    expect(events).toEqual(['heartbeat', expect.stringContaining('SUBSCRIPTION_GROUP_NOT_EXIST')]);
  });

  it('hands what a stopped loop gets on, and pops no more', () => {
    const { pops, events, loop } = harness();
    loop.start();
    loop.stop();
    pops[0](undefined, found(1, 2));
    expect(events).toEqual(['late 2']);
    expect(pops).toHaveLength(1);
  });

  it('rests while it is suspended, and takes what the pop under way brings', () => {
    const { pops, queue, loop } = harness();
    loop.start();
    loop.suspend();
    pops[0](undefined, found(1));
    expect(pops).toHaveLength(1);
    expect(queue.messageCount).toBe(1);
    loop.resume();
    expect(pops).toHaveLength(2);
  });

  it('keeps the messages of a pop that was overtaken by another filter', () => {
    const { pops, queue, loop } = harness();
    loop.start();
    loop.popAnew();
    expect(pops).toHaveLength(2);
    pops[0](undefined, found(1));
    expect(pops).toHaveLength(2);
    pops[1](undefined, found(2));
    expect(pops).toHaveLength(3);
    expect(queue.messageCount).toBe(2);
  });
});

describe('PopProcessQueue', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('hands out what is still its own, and reports what is not', () => {
    const { events, queue } = harness();
    queue.put([lease(1)]);
    vi.advanceTimersByTime(30_000);
    queue.put([lease(2)]);
    vi.advanceTimersByTime(30_000);
    expect(queue.take(5).map(({ message }) => message.msgId)).toEqual(['2']);
    expect(events).toEqual(['expired 1']);
    expect(queue.messageCount).toBe(1);
  });

  it('acknowledges each settled message once, and none that was given back before', () => {
    const { events, queue } = harness();
    const given = lease(2);
    queue.put([lease(1), given]);
    const batch = queue.take(2);
    given.state = 'SETTLED';
    queue.settle(batch);
    queue.settle(batch);
    expect(events).toEqual(['handled 1']);
    expect(queue.messageCount).toBe(0);
  });

  it('releases what waits, and in the end everything that is not settled', () => {
    const { events, queue } = harness();
    const leases = [lease(1), lease(2), lease(3)];
    queue.put(leases);
    const batch = queue.take(1);
    expect(queue.releaseWaiting().map(({ message }) => message.msgId)).toEqual(['2', '3']);
    expect(queue.messageCount).toBe(1);
    expect(queue.releaseAll()).toEqual([leases[0]]);
    queue.settle(batch);
    expect(events).toEqual([]);
  });
});
