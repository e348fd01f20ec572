import { splitBatchBody, decodeProperties, type MessageQueue } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MessageInput } from './message-input.js';
import type { OutgoingMessage } from './outgoing-message.js';
import { ProduceAccumulator, type AccumulatorOptions } from './produce-accumulator.js';
import type { SendResult } from './send-result.js';
import type { SendCallback } from './send-task.js';

const QUEUE: MessageQueue = { topic: 't', brokerName: 'a', queueId: 3 };

function harness(changes: Partial<AccumulatorOptions> = {}) {
  const batches: { batch: OutgoingMessage; queue: MessageQueue | undefined; callback: SendCallback }[] = [];
  const results: (SendResult | Error)[] = [];
  const accumulator = new ProduceAccumulator(
    {
      batchMaxDelayMs: 10,
      batchMaxBytes: 1_000,
      totalBatchMaxBytes: 3_000,
      compressMsgBodyOverBytes: 800,
      maxMessageSizeBytes: 4_000,
      ...changes,
    },
    (batch, queue, callback) => batches.push({ batch, queue, callback }),
  );
  const add = (input: Partial<MessageInput> = {}, queue?: MessageQueue): boolean =>
    accumulator.add({ topic: 't', body: 'x', ...input }, queue, Date.now(), {
      onSuccess: (result) => results.push(result),
      onException: (error) => results.push(error),
    });
  const texts = (index: number): string[] =>
    splitBatchBody(batches[index].batch.body as Buffer).map(({ body }) => body.toString());
  return { accumulator, batches, results, add, texts };
}

describe('ProduceAccumulator', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('sends what came within the delay together, and gives each sender its own result', () => {
    const { accumulator, batches, results, add, texts } = harness();
    for (const body of ['a', 'b', 'c']) expect(add({ body })).toBe(true);
    vi.advanceTimersByTime(9);
    expect(batches).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(texts(0)).toEqual(['a', 'b', 'c']);
    const { batch, callback } = batches[0];
    expect(batch).toMatchObject({ topic: 't', isBatch: true });
    callback.onSuccess({
      status: 'SEND_OK',
      msgId: batch.msgId,
      offsetMsgId: 'O1,O2,O3',
      messageQueue: QUEUE,
      queueOffset: 40,
    });
    const msgIds = batch.msgId.split(',');
    expect(results).toMatchObject(
      [0, 1, 2].map((i) => ({ msgId: msgIds[i], offsetMsgId: `O${i + 1}`, queueOffset: 40 + i, messageQueue: QUEUE })),
    );
    const ids = splitBatchBody(batch.body as Buffer).map(
      ({ properties }) => decodeProperties(properties.toString())['UNIQ_KEY'],
    );
    expect(ids).toEqual(msgIds);
    expect(accumulator.heldBytes).toBe(0);
  });

  it('keeps apart what can not travel together', () => {
    const { accumulator, batches, add, texts } = harness();
    add({ body: '1' });
    add({ body: '2', tags: 'x' });
    add({ body: '3', waitStoreOk: false });
    add({ body: '4', topic: 'u' });
    add({ body: '5' }, QUEUE);
    add({ body: '6' });
    accumulator.flush();
    expect(batches.map((_, i) => texts(i).join())).toEqual(['1,6', '2', '3', '4', '5']);
    expect(batches[4].queue).toBe(QUEUE);
    expect(decodeProperties(batches[2].batch.properties)['WAIT']).toBe('false');
  });

  it('a batch that is full goes at once, the next message begins another', () => {
    const { batches, add, texts } = harness();
    for (let i = 0; i < 5; i++) add({ body: String(i).repeat(300) });
    expect(batches.map((_, i) => texts(i).length)).toEqual([2, 2]);
    vi.advanceTimersByTime(10);
    expect(texts(2)).toEqual(['4'.repeat(300)]);
  });

  it('leaves alone what goes by itself: delayed, compressible, large, or beyond what it may hold', () => {
    const { accumulator, batches, add } = harness();
    expect(add({ delayTimeLevel: 1 })).toBe(false);
    expect(add({ body: Buffer.alloc(800) })).toBe(false);
    expect(harness({ compressMsgBodyOverBytes: 5_000 }).add({ body: 'x'.repeat(1_000) })).toBe(false);
    while (accumulator.heldBytes < 3_000) expect(add({ body: 'x'.repeat(400) })).toBe(true);
    expect(add()).toBe(false);
    accumulator.flush();
    for (const { callback } of batches) callback.onException(new Error('gone'));
    expect(add()).toBe(true);
  });

  it('tells every sender of a failure, and refuses wrong messages at once', async () => {
    const { accumulator, batches, results, add } = harness();
    expect(() => add({ properties: { KEYS: 'k' } })).toThrow(/use the field "keys"/);
    expect(() => add({ topic: 'SCHEDULE_TOPIC_XXXX' })).toThrow(/forbidden/);
    add();
    add();
    accumulator.flush();
    batches[0].callback.onException(new Error('gone'));
    expect(results.map(String)).toEqual(['Error: gone', 'Error: gone']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a batch that the producer refuses fails later, not within the call', async () => {
    const failures: string[] = [];
    const accumulator = new ProduceAccumulator(
      {
        batchMaxDelayMs: 1_000,
        batchMaxBytes: 60,
        totalBatchMaxBytes: 1_000,
        compressMsgBodyOverBytes: 100,
        maxMessageSizeBytes: 100,
      },
      () => {
        throw new Error('too many');
      },
    );
    const callback = { onSuccess: () => {}, onException: (error: Error) => failures.push(error.message) };
    expect(accumulator.add({ topic: 't', body: 'x' }, undefined, 0, callback)).toBe(true);
    expect(failures).toEqual([]);
    await Promise.resolve();
    expect(failures).toEqual(['too many']);
    expect(accumulator.heldBytes).toBe(0);
  });
});
