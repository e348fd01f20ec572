import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TIMER_TOPIC } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { MessageStore } from '../message-store.js';
import { crashCopy, put, readQueue } from '../testing/store-fixture.js';
import { type OpenedTimer, TimerBench } from '../testing/timer-fixture.js';
import { SLOT_MS, slotOf, UNIT_BYTES, WHEEL_BYTES } from './timer-layout.js';
import type { TimerOptions } from './timer-options.js';

let bench: TimerBench;
let folder: { path: string };
let clock: { nowMs(): number; aheadMs: number };

beforeEach(() => {
  bench = new TimerBench();
  folder = bench;
  clock = bench.clock;
});

afterEach(async () => {
  await bench.end();
});

const open = (rootPath = bench.path, options: Partial<TimerOptions> = {}): Promise<OpenedTimer> =>
  bench.open(options, rootPath);

const putTimer: TimerBench['putTimer'] = (...args) => bench.putTimer(...args);

const delivered = (store: MessageStore): Promise<string[]> => bench.delivered(store);

const arrived = (store: MessageStore, count: number): Promise<unknown> =>
  waitFor(() => store.maxOffset('Later', 3) >= count);

describe('TimerMessageStore', () => {
  it('delivers messages in the order of their times, each at its ms, with the properties that RocketMQ gives them', async () => {
    const { store, timer } = await open();
    const startMs = clock.nowMs();
    await putTimer(store, 'c', startMs + 350);
    await putTimer(store, 'a', startMs + 120);
    await putTimer(store, 'b', startMs + 233);
    await waitFor(() => timer.metrics.countOf('Later') === 3);
    await arrived(store, 3);
    const messages = await readQueue(store, 'Later', 3);
    expect(messages.map(({ body }) => body.toString())).toEqual(['a', 'b', 'c']);
    for (const message of messages) {
      const dueMs = Number(message.properties.TIMER_DELIVER_MS);
      expect(message.storeTimestamp).toBeGreaterThanOrEqual(dueMs);
      expect(Number(message.properties.TIMER_DEQUEUE_MS)).toBeGreaterThanOrEqual(dueMs);
      expect(message.properties).toMatchObject({
        TAGS: 'T',
        REAL_TOPIC: 'Later',
        REAL_QID: '3',
        TIMER_OUT_MS: String(dueMs - 1),
      });
      expect(message.properties.TIMER_ROLL_TIMES).toBeUndefined();
    }
    expect(timer.stats()).toMatchObject({
      enqueuedMessages: 3,
      dequeuedMessages: 3,
      droppedMessages: 0,
      dequeueBehindMs: 0,
    });
    expect(timer.metrics.countOf('Later')).toBe(0);
  });

  it('makes its files with the first timer message, in the sizes that RocketMQ expects', async () => {
    const { store, close } = await open();
    await put(store);
    expect(existsSync(join(folder.path, 'timerwheel'))).toBe(false);
    await putTimer(store, 'a', clock.nowMs() + 3_600_000);
    await waitFor(() => existsSync(join(folder.path, 'config', 'timercheck')));
    await close();
    expect(statSync(join(folder.path, 'timerwheel')).size).toBe(WHEEL_BYTES);
    expect(statSync(join(folder.path, 'timerlog', '0'.repeat(20))).size).toBe(4_096);
    const checkpoint = readFileSync(join(folder.path, 'config', 'timercheck'));
    expect(checkpoint.readBigInt64BE(8)).toBe(52n);
    expect(checkpoint.readBigInt64BE(16)).toBe(1n);
  });

  it('keeps what waits over a stop, over several files of the log', async () => {
    const first = await open();
    const dueMs = clock.nowMs() + 3_600_000;
    for (let i = 0; i < 400; i++) await putTimer(first.store, `m${i}`, dueMs + (i % 7) * 100);
    await waitFor(() => first.timer.stats().enqueuedMessages === 400);
    await first.close();
    const second = await open();
    expect(second.logger.lines).toEqual([]);
    expect(second.timer.stats().waitingMessages).toBe(400);
    expect(await delivered(second.store)).toEqual([]);
    await second.close();
    clock.aheadMs = 3_600_700;
    const third = await open();
    await arrived(third.store, 400);
    expect(new Set(await delivered(third.store)).size).toBe(400);
    expect(third.store.maxOffset('Later', 3)).toBe(400);
  });

  it('loses nothing and repeats nothing after a crash at any time', async () => {
    const { store } = await open();
    const startMs = clock.nowMs();
    const puts: Promise<unknown>[] = [];
    for (let i = 0; i < 3_000; i++) puts.push(putTimer(store, `m${i}`, startMs + 100 + i));
    await Promise.all(puts);
    await arrived(store, 700);
    const copy = crashCopy(folder.path);
    try {
      const after = await open(copy.path);
      await waitFor(async () => new Set(await delivered(after.store)).size === 3_000);
      expect(after.store.maxOffset('Later', 3)).toBe(3_000);
      await after.close();
    } finally {
      copy.remove();
    }
  });

  it('loses nothing that came after the clock was set back behind the last stop', async () => {
    const first = await open();
    await putTimer(first.store, 'early', clock.nowMs() + 20);
    await arrived(first.store, 1);
    await first.close();
    clock.aheadMs = -5_000;
    const { store } = await open();
    await putTimer(store, 'late', clock.nowMs() + 10);
    const log = join(folder.path, 'timerlog', '0'.repeat(20));
    await waitFor(() => readFileSync(log).readInt32BE(UNIT_BYTES) === UNIT_BYTES, 'its unit');
    const copy = crashCopy(folder.path);
    try {
      clock.aheadMs = 2_000;
      const after = await open(copy.path);
      await arrived(after.store, 2);
      expect(await delivered(after.store)).toEqual(['early', 'late']);
      await after.close();
    } finally {
      copy.remove();
    }
  });

  it('does not deliver what was cancelled, whether its second is in memory already or not', async () => {
    const { store, timer } = await open();
    const nearMs = clock.nowMs() + 400;
    const farMs = clock.nowMs() + 2_500;
    await putTimer(store, 'near', nearMs);
    await putTimer(store, 'far', farMs);
    await putTimer(store, 'kept', farMs);
    await putTimer(store, 'x', nearMs, { TIMER_DEL_UNIQKEY: 'near' });
    await putTimer(store, 'y', farMs, { TIMER_DEL_UNIQKEY: 'Later+far' });
    // A recall for another topic has no say here.
    await putTimer(store, 'z', farMs, { TIMER_DEL_UNIQKEY: 'kept', REAL_TOPIC: 'Other' });
    await arrived(store, 1);
    expect(await delivered(store)).toEqual(['kept']);
    expect(timer.stats()).toMatchObject({ recalledMessages: 2, droppedMessages: 0 });
  });

  it('a cancellation outlives a stop', async () => {
    const first = await open();
    const dueMs = clock.nowMs() + 60_000;
    await putTimer(first.store, 'gone', dueMs);
    await putTimer(first.store, 'kept', dueMs);
    await putTimer(first.store, 'x', dueMs, { TIMER_DEL_UNIQKEY: 'Later+gone' });
    await waitFor(() => first.timer.stats().enqueuedMessages === 3);
    await first.close();
    clock.aheadMs = 61_000;
    const second = await open();
    await arrived(second.store, 1);
    expect(await delivered(second.store)).toEqual(['kept']);
  });

  it('stores messages anew that are due beyond the window, until they are due', async () => {
    const { store, timer } = await open(folder.path, { rollWindowMs: 300 });
    const dueMs = clock.nowMs() + 1_000;
    await putTimer(store, 'far', dueMs);
    await arrived(store, 1);
    const [message] = await readQueue(store, 'Later', 3);
    expect(message.storeTimestamp).toBeGreaterThanOrEqual(dueMs);
    expect(Number(message.properties.TIMER_ROLL_TIMES)).toBeGreaterThanOrEqual(2);
    expect(store.maxOffset(TIMER_TOPIC, 0)).toBe(1 + Number(message.properties.TIMER_ROLL_TIMES));
    expect(timer.metrics.countOf('Later')).toBe(0);
  });

  it('leaves a second that is partly delivered so that the Java broker delivers its rest alone', async () => {
    const first = await open();
    // The first half of a second, so that the stop lies within it.
    const slotMs = slotOf(clock.nowMs()) + 2 * SLOT_MS;
    await putTimer(first.store, 'early', slotMs + 100);
    await putTimer(first.store, 'late', slotMs + 900);
    await arrived(first.store, 1);
    await first.close();
    const wheel = readFileSync(join(folder.path, 'timerwheel'));
    const at = ((slotMs / SLOT_MS) % (WHEEL_BYTES / 32)) * 32;
    expect(wheel.readBigInt64BE(at)).toBe(BigInt(slotMs / SLOT_MS));
    const last = Number(wheel.readBigInt64BE(at + 16));
    expect(wheel.readInt32BE(at + 24)).toBe(1);
    const log = readFileSync(join(folder.path, 'timerlog', '0'.repeat(20)));
    expect(log.readBigInt64BE(last + 4)).toBe(-1n);
    const second = await open();
    await arrived(second.store, 2);
    expect(await delivered(second.store)).toEqual(['early', 'late']);
  });

  it('delivers what the Java broker left: times rounded to the second', async () => {
    const { store } = await open();
    const slotMs = slotOf(clock.nowMs()) + SLOT_MS;
    await putTimer(store, 'rounded', 0, { TIMER_OUT_MS: String(slotMs), TIMER_DELIVER_MS: String(slotMs + 250) });
    await putTimer(store, 'delay', 0, { TIMER_OUT_MS: String(slotMs), TIMER_DELIVER_MS: '7' });
    await arrived(store, 2);
    const messages = await readQueue(store, 'Later', 3);
    expect(messages.map(({ body }) => body.toString())).toEqual(['rounded', 'delay']);
    expect(messages[0].storeTimestamp).toBeGreaterThanOrEqual(slotMs + 250);
    expect(messages[1].storeTimestamp).toBeGreaterThanOrEqual(slotMs + SLOT_MS);
  });

  it('refuses more messages for a second than its limit, surely at twice of it', async () => {
    const { store, timer } = await open(folder.path, { maxMessagesPerSlot: 5 });
    const dueMs = slotOf(clock.nowMs()) + 10 * SLOT_MS + 500;
    for (let i = 0; i < 4; i++) await putTimer(store, `m${i}`, dueMs);
    await waitFor(() => timer.stats().enqueuedMessages === 4);
    expect(timer.isCongested(dueMs)).toBe(false);
    for (let i = 4; i < 10; i++) await putTimer(store, `m${i}`, dueMs);
    await waitFor(() => timer.stats().enqueuedMessages === 10);
    expect(timer.isCongested(dueMs)).toBe(true);
    expect(timer.isCongested(dueMs + SLOT_MS)).toBe(false);
  });

  it('drops a message without a destination with a warning and goes on', async () => {
    const { store, timer, logger } = await open();
    const dueMs = clock.nowMs() + 50;
    await putTimer(store, 'half', dueMs, { REAL_TOPIC: 'RMQ_SYS_TRANS_HALF_TOPIC' });
    await putTimer(store, 'lost', dueMs, { REAL_QID: 'x' });
    await putTimer(store, 'good', dueMs);
    await arrived(store, 1);
    expect(timer.stats().droppedMessages).toBe(2);
    expect(logger.lines.filter((line) => line.includes('cannot be delivered'))).toHaveLength(2);
  });
});
