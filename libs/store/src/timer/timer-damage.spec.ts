import { readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { type OpenedTimer, TimerBench } from '../testing/timer-fixture.js';
import { slotOf, SLOT_MS, WHEEL_SLOTS } from './timer-layout.js';

let bench: TimerBench;

beforeEach(() => {
  bench = new TimerBench();
});

afterEach(async () => {
  await bench.end();
});

const WAITING = 150;

/** Some were delivered, one was recalled, many wait, in three files of the log. */
async function prepare(): Promise<{ waiting: string[] }> {
  const first = await bench.open();
  const nowMs = bench.clock.nowMs();
  for (let i = 0; i < 5; i++) await bench.putTimer(first.store, `done${i}`, nowMs + 20 + i);
  await waitFor(() => first.store.maxOffset('Later', 3) === 5);
  for (let i = 0; i < WAITING; i++) await bench.putTimer(first.store, `m${i}`, nowMs + 600_000 + (i % 5) * 400);
  await bench.putTimer(first.store, 'recalled', nowMs + 600_300);
  await bench.putTimer(first.store, 'x', nowMs + 600_300, { TIMER_DEL_UNIQKEY: 'recalled' });
  await waitFor(() => first.timer.stats().enqueuedMessages === WAITING + 7);
  await first.close();
  return { waiting: Array.from({ length: WAITING }, (_, i) => `m${i}`) };
}

async function expectAllOnce({ store, timer }: OpenedTimer, waiting: readonly string[]): Promise<void> {
  await waitFor(() => store.maxOffset('Later', 3) >= 5 + waiting.length);
  await waitFor(() => timer.stats().dequeueBehindMs === 0 && timer.stats().enqueueBehindMessages === 0);
  const done = Array.from({ length: 5 }, (_, i) => `done${i}`);
  expect((await bench.delivered(store)).sort()).toEqual([...done, ...waiting].sort());
}

const wheel = (): string => join(bench.path, 'timerwheel');
const logFolder = (): string => join(bench.path, 'timerlog');
const logFile = (index: number): string => join(logFolder(), readdirSync(logFolder()).sort()[index]);

const checkpoint = (): string => join(bench.path, 'config', 'timercheck');

function zero(path: string): void {
  writeFileSync(path, Buffer.alloc(statSync(path).size));
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] ^= 0x10;
  writeFileSync(path, bytes);
}

/** Where the wheel has the slot of the messages that wait. */
function usedSlot(): number {
  const bytes = readFileSync(wheel());
  const slotMs = slotOf(bench.clock.nowMs() + 600_000);
  for (let i = -2; i < 8; i++) {
    const at = ((slotMs / SLOT_MS + i) % WHEEL_SLOTS) * 32;
    if (bytes.readInt32BE(at + 24) > 0) return at;
  }
  throw new Error('no slot is used');
}

describe('a timer whose files were damaged while it was stopped', () => {
  it.each([
    ['the wheel is missing', () => rmSync(wheel()), /wheel is made again from the timer log: it was missing/],
    ['the wheel is cut', () => truncateSync(wheel(), 70_000), /wheel is made again from the timer log: it had 70000/],
    ['a bit of the time of a slot', () => flip(wheel(), usedSlot() + 6), /from the timer log: 1 of its slots/],
    ['a bit of the position of a slot', () => flip(wheel(), usedSlot() + 23), /from the timer log: 1 of its slots/],
    ['all of the wheel is zero', () => zero(wheel()), /again from the timer log: it does not know what is due at/],
    ['a time beyond all numbers', () => flip(wheel(), 1), /from the timer log: 1 of its slots/],
    ['the log is missing', () => rmSync(logFolder(), { recursive: true }), /again from the messages of .* end at 0/],
    ['its first file is missing', () => rmSync(logFile(0)), /again from the messages of .* begins at 4096, not at 0/],
    ['its second file is missing', () => rmSync(logFile(1)), /again from the messages of .* leave no gap/],
    ['its last file is cut', () => truncateSync(logFile(1), 1_000), /again from the messages of .* leave no gap/],
    ['its last file is empty', () => truncateSync(logFile(2), 0), /again from the messages of .* the checkpoint knows/],
    ['the checkpoint is missing', () => rmSync(checkpoint()), /timercheck is missing/],
    ['the checkpoint is zero', () => zero(checkpoint()), /timercheck is damaged/],
    ['the checkpoint is cut', () => truncateSync(checkpoint(), 1_000), /timercheck is damaged/],
    ['a bit of where the checkpoint names its maker', () => flip(checkpoint(), 2_048), /timercheck is damaged/],
    ['a bit of the checkpoint', () => flip(checkpoint(), 2_085), /timercheck is damaged/],
  ])('%s: each message is delivered, and none twice', async (_, damage, report) => {
    const { waiting } = await prepare();
    damage();
    bench.clock.aheadMs = 602_000;
    const opened = await bench.open();
    await expectAllOnce(opened, waiting);
    expect(opened.logger.lines.filter((line) => report.test(line))).toHaveLength(1);
  });

  it.each([
    ['the position of the unit before', 4 + 6],
    ['the offset of the message', 28 + 7],
    ['the time', 24 + 1],
    ['the size of the unit', 3],
  ])('a bit of a unit, in %s: it is noticed when it is read, and each message is delivered once', async (_, at) => {
    const { waiting } = await prepare();
    flip(logFile(0), 52 * 60 + at);
    bench.clock.aheadMs = 602_000;
    const opened = await bench.open();
    await expectAllOnce(opened, waiting);
    expect(opened.timer.stats().rebuilds).toBe(1);
    expect(opened.logger.lines.filter((line) => /again from the messages of .* has no unit/.test(line))).toHaveLength(
      1,
    );
  });

  it('what was stored anew for its time is not delivered twice when all is made again', async () => {
    const first = await bench.open({ rollWindowMs: 400 });
    const dueMs = bench.clock.nowMs() + 3_600_000;
    await bench.putTimer(first.store, 'far', dueMs);
    await bench.putTimer(first.store, 'near', bench.clock.nowMs() + 100);
    await waitFor(() => first.store.maxOffset('rmq_sys_wheel_timer', 0) >= 4);
    await first.close();
    rmSync(logFolder(), { recursive: true });
    bench.clock.aheadMs = 3_600_100;
    const { store, timer } = await bench.open();
    await waitFor(() => store.maxOffset('Later', 3) === 2);
    await waitFor(() => timer.stats().waitingMessages === 0 && timer.stats().enqueueBehindMessages === 0);
    expect(await bench.delivered(store)).toEqual(['near', 'far']);
  });

  it('goes on with making all again when it is killed within', async () => {
    const { waiting } = await prepare();
    rmSync(logFolder(), { recursive: true });
    const opened = await bench.open();
    const copy = bench.crashCopy();
    await opened.close();
    bench.clock.aheadMs = 602_000;
    await expectAllOnce(await bench.open({}, copy), waiting);
  });

  it('makes up for more than a week', async () => {
    const { waiting } = await prepare();
    bench.clock.aheadMs = 9 * 24 * 3_600_000;
    const opened = await bench.open();
    await expectAllOnce(opened, waiting);
    expect(opened.logger.lines.join()).toContain('nothing was delivered for more than a week');
  });
});
