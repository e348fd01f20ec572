import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMessage } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { RetentionHarness } from '../testing/retention-harness.js';
import { put } from '../testing/store-fixture.js';

const INDEX = { messageIndexEnable: true, maxHashSlotNum: 16, maxIndexNum: 20 };

describe('the index of a log whose oldest messages are deleted', () => {
  let harness: RetentionHarness;

  beforeEach(() => {
    harness = new RetentionHarness();
  });

  afterEach(() => harness.end());

  function names(): string[] {
    return readdirSync(join(harness.folder.path, 'index')).sort();
  }

  async function fill(from: number, to: number): Promise<void> {
    for (let i = from; i < to; i++) {
      await put(harness.store, { body: Buffer.alloc(900, i), properties: `UNIQ_KEY\u0001u${i}\u0002` });
    }
  }

  async function found(from: number, to: number): Promise<number[]> {
    const result: number[] = [];
    for (let i = from; i < to; i++) {
      const { records } = await harness.store.queryMessage('Orders', `u${i}`, 64, 0, Infinity);
      if (records.length > 0) result.push(Number(decodeMessage(records[0]).properties['UNIQ_KEY'].slice(1)));
    }
    return result;
  }

  it('loses the files that only tell of deleted messages, and finds all others, before and after a restart', async () => {
    await harness.open(INDEX);
    await fill(0, 100);
    expect(await found(0, 100)).toHaveLength(100);
    const before = names();
    expect(before).toHaveLength(6);
    harness.expire();
    harness.store.deleteExpiredFiles();
    await waitFor(() => harness.store.minPhysicalOffset === harness.activeOffset);
    await waitFor(() => names().length < before.length);
    expect(before.slice(-names().length)).toEqual(names());
    const left = await found(0, 100);
    expect(left.length).toBeGreaterThan(0);
    expect(left).toEqual(Array.from({ length: left.length }, (_, i) => 100 - left.length + i));
    await harness.store.close();
    const kept = names();
    await harness.open(INDEX);
    await fill(100, 110);
    expect(await found(0, 110)).toEqual([...left, ...Array.from({ length: 10 }, (_, i) => 100 + i)]);
    expect(names().slice(0, kept.length)).toEqual(kept);
    expect(harness.logged('made again')).toEqual([]);
  });

  it('keeps its last file when no message is left that it tells of', async () => {
    await harness.open(INDEX);
    await fill(0, 50);
    await found(0, 1);
    await harness.store.close();
    await harness.open({ ...INDEX, fileReservedTimeHours: 0 });
    for (let i = 0; i < 40; i++) await put(harness.store, { body: Buffer.alloc(900, i), properties: '' });
    harness.expire();
    harness.store.deleteExpiredFiles();
    await waitFor(() => harness.store.minPhysicalOffset === harness.activeOffset);
    await waitFor(() => names().length === 1);
    expect(await found(0, 50)).toEqual([]);
  });
});
