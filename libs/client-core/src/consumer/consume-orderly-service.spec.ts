import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MessageExt } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import { ConsumeOrderlyService, type OrderlyServiceOptions } from './consume-orderly-service.js';
import { ConsumeStats } from './consume-stats.js';
import type { ConsumeOrderlyContext, OrderlyListenerResult } from './consume-types.js';
import { ProcessQueue } from './process-queue.js';
import { ConsumeQueueRef } from './queue-ref.js';

const LIMITS = { maxMessages: 1e6, maxBytes: 1e9, maxSpan: 1e9 };
const message = (queueOffset: number): MessageExt =>
  ({ topic: 't', body: Buffer.alloc(1), properties: {}, queueOffset, reconsumeTimes: 0 }) as unknown as MessageExt;

interface Call {
  text: string;
  messages: MessageExt[];
  context: ConsumeOrderlyContext;
  end(result: OrderlyListenerResult, changes?: Partial<ConsumeOrderlyContext>): Promise<void>;
  fail(error: Error): Promise<void>;
}

const settle = async (): Promise<void> => void (await vi.advanceTimersByTimeAsync(0));

function harness(changes: Partial<OrderlyServiceOptions> = {}) {
  const calls: Call[] = [];
  const state = { committed: [] as string[], dead: [] as number[], dlqBroken: false, locked: true, droppedEnds: 0 };
  const stats = new ConsumeStats();
  const service = new ConsumeOrderlyService({
    group: 'g',
    listener: (messages, context) =>
      new Promise((resolve, reject) => {
        calls.push({
          text: `${context.messageQueue.queueId}:${messages.map((one) => one.queueOffset).join()}`,
          messages: [...messages],
          context,
          end: async (result, contextChanges) => {
            Object.assign(context, contextChanges);
            resolve(result);
            await settle();
          },
          fail: async (error) => {
            reject(error);
            await settle();
          },
        });
      }),
    concurrency: 4,
    batchMaxSize: 1,
    maxReconsumeTimes: -1,
    suspendCurrentQueueMs: 1_000,
    mayHandle: () => state.locked,
    sendToDeadLetters: async (one) => {
      if (state.dlqBroken) throw new Error('no broker');
      state.dead.push(one.queueOffset);
    },
    onSettled: ({ queue }, offset) => state.committed.push(`${queue.queueId}:${offset}`),
    onDroppedEnd: () => state.droppedEnds++,
    stats,
    logger: silentLogger,
    ...changes,
  });
  const queue = (queueId: number, count: number): ProcessQueue => {
    const processQueue = new ProcessQueue(new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId }), LIMITS);
    processQueue.put(Array.from({ length: count }, (_, offset) => message(offset)));
    return processQueue;
  };
  const texts = (): string[] => calls.map((call) => call.text);
  return { service, calls, texts, state, stats, queue };
}

