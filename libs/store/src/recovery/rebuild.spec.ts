import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SCHEDULE_TOPIC } from '@rocknest/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenOptions, StoreFile } from '../io/file-system.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import { crashCopy, put, smallStore, tempFolder } from '../testing/store-fixture.js';

const NEVER = { checkpointIntervalMs: 1e9, flushIntervalMs: 1e8, consumeQueueFlushIntervalMs: 1e8 };
const DELAYED = 'DELAY\u00013\u0002TAGS\u0001x\u0002';

describe('consume queues and checkpoint made again from the log', () => {
  let original: ReturnType<typeof tempFolder>;
  const folders: { remove(): void }[] = [];

  beforeAll(async () => {
    original = tempFolder();
    folders.push(original);
    const store = smallStore(original.path);
    await store.open();
    for (let i = 0; i < 240; i++) await put(store, { queueId: i % 2, body: Buffer.from(`message ${i}`) });
    for (let i = 0; i < 10; i++)
      await put(store, { topic: SCHEDULE_TOPIC, queueId: 2, properties: DELAYED, tagsCode: 0 });
    await put(store, { topic: 'Übung', queueId: 7, properties: 'TAGS\u0001größe\u0002', tagsCode: 108_990_321 });
    await store.close();
  });

  afterAll(() => {
    for (const folder of folders) folder.remove();
  });

  /** Every queue file with its bytes. */
  function queueBytes(root: string): Map<string, string> {
    const folder = join(root, 'consumequeue');
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(folder, name)).isFile(),
    );
    return new Map(names.sort().map((name) => [name, readFileSync(join(folder, name)).toString('base64')]));
  }

  it.each([
    ['all queues', ['consumequeue']],
    ['the queues of one topic', ['consumequeue/Orders']],
    ['delayed messages', [`consumequeue/${SCHEDULE_TOPIC}`]],
    ['one file', ['consumequeue/Orders/1/00000000000000001000']],
    ['the checkpoint', ['checkpoint']],
    ['all of it', ['consumequeue', 'checkpoint']],
  ])('have the same bytes after %s was deleted', async (_name, gone) => {
    const copy = crashCopy(original.path);
    folders.push(copy);
    const before = queueBytes(copy.path);
    // The tags code of the message with the name in another script was made up by its sender: a rebuild computes it.
    for (const path of gone) rmSync(join(copy.path, path), { recursive: true });
    const store = smallStore(copy.path);
    const report = await store.open();
    expect(report.lines.join()).toContain('made again');
    await store.close();
    const after = queueBytes(copy.path);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, bytes] of before)
      if (!name.startsWith('Übung')) expect(after.get(name) === bytes, name).toBe(true);
    const again = smallStore(copy.path);
    expect(await again.open()).toMatchObject({ queuesRebuilt: false, scannedRecords: 0, lines: [] });
    await again.close();
  });
});

/** Counts what is read. */
class CountingFileSystem extends NodeFileSystem {
  readBytes = 0;

  override open(path: string, options?: OpenOptions): StoreFile {
    const file = super.open(path, options);
    const { readSync, read } = file;
    file.readSync = (target, targetOffset, length, position) => {
      const bytes = readSync.call(file, target, targetOffset, length, position);
      this.readBytes += bytes;
      return bytes;
    };
    file.read = (target, targetOffset, length, position, done) => {
      read.call(file, target, targetOffset, length, position, (error, bytes) => {
        this.readBytes += bytes;
        done(error, bytes);
      });
    };
    return file;
  }
}

describe('the time that a start takes', () => {
  const SEGMENT = 64 * 1024;

  it.each(['clean', 'unclean'])(
    'depends on what is behind the checkpoint, not on the size of the log: %s stop',
    async (stop) => {
      const folder = tempFolder();
      const options = {
        ...NEVER,
        segmentSizeBytes: SEGMENT,
        consumeQueueFileEntries: 5_000,
        messageIndexEnable: false,
      };
      const store = smallStore(folder.path, options);
      await store.open();
      await Promise.all(Array.from({ length: 2_000 }, () => put(store, { body: Buffer.alloc(1_000, 'x') })));
      await store.close();
      const again = smallStore(folder.path, options);
      await again.open();
      for (let i = 0; i < 10; i++) await put(again);
      const end = again.maxPhysicalOffset;
      const copy = crashCopy(folder.path);
      await again.close();
      const path = stop === 'clean' ? folder.path : copy.path;
      const fileSystem = new CountingFileSystem();
      const third = smallStore(path, { ...options, fileSystem });
      const report = await third.open();
      const { readBytes } = fileSystem;
      await third.close();
      folder.remove();
      copy.remove();
      expect(report).toMatchObject({
        cleanStop: stop === 'clean',
        scannedRecords: stop === 'clean' ? 0 : 10,
        logEndOffset: end,
      });
      expect(end).toBeGreaterThan(30 * SEGMENT);
      // The piece with the new messages, what lies behind them, and a few entries.
      expect(readBytes).toBeLessThan(4 * SEGMENT);
    },
  );
});
