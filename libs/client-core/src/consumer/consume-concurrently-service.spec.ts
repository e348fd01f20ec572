import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MessageExt } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import { ConsumeConcurrentlyService, type ConcurrentServiceOptions } from './consume-concurrently-service.js';
import { ConsumeStats } from './consume-stats.js';
import type { ConsumeContext, ListenerResult } from './consume-types.js';
import { ProcessQueue } from './process-queue.js';
import { ConsumeQueueRef } from './queue-ref.js';

const LIMITS = { maxMessages: 1e6, maxBytes: 1e9, maxSpan: 1e9 };
const message = (queueOffset: number): MessageExt =>
  ({ topic: 't', body: Buffer.alloc(1), properties: {}, queueOffset, reconsumeTimes: 0 }) as unknown as MessageExt;

interface Call {
  offsets: number[];
  queueId: number;
  context: ConsumeContext;
  end(result: ListenerResult): void;
  fail(error: Error): void;
}

function harness(changes: Partial<ConcurrentServiceOptions> = {}) {
  const calls: Call[] = [];
  const sentBack: string[] = [];
  const committed: string[] = [];
  const stats = new ConsumeStats();
  const service = new ConsumeConcurrentlyService({
    group: 'g',
    listener: (messages, context) =>
      new Promise((resolve, reject) => {
        calls.push({
          offsets: messages.map((one) => one.queueOffset),
          queueId: context.messageQueue.queueId,
          context,
          end: resolve,
          fail: reject,
        });
      }),
    concurrency: 2,
    batchMaxSize: 1,
    sendBack: async (one, queue, level) => void sentBack.push(`${queue.queueId}:${one.queueOffset} level ${level}`),
    onSettled: ({ queue }, offset) => committed.push(`${queue.queueId}:${offset}`),
    stats,
    logger: silentLogger,
    localRetryDelayMs: 5_000,
    ...changes,
  });
  const queue = (queueId: number, count: number): ProcessQueue => {
    const processQueue = new ProcessQueue(new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId }), LIMITS);
    processQueue.put(Array.from({ length: count }, (_, offset) => message(offset)));
    return processQueue;
  };
  return { service, calls, sentBack, committed, stats, queue };
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('ConsumeConcurrentlyService', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('runs so many handlers at once, queue by queue in turn', async () => {
    const { service, calls, queue } = harness();
    const big = queue(0, 50);
    service.submit(big);
    service.submit(queue(1, 2));
    expect(calls.map((call) => `${call.queueId}:${call.offsets.join()}`)).toEqual(['0:0', '0:1']);
    for (let i = 0; i < 4; i++) {
      calls[i].end('CONSUME_SUCCESS');
      await settle();
    }
    expect(calls.map((call) => `${call.queueId}:${call.offsets.join()}`)).toEqual([
      '0:0',
      '0:1',
      '0:2',
      '1:0',
      '0:3',
      '1:1',
    ]);
    expect(service.runningCount).toBe(2);
  });

  it('commits up to the first message that is not handled', async () => {
    const { service, calls, committed, queue } = harness();
    service.submit(queue(0, 2));
    calls[1].end('CONSUME_SUCCESS');
    await settle();
    expect(committed).toEqual(['0:0']);
    calls[0].end('CONSUME_SUCCESS');
    await settle();
    expect(committed).toEqual(['0:0', '0:2']);
  });

  it.each<[string, (call: Call) => void, number]>([
    ['RECONSUME_LATER', (call) => call.end('RECONSUME_LATER'), 0],
    ['a rejection', (call) => call.fail(new Error('no')), 0],
    ['nothing', (call) => call.end(undefined as never), 0],
    [
      'RECONSUME_LATER with a level',
      (call) => {
        call.context.delayLevelWhenNextConsume = 5;
        call.end('RECONSUME_LATER');
      },
      5,
    ],
  ])('sends the message back after %s, and only then commits', async (_, act, level) => {
    const { service, calls, sentBack, committed, queue, stats } = harness();
    service.submit(queue(0, 1));
    act(calls[0]);
    await settle();
    expect(sentBack).toEqual([`0:0 level ${level}`]);
    expect(committed).toEqual(['0:1']);
    expect(stats.of('t')).toMatchObject({ consumedOk: 0, consumedFailed: 1 });
  });

  it('treats a synchronous throw and a synchronous result like the others', async () => {
    const results: (() => ListenerResult)[] = [
      () => 'CONSUME_SUCCESS',
      () => {
        throw new Error('boom');
      },
      () => 'CONSUME_SUCCESS',
    ];
    const { service, sentBack, committed, queue } = harness({ listener: () => results.shift()!() });
    service.submit(queue(0, 3));
    await settle();
    expect(sentBack).toEqual(['0:1 level 0']);
    expect(committed.at(-1)).toBe('0:3');
    expect(service.runningCount).toBe(0);
  });

  it('goes through a backlog with a synchronous handler without holding the event loop for all of it', async () => {
    let handled = 0;
    const { service, queue } = harness({
      listener: () => {
        handled++;
        return 'CONSUME_SUCCESS';
      },
    });
    service.submit(queue(0, 10_000));
    expect(handled).toBeLessThan(1_000);
    await vi.waitFor(() => expect(handled).toBe(10_000));
  });

  it('gives batches and takes their ackIndex', async () => {
    const { service, calls, sentBack, committed, queue } = harness({ batchMaxSize: 4 });
    service.submit(queue(0, 5));
    expect(calls.map((call) => call.offsets)).toEqual([[0, 1, 2, 3], [4]]);
    calls[0].context.ackIndex = 1;
    calls[0].end('CONSUME_SUCCESS');
    await settle();
    expect(sentBack).toEqual(['0:2 level 0', '0:3 level 0']);
    expect(committed.at(-1)).toBe('0:4');
  });

  it('handles the message again here when it can be neither sent back nor resent', async () => {
    const { service, calls, committed, queue } = harness({ sendBack: () => Promise.reject(new Error('broker gone')) });
    service.submit(queue(0, 1));
    calls[0].end('RECONSUME_LATER');
    await settle();
    expect(committed).toEqual([]);
    expect(service.runningCount).toBe(0);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(calls).toHaveLength(2);
    calls[1].end('CONSUME_SUCCESS');
    await settle();
    expect(committed).toEqual(['0:1']);
  });

  it('keeps the slot of a handler until its message is sent back', async () => {
    let sent: (() => void) | undefined;
    const { service, calls, queue } = harness({
      concurrency: 1,
      sendBack: () => new Promise((resolve) => (sent = resolve)),
    });
    service.submit(queue(0, 2));
    calls[0].end('RECONSUME_LATER');
    await settle();
    expect(calls).toHaveLength(1);
    sent?.();
    await settle();
    expect(calls).toHaveLength(2);
  });

  it('ignores what comes late for a queue that was dropped, and hands none of its messages out', async () => {
    const { service, calls, sentBack, committed, queue } = harness();
    const dropped = queue(0, 4);
    service.submit(dropped);
    dropped.drop();
    calls[0].end('CONSUME_SUCCESS');
    calls[1].end('RECONSUME_LATER');
    await settle();
    expect([calls.length, sentBack, committed]).toEqual([2, [], []]);
    expect(dropped.runningCount).toBe(0);
  });

  it('begins nothing while suspended or after a stop, and tells when nothing runs', async () => {
    const { service, calls, committed, queue } = harness();
    service.suspend();
    service.submit(queue(0, 3));
    expect(calls).toHaveLength(0);
    service.resume();
    expect(calls).toHaveLength(2);
    service.stop();
    service.resume();
    const idle = service.idle(1_000);
    calls[0].end('CONSUME_SUCCESS');
    await settle();
    expect(calls).toHaveLength(2);
    calls[1].end('CONSUME_SUCCESS');
    expect(await idle).toBe(true);
    expect(committed.at(-1)).toBe('0:2');
  });

  it('stops waiting for handlers when the time is over', async () => {
    const { service, queue } = harness();
    service.submit(queue(0, 1));
    service.stop();
    const idle = service.idle(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await idle).toBe(false);
  });

  it('takes NOT_CONSUMED as neither done nor failed: again after a while, and not at all after a stop', async () => {
    const { service, calls, sentBack, committed, queue } = harness({ concurrency: 1 });
    const processQueue = queue(0, 1);
    service.submit(processQueue);
    calls[0].end('NOT_CONSUMED');
    await settle();
    expect([sentBack, committed, service.runningCount]).toEqual([[], [], 0]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(calls).toHaveLength(2);
    service.stop();
    calls[1].end('NOT_CONSUMED');
    expect(await service.idle(1)).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(calls).toHaveLength(2);
    expect(processQueue.committableOffset).toBe(0);
  });

  it('sends back what cannot be read, without the listener', async () => {
    const { service, calls, sentBack, queue } = harness({
      problemOf: (one) => (one.queueOffset === 0 ? new Error('compressed with something') : undefined),
    });
    service.submit(queue(0, 2));
    await settle();
    expect(sentBack).toEqual(['0:0 level 0']);
    expect(calls.map((call) => call.offsets)).toEqual([[1]]);
  });

  it.each<[ConcurrentServiceOptions['listener'], string, unknown]>([
    [() => 'CONSUME_SUCCESS', 'CR_SUCCESS', ''],
    [() => 'RECONSUME_LATER', 'CR_LATER', ''],
    [() => 'NOT_CONSUMED', 'CR_LATER', expect.stringContaining('did not begin')],
    [
      (_messages, context) => {
        context.outcomes = [{ delayLevel: 0 }];
        return 'CONSUME_SUCCESS';
      },
      'CR_LATER',
      '',
    ],
    [
      (_messages, context) => {
        context.directReport = { consumeResult: 'CR_THROW_EXCEPTION', remark: 'RangeError: no' };
        return 'RECONSUME_LATER';
      },
      'CR_THROW_EXCEPTION',
      'RangeError: no',
    ],
    [() => undefined as never, 'CR_RETURN_NULL', ''],
    [
      () => {
        throw new Error('boom');
      },
      'CR_THROW_EXCEPTION',
      'Error: boom',
    ],
  ])('reports a direct consumption (%#)', async (listener, consumeResult, remark) => {
    const { service } = harness({ listener });
    const result = await service.consumeDirectly(message(1), { topic: 't', brokerName: 'b', queueId: 0 });
    expect(result).toMatchObject({ consumeResult, remark, order: false, autoCommit: true });
  });

  it('settles a batch message by message when the listener says so', async () => {
    const annotated: string[] = [];
    const { service, calls, sentBack, committed, queue, stats } = harness({
      batchMaxSize: 4,
      annotate: (one, properties) => annotated.push(`${one.queueOffset} ${properties['why']}`),
    });
    service.submit(queue(0, 4));
    calls[0].context.outcomes = [undefined, { delayLevel: 7, properties: { why: 'late' } }, { delayLevel: -1 }];
    calls[0].end('CONSUME_SUCCESS');
    await settle();
    expect(sentBack).toEqual(['0:1 level 7', '0:2 level -1']);
    expect(annotated).toEqual(['1 late']);
    expect(committed.at(-1)).toBe('0:4');
    expect(stats.status('t')).toBeDefined();
  });

  it('an outcome of its own saves a message of a call that failed', async () => {
    const { service, calls, sentBack, queue } = harness({ batchMaxSize: 2 });
    service.submit(queue(0, 2));
    calls[0].context.outcomes = ['CONSUME_SUCCESS'];
    calls[0].end('RECONSUME_LATER');
    await settle();
    expect(sentBack).toEqual(['0:1 level 0']);
  });

  it('does not send back what was settled while its handler ran', async () => {
    const { service, calls, sentBack, queue } = harness();
    const processQueue = queue(0, 1);
    service.submit(processQueue);
    processQueue.settle([processQueue.head!]);
    calls[0].end('RECONSUME_LATER');
    await settle();
    expect([sentBack, service.runningCount]).toEqual([[], 0]);
  });

  it('hands out nothing of a queue that rests, and goes on with it when it is submitted again', async () => {
    const { service, calls, queue } = harness();
    const resting = queue(0, 2);
    resting.paused = true;
    service.submit(resting);
    service.submit(queue(1, 1));
    expect(calls.map((call) => call.queueId)).toEqual([1]);
    resting.paused = false;
    service.submit(resting);
    expect(calls.map((call) => call.queueId)).toEqual([1, 0]);
    resting.paused = true;
    calls[0].end('CONSUME_SUCCESS');
    calls[1].end('CONSUME_SUCCESS');
    await settle();
    expect(calls).toHaveLength(2);
  });
});
