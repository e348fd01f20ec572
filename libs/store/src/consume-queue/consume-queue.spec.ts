import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { SystemClock } from '../io/clock.js';
import { HandlePool } from '../io/handle-pool.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import { FaultyFileSystem, systemError } from '../testing/faulty-file-system.js';
import { CollectingLogger, put, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';
import type { ConsumeQueueStoreOptions } from './consume-queue-store.js';
import { ConsumeQueueStore } from './consume-queue-store.js';
import { ENTRY_BYTES, GAP_SIZE } from './queue-entry.js';

describe('the consume queue', () => {
  let folder: ReturnType<typeof tempFolder>;

  beforeEach(() => {
    folder = tempFolder();
  });

  afterEach(() => {
    folder.remove();
  });

  function queueStore(overrides: Partial<ConsumeQueueStoreOptions> = {}): ConsumeQueueStore {
    const fileSystem = new NodeFileSystem();
    const options: ConsumeQueueStoreOptions = {
      folder: folder.path,
      fileSystem,
      handles: new HandlePool(fileSystem, 8),
      fileEntries: 10,
      tailEntries: 16,
      writeBatchEntries: 1_000,
      flushSliceMs: 4,
      maxTailBytes: 1024 * 1024,
      ...overrides,
    };
    return new ConsumeQueueStore(options, new SystemClock(), new CollectingLogger());
  }

  const fileOf = (name: string, queue = 'Orders/2'): Buffer =>
    readFileSync(join(folder.path, queue, name.padStart(20, '0')));

  it('writes entries of 20 bytes into files of the full size', async () => {
    const queues = queueStore();
    const queue = queues.findOrCreate('Orders', 2);
    for (let i = 0; i < 13; i++) queues.append(queue, 5_000_000_000 + i * 100, 100, -7 - i, 0);
    expect(existsSync(join(folder.path, 'Orders'))).toBe(false);
    await queues.writeAll();
    expect(readdirSync(join(folder.path, 'Orders/2')).sort()).toEqual(['0'.padStart(20, '0'), '200'.padStart(20, '0')]);
    const first = fileOf('0');
    expect(first.length).toBe(10 * ENTRY_BYTES);
    expect(first.readBigInt64BE(0)).toBe(5_000_000_000n);
    expect(first.readInt32BE(8)).toBe(100);
    expect(first.readBigInt64BE(12)).toBe(-7n);
    const second = fileOf('200');
    expect(second.readBigInt64BE(2 * ENTRY_BYTES)).toBe(5_000_001_200n);
    expect(second.subarray(3 * ENTRY_BYTES).every((byte) => byte === 0)).toBe(true);
    expect(queues.entryCount).toBe(13);
  });

  it('counts the entries that point before a place in the log, in memory and in files', async () => {
    const queues = queueStore();
    const queue = queues.findOrCreate('Orders', 2);
    queue.startAt(3);
    for (let i = 0; i < 40; i++) queues.append(queue, 1_000 + i * 100, 100, 0, 0);
    const counts = (): number[] =>
      [0, 1_000, 1_001, 2_000, 4_899, 4_950, 5_000, 9_000].map((place) => queue.entriesBefore(place));
    // The three fillers in front of a queue that starts at 3 are in its file, and count.
    const expected = [3, 3, 4, 13, 42, 43, 43, 43];
    expect(counts()).toEqual(expected);
    await queues.writeAll();
    queue.releaseTail();
    expect(counts()).toEqual(expected);
  });

  it('keeps the newest entries in memory, and finds the older ones in the file', async () => {
    const queues = queueStore();
    const queue = queues.findOrCreate('Orders', 2);
    for (let i = 0; i < 200; i++) {
      queues.append(queue, i * 100, 100, i, 0);
      if (i % 7 === 0) await queues.writeAll();
    }
    await queues.writeAll();
    expect(queue.residentWindow(0, 1)).toBeUndefined();
    expect(queue.residentWindow(199, 5)?.toOffset).toBe(200);
    expect([0, 199, 200, 1_000].map((offset) => queue.isResident(offset))).toEqual([false, true, true, true]);
    for (const queueOffset of [0, 9, 10, 57, 199]) {
      const window = queue.readWindowSync(queueOffset, 4);
      expect(window.physicalOffset(queueOffset)).toBe(queueOffset * 100);
      expect(window.tagsCode(queueOffset)).toBe(queueOffset);
      expect(window.toOffset).toBe(Math.min(queueOffset + 4, (Math.floor(queueOffset / 10) + 1) * 10));
      expect((await queue.readWindow(queueOffset, 1)).sizeBytes(queueOffset)).toBe(100);
    }
    expect(queue.tailBytes).toBeLessThanOrEqual(32 * ENTRY_BYTES);
  });

  it('fills the space before a first message that is not at the start of a file', async () => {
    const queues = queueStore();
    const queue = queues.findOrCreate('Orders', 2);
    queues.redispatch(queue, 34, 9_000, 100, 5);
    await queues.writeAll();
    expect(queue).toMatchObject({ minOffset: 34, maxOffset: 35, assignedOffset: 35 });
    const file = fileOf('600');
    for (let i = 0; i < 4; i++) {
      expect(file.readBigInt64BE(i * ENTRY_BYTES)).toBe(0n);
      expect(file.readInt32BE(i * ENTRY_BYTES + 8)).toBe(GAP_SIZE);
      expect(file.readBigInt64BE(i * ENTRY_BYTES + 12)).toBe(0n);
    }
    expect(file.readBigInt64BE(4 * ENTRY_BYTES)).toBe(9_000n);
    // Those before the file's start are in no file.
    expect(queues.entryCount).toBe(5);
  });

  it('ignores a record that comes again, fills missing offsets, and begins anew for a queue that was deleted', () => {
    const queues = queueStore();
    const queue = queues.findOrCreate('Orders', 2);
    expect(queues.redispatch(queue, 0, 0, 100, 1)).toBe(true);
    expect(queues.redispatch(queue, 1, 100, 100, 1)).toBe(true);
    expect(queues.redispatch(queue, 0, 0, 100, 1)).toBe(false);
    expect(queues.redispatch(queue, 4, 200, 100, 1)).toBe(true);
    expect(queue).toMatchObject({ minOffset: 0, maxOffset: 5 });
    expect(queue.residentWindow(2, 1)?.isGap(2)).toBe(true);
    expect(queues.entryCount).toBe(5);
    expect(queues.redispatch(queue, 0, 300, 100, 1)).toBe(true);
    expect(queue).toMatchObject({ minOffset: 0, maxOffset: 1, assignedOffset: 1 });
    expect(queues.entryCount).toBe(1);
  });

  it('frees the tails of queues that got nothing for a while', async () => {
    const queues = queueStore();
    const queue = queues.findOrCreate('Orders', 2);
    queues.append(queue, 0, 100, 1, -1_000_000);
    queues.releaseIdle(1_000);
    expect(queue.tailBytes).toBeGreaterThan(0);
    await queues.writeAll();
    queues.releaseIdle(1_000);
    expect(queue.tailBytes).toBe(0);
    expect(queue.readWindowSync(0, 1).sizeBytes(0)).toBe(100);
  });

  it('writes entries behind the messages while the store runs, and bounds the open files', async () => {
    const store = smallStore(folder.path, {
      consumeQueueFlushIntervalMs: 5,
      checkpointIntervalMs: 10,
      maxOpenFiles: 4,
    });
    await store.open();
    for (let i = 0; i < 40; i++) await put(store, { queueId: i % 20 });
    await waitFor(() => store.stats().checkpointPhysicalOffset === store.maxPhysicalOffset);
    expect(store.stats().openFiles).toBeLessThanOrEqual(4);
    expect(statSync(join(folder.path, 'consumequeue/Orders/19', '0'.repeat(20))).size).toBe(50 * ENTRY_BYTES);
    for (let queueId = 0; queueId < 20; queueId++) expect(await readQueue(store, 'Orders', queueId)).toHaveLength(2);
    await store.close();
  });

  it('goes on serving from memory while its files cannot be written, and catches up afterwards', async () => {
    const disk = new FaultyFileSystem();
    const store = smallStore(folder.path, { fileSystem: disk, consumeQueueFlushIntervalMs: 5 });
    await store.open();
    let tries = 0;
    let failing = true;
    disk.onWrite = (path) => {
      if (!failing || !path.includes('consumequeue')) return undefined;
      tries++;
      return systemError('EIO');
    };
    for (let i = 0; i < 200; i++) void put(store);
    await put(store);
    await waitFor(() => tries >= 3);
    expect(await readQueue(store)).toHaveLength(201);
    failing = false;
    await store.close();
    const again = smallStore(folder.path);
    expect(await again.open()).toMatchObject({ cleanStop: true, queuesRebuilt: false });
    expect(await readQueue(again)).toHaveLength(201);
    await again.close();
  });

  it('holds half a KiB for each queue with a few messages, and no more than its share for all', async () => {
    const queues = queueStore({ fileEntries: 10_000, tailEntries: 2_048, maxTailBytes: 64 * 1024 });
    const all = Array.from({ length: 100 }, (_, queueId) => queues.findOrCreate('Orders', queueId));
    for (const queue of all) for (let i = 0; i < 5; i++) queues.append(queue, i * 100, 100, 0, 0);
    expect(queues.tailBytes / all.length).toBeLessThanOrEqual(512);
    expect(queues.unwrittenEntries).toBe(500);
    for (let i = 5; i < 200; i++) {
      for (const queue of all) queues.append(queue, i * 100, 100, 0, 0);
      // What is written may be dropped, and then makes room for what comes.
      if (i % 10 === 0) await queues.writeAll();
    }
    await queues.writeAll();
    expect(queues.tailBytes).toBeLessThanOrEqual(64 * 1024);
    expect(queues.unwrittenEntries).toBe(0);
    expect(all[7].maxOffset).toBe(200);
    expect(all[7].readWindowSync(0, 200).physicalOffset(150)).toBe(15_000);
    queues.releaseIdle(-1e9);
    expect(queues.tailBytes).toBe(0);
  });
});
