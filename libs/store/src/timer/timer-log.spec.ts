import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeFileSystem } from '../io/node-file-system.js';
import { tempFolder } from '../testing/store-fixture.js';
import { MAGIC_DEFAULT } from './timer-layout.js';
import { TimerLog } from './timer-log.js';

const FILE_BYTES = 4_096;
/** 78 units of 52 bytes, and 16 bytes at the end. */
const UNITS_EACH = 78;
const NOW_MS = 1_763_862_000_000;

let folder: { path: string; remove(): void };
let log: TimerLog;

beforeEach(() => {
  folder = tempFolder();
  mkdirSync(join(folder.path, 'timerlog'));
  log = new TimerLog(join(folder.path, 'timerlog'), FILE_BYTES, new NodeFileSystem());
  expect(log.open()).toBeUndefined();
  log.setEnd(0);
});

afterEach(() => {
  log.close();
  folder.remove();
});

const files = (): number[] => readdirSync(log.folder).map(Number);

/** Units of messages that stand at 0, 1,000, 2,000 ... of the commit log. */
async function fill(count: number): Promise<number[]> {
  const positions: number[] = [];
  for (let i = 0; i < count; i++) {
    const unit = { previous: -1, magic: MAGIC_DEFAULT, dueMs: NOW_MS + i, physicalOffset: i * 1_000, sizeBytes: 100 };
    positions.push(log.add(unit, NOW_MS, 7));
  }
  await log.commit();
  return positions;
}

describe('TimerLog', () => {
  it('gives back what was added, over its files', async () => {
    const positions = await fill(3 * UNITS_EACH);
    expect(files()).toEqual([0, FILE_BYTES, 2 * FILE_BYTES]);
    for (const [i, position] of positions.entries()) {
      expect(await log.read(position)).toMatchObject({ dueMs: NOW_MS + i, physicalOffset: i * 1_000 });
    }
    const found: number[] = [];
    expect(await log.scan(0, (position) => found.push(position) > 0)).toBe(log.committedEnd);
    expect(found).toEqual(positions);
  });

  it('removes a file once the messages of all its units are gone from the commit log, and keeps the last one', async () => {
    const positions = await fill(2 * UNITS_EACH + 5);
    await log.removeBefore((UNITS_EACH - 1) * 1_000);
    expect(files()).toEqual([0, FILE_BYTES, 2 * FILE_BYTES]);
    await log.removeBefore((UNITS_EACH - 1) * 1_000 + 1);
    expect(files()).toEqual([FILE_BYTES, 2 * FILE_BYTES]);
    expect(log.start).toBe(FILE_BYTES);
    expect(await log.read(positions[0])).toBeUndefined();
    expect(await log.read(positions[UNITS_EACH])).toMatchObject({ physicalOffset: UNITS_EACH * 1_000 });
    await log.removeBefore(1e9);
    expect(files()).toEqual([2 * FILE_BYTES]);
  });
});