describe('ConsumeOrderlyService', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('hands out one message of each queue at a time, in order, and commits each', async () => {
    const { service, calls, texts, state, queue } = harness();
    service.submit(queue(0, 2));
    service.submit(queue(1, 2));
    await vi.advanceTimersByTimeAsync(120_000);
    expect(texts()).toEqual(['0:0', '1:0']);
    await calls[1].end('SUCCESS');
    await calls[2].end('SUCCESS');
    expect(texts()).toEqual(['0:0', '1:0', '1:1']);
    await calls[0].end('SUCCESS');
    expect(texts()).toEqual(['0:0', '1:0', '1:1', '0:1']);
    expect(state.committed).toEqual(['1:1', '1:2', '0:1']);
  });

  it('lets queues take turns when there are more of them than listeners may run', async () => {
    const { service, calls, texts, queue } = harness({ concurrency: 1 });
    for (const id of [0, 1, 2]) service.submit(queue(id, 2));
    for (let i = 0; i < 5; i++) await calls[i].end('SUCCESS');
    expect(texts()).toEqual(['0:0', '1:0', '2:0', '0:1', '1:1', '2:1']);
  });

  it('lets a failed message come again before all others, after the rest of the consumer', async () => {
    const { service, calls, texts, state, stats, queue } = harness();
    service.submit(queue(0, 2));
    await calls[0].fail(new Error('down'));
    await vi.advanceTimersByTimeAsync(999);
    expect(texts()).toEqual(['0:0']);
    await vi.advanceTimersByTimeAsync(1);
    expect(texts()).toEqual(['0:0', '0:0']);
    expect(calls[1].messages[0].reconsumeTimes).toBe(1);
    await calls[1].end('nonsense' as never);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls[2].messages[0].reconsumeTimes).toBe(2);
    await calls[2].end('SUCCESS');
    expect(texts()).toEqual(['0:0', '0:0', '0:0', '0:1']);
    expect(state.committed).toEqual(['0:1']);
    expect(stats.of('t')).toMatchObject({ consumedOk: 1, consumedFailed: 2 });
  });

  it.each([
    [5, 10],
    [300, 300],
    [90_000, 30_000],
    [-1, 1_000],
  ])('rests %i ms as asked by the listener, taken as %i', async (asked, taken) => {
    const { service, calls, queue } = harness();
    service.submit(queue(0, 1));
    await calls[0].end('SUSPEND_CURRENT_QUEUE_A_MOMENT', { suspendCurrentQueueTimeMillis: asked });
    await vi.advanceTimersByTimeAsync(taken - 1);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(calls).toHaveLength(2);
  });

  it('while a queue rests, new messages of it wait, and other queues go on', async () => {
    const { service, calls, texts, queue } = harness();
    const resting = queue(0, 1);
    service.submit(resting);
    await calls[0].end('SUSPEND_CURRENT_QUEUE_A_MOMENT');
    resting.put([message(1)]);
    service.submit(resting);
    service.submit(queue(1, 1));
    await settle();
    expect(texts()).toEqual(['0:0', '1:0']);
  });

  it('sends a message that came too often to the dead letters and goes on; when that fails it comes again', async () => {
    const { service, calls, texts, state, queue } = harness({ maxReconsumeTimes: 1 });
    service.submit(queue(0, 2));
    await calls[0].end('SUSPEND_CURRENT_QUEUE_A_MOMENT');
    await vi.advanceTimersByTimeAsync(1_000);
    state.dlqBroken = true;
    await calls[1].end('SUSPEND_CURRENT_QUEUE_A_MOMENT');
    expect(state).toMatchObject({ dead: [], committed: [] });
    await vi.advanceTimersByTimeAsync(1_000);
    state.dlqBroken = false;
    await calls[2].end('SUSPEND_CURRENT_QUEUE_A_MOMENT');
    expect(texts()).toEqual(['0:0', '0:0', '0:0', '0:1']);
    expect(state).toMatchObject({ dead: [0], committed: ['0:1'] });
  });

  it('gives batches, takes part of one as done, and brings the rest again', async () => {
    const { service, calls, texts, state, queue } = harness({ batchMaxSize: 4 });
    service.submit(queue(0, 6));
    await calls[0].end('SUSPEND_CURRENT_QUEUE_A_MOMENT', { ackIndex: 1 });
    expect(state.committed).toEqual(['0:2']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(texts()).toEqual(['0:0,1,2,3', '0:2,3,4,5']);
    expect(calls[1].messages.map((one) => one.reconsumeTimes)).toEqual([1, 1, 0, 0]);
    await calls[1].end('SUCCESS');
    expect(state.committed).toEqual(['0:2', '0:6']);
  });

  it('takes single messages out of a batch as dead letters', async () => {
    const { service, calls, texts, state, queue } = harness({ batchMaxSize: 4 });
    service.submit(queue(0, 4));
    await calls[0].end('SUSPEND_CURRENT_QUEUE_A_MOMENT', { deadLetters: [1], ackIndex: 0 });
    expect(state).toMatchObject({ dead: [1], committed: ['0:2'] });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(texts()).toEqual(['0:0,1,2,3', '0:2,3']);
    state.dlqBroken = true;
    await calls[1].end('SUCCESS', { deadLetters: [0] });
    await vi.advanceTimersByTimeAsync(1_000);
    // 3 was handled, but 2 comes again: it may not come behind 3.
    expect(texts()).toEqual(['0:0,1,2,3', '0:2,3', '0:2,3']);
  });

  it('sends what cannot be read to the dead letters without asking the listener', async () => {
    const problemOf = (one: MessageExt): Error | undefined =>
      one.queueOffset === 0 ? new Error('body broken') : undefined;
    const { service, texts, state, queue } = harness({ batchMaxSize: 3, problemOf });
    service.submit(queue(0, 3));
    await settle();
    expect(texts()).toEqual(['0:1,2']);
    expect(state).toMatchObject({ dead: [0], committed: ['0:1'] });
  });

  it('commits by hand: SUCCESS only goes on, COMMIT commits all, ROLLBACK brings all again', async () => {
    const { service, calls, texts, state, queue } = harness();
    service.submit(queue(0, 5));
    await calls[0].end('SUCCESS', { autoCommit: false });
    await calls[1].end('SUCCESS', { autoCommit: false });
    expect(state.committed).toEqual([]);
    await calls[2].end('COMMIT', { autoCommit: false });
    expect(state.committed).toEqual(['0:3']);
    await calls[3].end('SUCCESS', { autoCommit: false });
    await calls[4].end('ROLLBACK', { autoCommit: false });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(texts()).toEqual(['0:0', '0:1', '0:2', '0:3', '0:4', '0:3']);
    expect(state.committed).toEqual(['0:3']);
  });

  it('never acknowledges ROLLBACK with autoCommit', async () => {
    const { service, calls, texts, state, queue } = harness();
    service.submit(queue(0, 2));
    await calls[0].end('ROLLBACK');
    await vi.advanceTimersByTimeAsync(1_000);
    expect([texts(), state.committed]).toEqual([['0:0', '0:0'], []]);
    await calls[1].end('COMMIT');
    expect(state.committed).toEqual(['0:1']);
  });

  it('NOT_CONSUMED counts no delivery', async () => {
    const { service, calls, stats, queue } = harness();
    service.submit(queue(0, 1));
    await calls[0].end('NOT_CONSUMED');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(calls[1].messages[0].reconsumeTimes).toBe(0);
    expect(stats.of('t')).toMatchObject({ consumedOk: 0, consumedFailed: 0 });
  });

  it('begins nothing of a queue whose lock is not valid, and goes on once it was got again', async () => {
    const { service, calls, texts, state, queue } = harness();
    const processQueue = queue(0, 2);
    service.submit(processQueue);
    state.locked = false;
    await calls[0].end('SUCCESS');
    expect(texts()).toEqual(['0:0']);
    state.locked = true;
    service.submit(processQueue);
    expect(texts()).toEqual(['0:0', '0:1']);
  });

  it('a queue that was taken anew waits for the listener of its former self', async () => {
    const { service, calls, texts, state, queue } = harness();
    const former = queue(0, 1);
    service.submit(former);
    former.drop();
    service.submit(queue(0, 1));
    await settle();
    expect(texts()).toEqual(['0:0']);
    await calls[0].end('SUCCESS');
    expect(texts()).toEqual(['0:0', '0:0']);
    expect(state).toMatchObject({ committed: [], droppedEnds: 1 });
  });

  it('a dropped queue whose lock is still held takes the last result, and hands out nothing more', async () => {
    const { service, calls, texts, state, queue } = harness();
    const processQueue = queue(0, 3);
    service.submit(processQueue);
    processQueue.drop({ lastResultsCount: true });
    const ended = service.endedWithin(processQueue.queue, 500);
    await calls[0].end('SUCCESS');
    expect(await ended).toBe(true);
    expect(state).toMatchObject({ committed: ['0:1'], droppedEnds: 1 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(texts()).toEqual(['0:0']);
  });

  it('tells when a listener does not end in time', async () => {
    const { service, queue } = harness();
    const processQueue = queue(0, 1);
    expect(await service.endedWithin(processQueue.queue, 500)).toBe(true);
    service.submit(processQueue);
    const ended = service.endedWithin(processQueue.queue, 500);
    await vi.advanceTimersByTimeAsync(500);
    expect(await ended).toBe(false);
  });

  it('suspends, resumes, stops, and tells when it is idle', async () => {
    const { service, calls, texts, queue } = harness();
    service.suspend();
    service.submit(queue(0, 3));
    expect(texts()).toEqual([]);
    service.resume();
    expect(texts()).toEqual(['0:0']);
    service.stop();
    const idle = service.idle(1_000);
    expect(service.runningCount).toBe(1);
    await calls[0].end('SUSPEND_CURRENT_QUEUE_A_MOMENT');
    expect(await idle).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(texts()).toEqual(['0:0']);
  });

  it('runs a synchronous listener through a long queue without a stack or a blocked loop', async () => {
    let handled = 0;
    const { service, state, queue } = harness({
      listener: () => {
        handled++;
        return 'SUCCESS';
      },
    });
    service.submit(queue(0, 5_000));
    expect(handled).toBeLessThan(1_000);
    await vi.advanceTimersByTimeAsync(100);
    expect(handled).toBe(5_000);
    expect(state.committed.at(-1)).toBe('0:5000');
  });

  it.each([
    ['SUCCESS', 'CR_SUCCESS'],
    ['COMMIT', 'CR_COMMIT'],
    ['ROLLBACK', 'CR_ROLLBACK'],
    ['SUSPEND_CURRENT_QUEUE_A_MOMENT', 'CR_LATER'],
    [undefined, 'CR_RETURN_NULL'],
  ])('direct consumption: %s is answered as %s', async (result, consumeResult) => {
    const { service } = harness({ listener: () => result as never });
    const answer = await service.consumeDirectly(message(0), { topic: 't', brokerName: 'b', queueId: 0 });
    expect(answer).toMatchObject({ consumeResult, order: true, autoCommit: true });
  });

  it('direct consumption: a throw is answered with its text', async () => {
    const { service } = harness({ listener: () => Promise.reject(new Error('no')) });
    const answer = await service.consumeDirectly(message(0), { topic: 't', brokerName: 'b', queueId: 0 });
    expect(answer).toMatchObject({ consumeResult: 'CR_THROW_EXCEPTION', remark: 'Error: no' });
  });

  it('direct consumption: a listener that catches its failures is answered as it says', async () => {
    const queue = { topic: 't', brokerName: 'b', queueId: 0 };
    const reported = harness({
      listener: (_messages, context) => {
        context.directReport = { consumeResult: 'CR_THROW_EXCEPTION', remark: 'RangeError: no' };
        return 'SUCCESS';
      },
    });
    expect(await reported.service.consumeDirectly(message(0), queue)).toMatchObject({
      consumeResult: 'CR_THROW_EXCEPTION',
      remark: 'RangeError: no',
    });
    const dead = harness({
      listener: (_messages, context) => {
        context.deadLetters = [0];
        return 'SUCCESS';
      },
    });
    expect(await dead.service.consumeDirectly(message(0), queue)).toMatchObject({
      consumeResult: 'CR_LATER',
      remark: expect.stringContaining('dead letter') as string,
    });
  });
});
