import { closeSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { put, smallStore, tempFolder } from '../testing/store-fixture.js';
import type { VerifyReport, VerifyProgress } from './verify-store.js';
import { verifyStore } from './verify-store.js';

const SIZES = { slots: 100, entries: 250 };
const ENTRIES_AT = 40 + SIZES.slots * 4;
const positionOf = (index: number): number => ENTRIES_AT + index * 20;

function overwrite(path: string, position: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

describe('the index and the messages of the log', () => {
  let folder: ReturnType<typeof tempFolder>;
  let paths: string[];

  /** 300 messages with three entries each, in several files. */
  beforeEach(async () => {
    folder = tempFolder();
    const store = smallStore(folder.path, { maxHashSlotNum: SIZES.slots, maxIndexNum: SIZES.entries });
    await store.open();
    for (let i = 0; i < 300; i++) {
      const properties = `KEYS\u0001k${i} all\u0002TAGS\u0001TagA\u0002`;
      await put(store, { properties, body: Buffer.from(`${i}`) });
      // Messages without keys have no entries.
      if (i % 10 === 0) await put(store, { properties: '', tagsCode: 0 });
    }
    await store.close();
    const index = join(folder.path, 'index');
    paths = readdirSync(index)
      .sort()
      .map((name) => join(index, name));
    expect(paths.length).toBe(4);
  });

  afterEach(() => {
    folder.remove();
  });

  const verify = (onProgress?: (progress: VerifyProgress) => void): Promise<VerifyReport> =>
    verifyStore({
      rootPath: folder.path,
      segmentSizeBytes: 16 * 1024,
      consumeQueueFileEntries: 50,
      indexSizes: SIZES,
      onProgress,
    });

  it('fit each other in a store of a broker', async () => {
    const steps: VerifyProgress[] = [];
    const report = await verify((progress) => {
      if (progress.step === 'INDEX') steps.push(progress);
    });
    expect(report.findings).toEqual([]);
    expect(steps.at(-1)).toEqual({ step: 'INDEX', doneBytes: 900 * 20, totalBytes: 900 * 20 });
    // Nor is anything wrong where retention has removed the first messages.
    renameSync(join(folder.path, 'commitlog', '0'.repeat(20)), join(folder.path, 'first'));
    const kinds = (await verify()).findings.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind.startsWith('INDEX'))).toEqual([]);
  });

  it('do not when the hash of a key was changed', async () => {
    const path = paths[1];
    const hash = readFileSync(path).readInt32BE(positionOf(100));
    const changed = Buffer.alloc(4);
    // The slot stays the same: the chains do not tell.
    changed.writeInt32BE(hash + SIZES.slots);
    overwrite(path, positionOf(100), changed);
    const { findings } = await verify();
    expect(findings).toMatchObject([
      { kind: 'INDEX_DAMAGED', severity: 'damage', path, position: positionOf(100), count: 1 },
    ]);
    expect(findings[0].text).toContain('entry 100 leads to offset');
    expect(findings[0].text).toContain('to a message that has no such key');
  });

  it('do not when entries lead into messages', async () => {
    const path = paths[2];
    for (const index of [41, 90]) {
      const at = positionOf(index) + 4;
      const offset = readFileSync(path).readBigInt64BE(at);
      const changed = Buffer.alloc(8);
      changed.writeBigInt64BE(offset - 1n);
      overwrite(path, at, changed);
    }
    const { findings } = await verify();
    // The first of a message's entries alone can be changed so that the order stays; the other one breaks it, and with it the file.
    expect(findings.map(({ kind, path: where }) => [kind, where])).toEqual([['INDEX_DAMAGED', path]]);
  });

  it('do not when a file in the middle was lost', async () => {
    renameSync(paths[1], join(folder.path, 'lost'));
    const { findings, damageCount } = await verify();
    expect(damageCount).toBe(0);
    expect(findings).toMatchObject([
      { kind: 'INDEX_INCOMPLETE', severity: 'notice', path: join(folder.path, 'index') },
    ]);
    // 249 entries, three of each message; two messages may have some of theirs in the files beside.
    expect(findings[0].count).toBeGreaterThanOrEqual(83);
    expect(findings[0].count).toBeLessThanOrEqual(84);
  });

  it('are not compared where the log is damaged', async () => {
    overwrite(join(folder.path, 'commitlog', '0'.repeat(20)), 5_000, Buffer.alloc(1_000, 0x77));
    const kinds = (await verify()).findings.map(({ kind }) => kind);
    expect(kinds).toContain('LOG_DAMAGED');
    expect(kinds.filter((kind) => kind.startsWith('INDEX'))).toEqual([]);
  });
});
