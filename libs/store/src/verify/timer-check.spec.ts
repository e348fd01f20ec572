import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { TimerBench } from '../testing/timer-fixture.js';
import { planRepair } from './repair/repair-plan.js';
import { repairStore } from './repair/repair-store.js';
import { verifyStore } from './verify-store.js';

let bench: TimerBench;

beforeEach(() => {
  bench = new TimerBench();
});

afterEach(async () => {
  await bench.end();
});

const WAITING = 100;

async function prepare(): Promise<void> {
  const opened = await bench.open();
  await bench.putTimer(opened.store, 'done', bench.clock.nowMs() + 20);
  await waitFor(() => opened.store.maxOffset('Later', 3) === 1);
  for (let i = 0; i < WAITING; i++) {
    await bench.putTimer(opened.store, `m${i}`, bench.clock.nowMs() + 3_600_000 + i * 50);
  }
  await waitFor(() => opened.timer.stats().enqueuedMessages === WAITING + 1);
  await opened.close();
}

const verify = (): ReturnType<typeof verifyStore> =>
  verifyStore({ rootPath: bench.path, indexSizes: { slots: 500, entries: 2_000 } });

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] ^= 1;
  writeFileSync(path, bytes);
}

const wheel = (): string => join(bench.path, 'timerwheel');
const log = (): string => join(bench.path, 'timerlog');
const checkpoint = (): string => join(bench.path, 'config', 'timercheck');

/** The first slot that is used. */
function slotAt(): number {
  const bytes = readFileSync(wheel());
  for (let at = 0; at < bytes.length; at += 32) if (bytes.readInt32BE(at + 24) > 1) return at;
  throw new Error('no slot is used');
}

describe('verify', () => {
  it('counts what waits, and finds nothing in a sound store', async () => {
    await prepare();
    const { timer, damageCount, noticeCount } = await verify();
    expect(timer).toMatchObject({ waitingMessages: WAITING, units: WAITING + 1 });
    expect([damageCount, noticeCount]).toEqual([0, 0]);
  });

  it('says nothing of a store without timer messages', async () => {
    const opened = await bench.open();
    await opened.close();
    expect((await verify()).timer).toBeUndefined();
  });

  it.each([
    ['a cut wheel', () => truncateSync(wheel(), 100), wheel, /has 100 bytes/],
    ['a slot', () => flip(wheel(), slotAt() + 18), wheel, /CRC of a slot/],
    ['a unit', () => flip(join(log(), '0'.repeat(20)), 52 * 20 + 30), log, /end at 1040/],
    [
      'a file that does not belong there',
      () => writeFileSync(join(log(), '8192'.padStart(20, '0')), 'x'),
      log,
      /leave no gap/,
    ],
    ['the checkpoint', () => flip(checkpoint(), 2_070), checkpoint, /CRC of the checkpoint/],
    ['no checkpoint', () => rmSync(checkpoint()), checkpoint, /no checkpoint/],
  ])('finds damage: %s; repair moves it away, and everything is delivered once', async (_, damage, path, text) => {
    await prepare();
    damage();
    const report = await verify();
    expect(report.findings).toMatchObject([{ kind: 'TIMER_DAMAGED', severity: 'damage', path: path() }]);
    expect(report.findings[0].text).toMatch(text);
    const keepFolder = join(bench.path, 'kept');
    mkdirSync(keepFolder);
    await repairStore(report, planRepair(report, { rebuildQueues: false, rebuildIndex: false }), { keepFolder });
    expect(readdirSync(keepFolder)).not.toEqual([]);
    rmSync(keepFolder, { recursive: true });
    bench.clock.aheadMs = 3_700_000;
    const { store, timer } = await bench.open();
    await waitFor(() => store.maxOffset('Later', 3) >= WAITING + 1);
    await waitFor(() => timer.stats().waitingMessages === 0);
    expect(new Set(await bench.delivered(store)).size).toBe(WAITING + 1);
    expect(store.maxOffset('Later', 3)).toBe(WAITING + 1);
  });

  it('tells of files that are gone', async () => {
    await prepare();
    rmSync(wheel());
    rmSync(log(), { recursive: true });
    const { findings, damageCount } = await verify();
    expect(findings.map(({ kind, severity, path }) => [kind, severity, path])).toEqual([
      ['TIMER_DAMAGED', 'notice', wheel()],
      ['TIMER_DAMAGED', 'notice', log()],
    ]);
    expect(damageCount).toBe(0);
  });
});
