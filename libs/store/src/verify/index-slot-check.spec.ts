import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { put, smallStore, tempFolder } from '../testing/store-fixture.js';
import type { Finding } from './finding.js';
import { verifyStore } from './verify-store.js';

function overwrite(path: string, position: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

describe('the slots of the index', () => {
  const sizes = { slots: 100, entries: 2_000 };
  const slotAt = (slot: number): number => 40 + slot * 4;
  const entryAt = (index: number): number => 40 + sizes.slots * 4 + index * 20;
  let busy: ReturnType<typeof tempFolder>;
  let path: string;

  /** 900 entries in 100 slots: long chains. */
  beforeEach(async () => {
    busy = tempFolder();
    const store = smallStore(busy.path, { maxHashSlotNum: sizes.slots, maxIndexNum: sizes.entries });
    await store.open();
    for (let i = 0; i < 300; i++)
      await put(store, { properties: `KEYS\u0001k${i} all\u0002TAGS\u0001TagA\u0002`, body: Buffer.from(`${i}`) });
    await store.close();
    path = join(busy.path, 'index', readdirSync(join(busy.path, 'index'))[0]);
  });

  afterEach(() => {
    busy.remove();
  });

  const found = async (): Promise<readonly Finding[]> =>
    (
      await verifyStore({
        rootPath: busy.path,
        segmentSizeBytes: 16 * 1024,
        consumeQueueFileEntries: 50,
        indexSizes: sizes,
      })
    ).findings;
  const read = (position: number): number => readFileSync(path).readInt32BE(position);
  const int32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };

  it('are right in a file of a broker', async () => {
    expect(read(36)).toBe(901);
    expect(await found()).toEqual([]);
  });

  it.each([
    ['forgotten', () => 0],
    ['behind its newest entry', (newest: number) => newest - 1],
    ['behind the last entry', () => 901],
    ['negative', () => -1],
  ])('are found when one is %s', async (_name, changed) => {
    const slot = Array.from({ length: sizes.slots }, (_, i) => i).find((i) => read(slotAt(i)) > 1) ?? 0;
    const newest = read(slotAt(slot));
    overwrite(path, slotAt(slot), int32(changed(newest)));
    expect(await found()).toMatchObject([{ kind: 'INDEX_DAMAGED', severity: 'damage', position: slotAt(slot) }]);
    expect((await found())[0].text).toContain(
      `slot ${slot} points to entry ${changed(newest)}; its newest entry is ${newest}`,
    );
  });

  it('are found when a chain leaves messages out', async () => {
    const index = 600;
    const before = read(entryAt(index) + 16);
    expect(before).toBe(597);
    overwrite(path, entryAt(index) + 16, int32(594));
    expect(await found()).toMatchObject([{ kind: 'INDEX_DAMAGED', position: entryAt(index) + 16 }]);
    expect((await found())[0].text).toContain('entry 600 follows entry 594');
  });
});
