import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import { FaultyFileSystem } from '../testing/faulty-file-system.js';
import { put, smallStore, tempFolder } from '../testing/store-fixture.js';

describe('flushing', () => {
  let folder: ReturnType<typeof tempFolder>;
  let disk: FaultyFileSystem;
  let store: MessageStore;

  beforeEach(() => {
    folder = tempFolder();
    disk = new FaultyFileSystem();
  });

  afterEach(async () => {
    disk.release();
    disk.onSync = () => undefined;
    await store.close().catch(() => undefined);
    folder.remove();
  });

  async function open(options: Partial<MessageStoreOptions> = {}): Promise<void> {
    store = smallStore(folder.path, { fileSystem: disk, ...options });
    await store.open();
    disk.syncCount = 0;
  }

  it('SYNC_FLUSH answers, and shows to consumers, only what an fdatasync covers', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH' });
    disk.holdSyncs = true;
    let answered = false;
    const first = put(store).then((result) => {
      answered = true;
      return result;
    });
    await waitFor(() => disk.heldCount === 1);
    expect(store.stats().maxPhysicalOffset).toBeGreaterThan(0);
    expect(answered).toBe(false);
    expect(store.maxOffset('Orders', 0)).toBe(0);
    disk.release();
    expect(await first).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
    expect(store.maxOffset('Orders', 0)).toBe(1);
    expect(store.stats().flushedPhysicalOffset).toBe(store.maxPhysicalOffset);
  });

  it('SYNC_FLUSH groups everything that comes during one fdatasync into the next', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH' });
    disk.holdSyncs = true;
    const answers = [put(store)];
    await waitFor(() => disk.heldCount === 1);
    for (let i = 0; i < 30; i++) {
      answers.push(put(store));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await waitFor(() => store.stats().bufferedBytes === 0);
    disk.release();
    const results = await Promise.all(answers);
    expect(results.map(({ queueOffset }) => queueOffset)).toEqual(results.map((_, i) => i));
    expect(disk.syncCount).toBe(2);
  });

  it('SYNC_FLUSH does not keep messages waiting that ask not to', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH' });
    disk.holdSyncs = true;
    expect(await put(store, { waitStoreOk: false })).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
    expect(store.maxOffset('Orders', 0)).toBe(0);
    disk.release();
    await waitFor(() => store.maxOffset('Orders', 0) === 1);
  });

  it('SYNC_FLUSH answers FLUSH_DISK_TIMEOUT when the disk takes too long, and stores the message all the same', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH', syncFlushTimeoutMs: 30 });
    disk.holdSyncs = true;
    expect(await put(store)).toMatchObject({ status: 'FLUSH_DISK_TIMEOUT', queueOffset: 0 });
    disk.release();
    await waitFor(() => store.maxOffset('Orders', 0) === 1);
    expect(await put(store)).toMatchObject({ queueOffset: 1 });
  });

  it('SYNC_FLUSH refuses when too many messages wait for the disk', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH', maxPendingAppends: 3 });
    disk.holdSyncs = true;
    const answers = [put(store), put(store), put(store)];
    await waitFor(() => disk.heldCount === 1);
    expect(await put(store)).toMatchObject({ status: 'OS_PAGE_CACHE_BUSY' });
    disk.release();
    expect((await Promise.all(answers)).every(({ status }) => status === 'PUT_OK')).toBe(true);
  });

  it('ASYNC_FLUSH answers at once and flushes after the interval, several writes with one fdatasync', async () => {
    await open({ flushIntervalMs: 20, checkpointIntervalMs: 1_000_000 });
    for (let i = 0; i < 10; i++) await put(store);
    await waitFor(() => store.stats().flushedPhysicalOffset === store.maxPhysicalOffset);
    expect(disk.syncCount).toBeLessThan(10);
    expect(store.stats().flushes).toBe(disk.syncCount);
  });

  it('flushes every segment that was written to', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH' });
    const answers = Array.from({ length: 12 }, () => put(store, { body: Buffer.alloc(5_000) }));
    expect((await Promise.all(answers)).at(-1)?.physicalOffset).toBeGreaterThan(3 * 16_384);
    expect(store.stats().flushedPhysicalOffset).toBe(store.maxPhysicalOffset);
    expect(disk.syncCount).toBeGreaterThanOrEqual(4);
  });
});
