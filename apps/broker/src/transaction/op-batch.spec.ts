import { tagsCodeOf, TRANS_OP_HALF_TOPIC } from '@rocknest/protocol';
import type { PutDone, PutMessage, PutResult } from '@rocknest/store';
import { describe, expect, it, vi } from 'vitest';
import { MAX_PENDING_MARKS } from './defaults.js';
import { OpBatch, REMOVE_TAG } from './op-batch.js';

const INTERVAL_MS = 3_000;

/** A store that takes what it is told to. */
function setUp(maxSizeBytes = 20) {
  const texts: string[] = [];
  const messages: PutMessage[] = [];
  const held: (() => void)[] = [];
  const state = { takes: true, holds: false };
  const warnings: string[] = [];
  const putMessage = (message: PutMessage, done: PutDone): void => {
    const answer = (): void => {
      if (state.takes) {
        texts.push(message.body.toString());
        messages.push(message);
      }
      done({ status: state.takes ? 'PUT_OK' : 'SERVICE_NOT_AVAILABLE', reason: 'full' } as PutResult);
    };
    if (state.holds) held.push(answer);
    else answer();
  };
  const batch = new OpBatch({ putMessage }, 2, {
    maxSizeBytes: () => maxSizeBytes,
    intervalMs: () => INTERVAL_MS,
    bornHost: () => '127.0.0.1:10911',
    createUniqKey: () => 'KEY',
    clock: () => 1_700_000_000_000,
    warn: (text) => void warnings.push(text),
  });
  return { batch, texts, messages, held, state, warnings };
}

describe('OpBatch', () => {
  it('writes marks together after the interval, as op messages of RocketMQ', async () => {
    vi.useFakeTimers();
    try {
      const { batch, texts, messages } = setUp();
      for (const offset of [5, 7, 1_234]) batch.add(offset);
      await vi.advanceTimersByTimeAsync(INTERVAL_MS - 1);
      expect(texts).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(texts).toEqual(['5,7,1234,']);
      const tagsCode = tagsCodeOf(REMOVE_TAG);
      expect(messages[0]).toMatchObject({ topic: TRANS_OP_HALF_TOPIC, queueId: 2, tagsCode });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('writes at once when there are enough bytes, and cuts many into messages of that size', async () => {
    const { batch, texts, state, held } = setUp();
    state.holds = true;
    for (let offset = 100; offset < 120; offset++) batch.add(offset);
    state.holds = false;
    for (const answer of held.splice(0)) answer();
    await batch.flush();
    expect(texts.join('')).toBe(Array.from({ length: 20 }, (_, i) => `${100 + i},`).join(''));
    expect(texts.every((text) => text.length <= 24)).toBe(true);
    await batch.stop();
  });

  it('keeps what the store does not take, in order, and says so', async () => {
    const { batch, texts, state, warnings } = setUp(4_096);
    batch.add(1);
    state.takes = false;
    await expect(batch.flush()).rejects.toThrow('full');
    batch.add(2);
    await batch.stop();
    expect(warnings[0]).toContain('the marks of 2 ended transactions are not written yet');
    state.takes = true;
    await batch.flush();
    expect(texts).toEqual(['1,2,']);
  });

  it('is full when the store takes nothing for long', async () => {
    const { batch, state, texts } = setUp(1 << 20);
    state.takes = false;
    for (let offset = 0; offset < MAX_PENDING_MARKS; offset++) {
      expect(batch.full).toBe(false);
      batch.add(offset);
    }
    expect(batch.full).toBe(true);
    state.takes = true;
    await batch.flush();
    expect([batch.full, texts.length]).toEqual([false, 1]);
    await batch.stop();
  });

  it('writes each mark at once after the stop', async () => {
    const { batch, texts } = setUp(4_096);
    batch.add(1);
    await batch.stop();
    batch.add(2);
    await batch.flush();
    expect(texts).toEqual(['1,', '2,']);
  });
});
