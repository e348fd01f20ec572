import { decodeTraceData, type TraceContext } from '@rocknest/protocol';
import { describe, expect, it, vi } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { TRACE_MAX_IN_FLIGHT, TRACE_QUEUE_MAX, TRACE_SEND_TIMEOUT_MS } from '../defaults.js';
import { silentLogger } from '../logger.js';
import { TraceDispatcher, type TraceDispatcherOptions } from './trace-dispatcher.js';
import type { TraceMessage } from './trace-messages.js';

const HOUR_MS = 3_600_000;

function recall(msgId: string, topic = 't'): TraceContext {
  return { traceType: 'Recall', timestampMs: 1, regionId: 'r', groupName: 'g', topic, msgId, success: true };
}

function dispatcher(options: Partial<TraceDispatcherOptions> = {}) {
  const sent: TraceMessage[] = [];
  const warnings: string[] = [];
  const made = new TraceDispatcher({
    group: 'g',
    batchNum: 2,
    flushIntervalMs: HOUR_MS,
    send: async (message) => void sent.push(message),
    logger: { ...silentLogger, warn: (text) => void warnings.push(text) },
    ...options,
  });
  const ids = (): string[] =>
    sent.flatMap(({ data }) => decodeTraceData(data).map((context) => ('msgId' in context ? context.msgId : '')));
  return { made, sent, ids, warnings };
}

describe('TraceDispatcher', () => {
  it('sends as soon as a batch is there, behind the work of this turn, and not before', async () => {
    const { made, ids, sent } = dispatcher();
    for (const id of ['a', 'b', 'c']) made.append(recall(id));
    expect(sent).toHaveLength(0);
    await waitFor(() => ids().length === 2);
    expect(ids()).toEqual(['a', 'b']);
    expect(sent[0]).toMatchObject({ keys: ['a', 'b'], entries: 2 });
    await made.shutdown();
    expect(ids()).toEqual(['a', 'b', 'c']);
  });

  it('sends fewer after the interval', async () => {
    const { made, ids } = dispatcher({ flushIntervalMs: 10, batchNum: 20 });
    made.append(recall('a'));
    await waitFor(() => ids().length === 1);
    made.append(recall('b'));
    await waitFor(() => ids().length === 2);
    await made.shutdown();
  });

  it('drops and counts what comes while too many wait, and takes no time for it', async () => {
    const waiting: (() => void)[] = [];
    const { made, warnings } = dispatcher({
      batchNum: 1,
      send: () => new Promise<void>((resolve) => waiting.push(resolve)),
    });
    for (let i = 0; i < TRACE_MAX_IN_FLIGHT; i++) made.append(recall(`${i}`));
    await waitFor(() => waiting.length === TRACE_MAX_IN_FLIGHT);
    for (let i = 0; i < TRACE_QUEUE_MAX; i++) made.append(recall(`${i}`));
    expect(made.dropped).toBe(0);
    made.append(recall('one more'));
    made.append(recall('and one'));
    expect(made.dropped).toBe(2);
    expect(warnings).toEqual([expect.stringContaining('1 entries are lost so far: 2048 entries wait already')]);
    // Each answer lets the next one go.
    waiting[0]();
    await waitFor(() => waiting.length === TRACE_MAX_IN_FLIGHT + 1);
  });

  it('counts what a broker did not take, and goes on', async () => {
    let fails = true;
    const { made, warnings } = dispatcher({
      send: () => (fails ? Promise.reject(new Error('no broker')) : Promise.resolve()),
    });
    made.append(recall('a'));
    made.append(recall('b'));
    await waitFor(() => made.dropped === 2);
    expect(warnings).toEqual([expect.stringContaining('no broker')]);
    fails = false;
    made.append(recall('c'));
    await made.shutdown();
    expect(made.dropped).toBe(2);
    made.append(recall('too late'));
    expect(made.dropped).toBe(3);
  });

  it('gives up at a shutdown when brokers do not answer', async () => {
    vi.useFakeTimers();
    try {
      const { made } = dispatcher({ batchNum: 1, send: () => new Promise<void>(() => {}) });
      for (let i = 0; i < TRACE_MAX_IN_FLIGHT + 5; i++) made.append(recall(`${i}`));
      const closing = made.shutdown();
      await vi.advanceTimersByTimeAsync(TRACE_SEND_TIMEOUT_MS);
      await closing;
      expect(made.dropped).toBe(5);
    } finally {
      vi.useRealTimers();
    }
  });
});
