import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMessage, MessageConst } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { SLOT_MS, slotOf } from '../timer/timer-layout.js';
import { type OpenedTimer, TimerBench } from '../testing/timer-fixture.js';
import { StoreReader } from './store-reader.js';
import type { TimerFilter, TimerItem } from './timer-reader.js';

const HOUR_MS = 3_600_000;

let bench: TimerBench;

beforeEach(() => {
  bench = new TimerBench();
});

afterEach(async () => {
  await bench.end();
});

async function read(filter: TimerFilter = {}, rootPath = bench.path, inUse = false): Promise<TimerItem[]> {
  const reader = await StoreReader.open({ rootPath, inUse });
  try {
    const items: TimerItem[] = [];
    for await (const item of reader.timers(filter)) items.push(item);
    return items;
  } finally {
    reader.close();
  }
}

/** `state body` of each, problems by their text. */
function namesOf(items: readonly TimerItem[]): string[] {
  return items.map((item) => {
    if (item.kind === 'problem') return item.text;
    return `${item.state} ${item.bytes === undefined ? '-' : decodeMessage(item.bytes, 0).body.toString()}`;
  });
}

async function open(messages: (opened: OpenedTimer) => Promise<number>): Promise<OpenedTimer> {
  const opened = await bench.open();
  const count = await messages(opened);
  await waitFor(() => opened.timer.stats().enqueuedMessages === count);
  return opened;
}

describe('reading timer messages', () => {
  it('finds nothing in a store without any', async () => {
    await (await bench.open()).close();
    expect(await read()).toEqual([]);
  });

  it('tells when each is due, and which are cancelled or delivered', async () => {
    const dueMs = bench.clock.nowMs() + HOUR_MS + 123;
    const opened = await open(async ({ store }) => {
      await bench.putTimer(store, 'done', bench.clock.nowMs() + 20);
      await waitFor(() => store.maxOffset('Later', 3) === 1);
      await bench.putTimer(store, 'a', dueMs, { KEYS: 'k1 k2' });
      await bench.putTimer(store, 'b', dueMs);
      await bench.putTimer(store, 'other', dueMs + 5_000, { REAL_TOPIC: 'Bills', REAL_QID: '1' });
      await bench.putTimer(store, 'recall', dueMs, { [MessageConst.TIMER_DEL_UNIQKEY]: 'b' });
      await bench.putTimer(store, 'nowhere', dueMs, { REAL_QID: 'x' });
      return 6;
    });
    await opened.close();
    const items = await read();
    expect(namesOf(items)).toEqual(['waiting a', 'cancelled b', 'waiting other', 'undeliverable nowhere']);
    expect(items[0]).toMatchObject({ dueMs, storedAnewMs: undefined, unitPosition: 52 });
    expect(namesOf(await read({ isDoneWanted: true }))).toEqual([
      'delivered done',
      'waiting a',
      'cancelled b',
      'waiting other',
      'recall recall',
      'undeliverable nowhere',
    ]);
    expect(namesOf(await read({ topic: 'Bills' }))).toEqual(['waiting other']);
    expect(namesOf(await read({ topic: 'Later', queueId: 3, key: 'k2' }))).toEqual(['waiting a']);
    expect(namesOf(await read({ key: 'b' }))).toEqual(['cancelled b']);
    expect(await read({ queueId: 2 })).toEqual([]);
  });

  it('knows from the log what was delivered before a kill, and reads what has no unit from the topic', async () => {
    const first = await open(async ({ store }) => {
      const soonMs = bench.clock.nowMs() + 50;
      for (let i = 0; i < 5; i++) await bench.putTimer(store, `soon${i}`, soonMs + i);
      await bench.putTimer(store, 'late', soonMs + HOUR_MS);
      await waitFor(() => store.maxOffset('Later', 3) === 5);
      return 6;
    });
    const copy = bench.crashCopy();
    await first.close();
    expect(namesOf(await read({}, copy, true))).toEqual(['waiting late']);
    // A slave that never heard of its master has no timer files.
    for (const name of ['timerlog', 'timerwheel', join('config', 'timercheck')])
      rmSync(join(copy, name), { recursive: true, force: true });
    expect(namesOf(await read({}, copy, true))).toEqual(['waiting late']);
  });

  it('tells when a message far ahead is stored anew', async () => {
    const dueMs = bench.clock.nowMs() + 60 * HOUR_MS;
    const opened = await open(async ({ store }) => {
      await bench.putTimer(store, 'far', dueMs);
      return 1;
    });
    await opened.close();
    const [far] = await read();
    expect(far).toMatchObject({ kind: 'timer', state: 'waiting', dueMs });
    const storedAnewMs = far.kind === 'timer' ? far.storedAnewMs : undefined;
    expect(storedAnewMs).toBeGreaterThan(bench.clock.nowMs());
    expect(storedAnewMs).toBeLessThan(dueMs);
  });

  it('lists once what a stop within its second gave another unit', async () => {
    const slotMs = slotOf(bench.clock.nowMs()) + 2 * SLOT_MS;
    const opened = await open(async ({ store }) => {
      await bench.putTimer(store, 'early', slotMs + 100);
      await bench.putTimer(store, 'late', slotMs + 900);
      await waitFor(() => store.maxOffset('Later', 3) >= 1);
      return 2;
    });
    await opened.close();
    const reader = await StoreReader.open({ rootPath: bench.path });
    const delivered = [...reader.entries('Later', 3)].length;
    reader.close();
    // On a machine that stood still for most of a second both are.
    expect(namesOf(await read())).toEqual(delivered === 1 ? ['waiting late'] : []);
  });

  it('goes on where the timer log is damaged, the checkpoint is gone, or a record is lost', async () => {
    const opened = await open(async ({ store }) => {
      for (let i = 0; i < 30; i++) await bench.putTimer(store, `m${i}`, bench.clock.nowMs() + HOUR_MS);
      return 30;
    });
    await opened.close();
    const [first] = await read();
    const commitLog = join(bench.path, 'commitlog', '0'.repeat(20));
    const bytes = readFileSync(commitLog);
    if (first.kind === 'timer') bytes[first.physicalOffset + 4] ^= 1;
    writeFileSync(commitLog, bytes);
    expect(namesOf(await read()).slice(0, 2)).toEqual(['lost -', 'waiting m1']);
    expect(namesOf(await read({ topic: 'Later' }))).toHaveLength(29);
    const timerLog = join(bench.path, 'timerlog', '0'.repeat(20));
    const units = readFileSync(timerLog);
    units[52 * 20 + 30] ^= 1;
    writeFileSync(timerLog, units);
    const damaged = namesOf(await read());
    expect(damaged).toHaveLength(21);
    expect(damaged[0]).toBe('its units end at 1040; the checkpoint knows them to 1560');
    rmSync(join(bench.path, 'config', 'timercheck'));
    expect(namesOf(await read())[0]).toMatch(/there is no checkpoint of the timer/);
    writeFileSync(join(bench.path, 'timerlog', '8192'.padStart(20, '0')), 'x');
    expect(namesOf(await read())[0]).toMatch(/can't be used: .*leave no gap/);
  });
});
