import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { TIMER_TOPIC } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { SLOT_MS, slotOf } from '../timer/timer-layout.js';
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

function clearSlot(): void {
  const at = slotAt();
  writeFileSync(wheel(), readFileSync(wheel()).fill(0, at, at + 32));
}

/** Changes bytes of a unit or slot, CRC included: what only a look at the other files can find. */
function change(path: string, at: number, checkedBytes: number, edit: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  const part = bytes.subarray(at, at + checkedBytes + 4);
  edit(part);
  part.writeUInt32BE(crc32(part.subarray(0, checkedBytes)), checkedBytes);
  writeFileSync(path, bytes);
}

const changeUnit = (index: number, edit: (bytes: Buffer) => void): void =>
  change(join(log(), '0'.repeat(20)), 52 * index, 48, edit);

/** A unit that is not the first of its second. */
function laterUnit(): number {
  const bytes = readFileSync(join(log(), '0'.repeat(20)));
  return bytes.readInt32BE(52 * 50 + 4) < 0 ? 51 : 50;
}

const changeSlot = (edit: (bytes: Buffer) => void): void => change(wheel(), slotAt(), 28, edit);

const commitLog = (): string => join(bench.path, 'commitlog', '0'.repeat(20));

/** A second more or less in the time that a message says. */
function changeTime(): void {
  const bytes = readFileSync(commitLog());
  const name = 'TIMER_OUT_MS\u0001';
  bytes[bytes.indexOf(name, bytes.indexOf('UNIQ_KEY\u0001m30\u0002')) + name.length + 9] ^= 1;
  writeFileSync(commitLog(), bytes);
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
    [
      'a slot that leads out of the log',
      () => changeSlot((slot) => slot.writeInt32BE(1 << 24, 20)),
      wheel,
      /lead out of/,
    ],
    [
      'a slot that leads to an older unit',
      () => changeSlot((slot) => slot.copy(slot, 16, 8, 16)),
      wheel,
      /last unit of/,
    ],
    [
      'a slot that counts wrong',
      () => changeSlot((slot) => (slot[27] += 1)),
      wheel,
      /it counts \d+, its units add up to/,
    ],
    ['a slot of zeros', () => clearSlot(), wheel, /does not know seconds .*\(1; that of /],
    [
      'a chain that leads elsewhere',
      () => changeUnit(50, (unit) => unit.fill(0, 4, 11).fill(104, 11, 12)),
      log,
      /breaks the chain of its second/,
    ],
    [
      'a chain that ends too early',
      () => changeUnit(laterUnit(), (unit) => unit.fill(0xff, 4, 12)),
      log,
      /breaks the chain of its second/,
    ],
    [
      'a place in the log',
      () => changeUnit(50, (unit) => (unit[35] ^= 1)),
      log,
      /\(1; the first: no message stands at/,
    ],
    ['a size', () => changeUnit(50, (unit) => (unit[39] ^= 1)), log, /bytes, not \d+\)/],
    ['a time', changeTime, log, /\(1; the first: the message at offset \d+ is due/],
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

  it('tells of units whose messages the commit log lost, before a repair and after it', async () => {
    await prepare();
    // Its body stands before its topic and the lengths of topic and properties.
    const bodyEnd = readFileSync(commitLog()).indexOf('UNIQ_KEY\u0001m30\u0002') - 2 - TIMER_TOPIC.length - 1;
    flip(commitLog(), bodyEnd - 1);
    const report = await verify();
    const kinds = report.findings.map(({ kind, severity }) => `${kind} ${severity}`);
    expect(kinds).toEqual(['LOG_DAMAGED damage', 'QUEUE_ENTRY_LOST damage', 'TIMER_DAMAGED notice']);
    expect(report.findings[2].text).toMatch(/that the commit log lost \(1; the first: offset \d+\)/);
    const keepFolder = join(bench.path, 'kept');
    mkdirSync(keepFolder);
    await repairStore(report, planRepair(report, { rebuildQueues: false, rebuildIndex: false }), { keepFolder });
    const { findings } = await verify();
    expect(findings.map(({ kind, severity }) => `${kind} ${severity}`)).toEqual(['TIMER_DAMAGED notice']);
  });

  it('finds nothing where a stop divided a second, nor in what a killed broker leaves', async () => {
    const opened = await bench.open();
    const slotMs = slotOf(bench.clock.nowMs()) + 2 * SLOT_MS;
    await bench.putTimer(opened.store, 'early', slotMs + 100);
    for (let i = 0; i < 5; i++) await bench.putTimer(opened.store, `late${i}`, slotMs + 900 + i);
    await waitFor(() => opened.store.maxOffset('Later', 3) >= 1);
    const copy = bench.crashCopy();
    await opened.close();
    expect((await verify()).findings).toEqual([]);
    const { findings } = await verifyStore({ rootPath: copy, inUse: true });
    expect(findings.filter(({ kind }) => kind === 'TIMER_DAMAGED')).toEqual([]);
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
