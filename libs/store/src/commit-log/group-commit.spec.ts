import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import { FaultyFileSystem, systemError } from '../testing/faulty-file-system.js';
import { message, put, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';
import type { PutResult } from '../types.js';

describe('group commit', () => {
  let folder: ReturnType<typeof tempFolder>;
  let disk: FaultyFileSystem;
  let store: MessageStore;

  beforeEach(() => {
    folder = tempFolder();
    disk = new FaultyFileSystem();
  });

  afterEach(async () => {
    disk.release();
    disk.onWrite = () => undefined;
    await store.close().catch(() => undefined);
    folder.remove();
  });

  async function open(options: Partial<MessageStoreOptions> = {}): Promise<void> {
    store = smallStore(folder.path, { fileSystem: disk, ...options });
    await store.open();
  }

  const isLog = (path: string): boolean => path.includes('commitlog');

  /** Fails log writes while `failing` holds. */
  function failLogWrites(error: Error): { stop(): void } {
    let failing = true;
    disk.onWrite = (path) => (failing && isLog(path) ? error : undefined);
    return {
      stop: () => {
        failing = false;
      },
    };
  }

  it('writes small commits on the event loop and large ones off it', async () => {
    await open({ syncWriteMaxBytes: 1_000 });
    disk.asyncWrites = 0;
    await put(store);
    expect(disk.asyncWrites).toBe(0);
    await put(store, { body: Buffer.alloc(2_000) });
    expect(disk.asyncWrites).toBe(1);
    expect(await readQueue(store)).toHaveLength(2);
  });

  it('gathers what comes while a write is under way', async () => {
    await open({ syncWriteMaxBytes: 0 });
    disk.holdWrites = true;
    const answers: Promise<PutResult>[] = [put(store)];
    await waitFor(() => disk.heldCount === 1);
    for (let i = 0; i < 50; i++) answers.push(put(store, { body: Buffer.alloc(600, i) }));
    expect(store.stats()).toMatchObject({ pendingAppends: 51, commits: 1, maxPhysicalOffset: 0 });
    expect(store.maxOffset('Orders', 0)).toBe(0);
    disk.release();
    const results = await Promise.all(answers);
    expect(results.map(({ queueOffset }) => queueOffset)).toEqual(results.map((_, i) => i));
    expect(store.stats()).toMatchObject({ pendingAppends: 0, commits: 2, bufferedBytes: 0 });
    expect(await readQueue(store)).toHaveLength(51);
  });

  it('goes on after short writes', async () => {
    await open();
    disk.onWrite = (path, length) => (isLog(path) ? Math.max(1, Math.floor(length / 3)) : undefined);
    await put(store, { body: Buffer.from('whole') });
    expect((await readQueue(store))[0].body.toString()).toBe('whole');
  });

  it.each([0, 1_000_000])(
    'answers a full disk, keeps reading, and goes on when there is space (sync up to %i bytes)',
    async (max) => {
      await open({ syncWriteMaxBytes: max });
      await put(store, { body: Buffer.from('before') });
      const failing = failLogWrites(systemError('ENOSPC'));
      const failed = await Promise.all([put(store), put(store, { queueId: 1 }), put(store)]);
      expect(failed.map(({ status }) => status)).toEqual(Array(3).fill('SERVICE_NOT_AVAILABLE'));
      expect(failed[0].reason).toContain('disk is full');
      expect(await put(store)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
      expect((await readQueue(store))[0].body.toString()).toBe('before');
      expect(store.stats().notWritable).toContain('disk is full');
      failing.stop();
      const result = await waitFor(async () => {
        const tried = await put(store, { body: Buffer.from('after') });
        return tried.status === 'PUT_OK' ? tried : undefined;
      });
      expect(result.queueOffset).toBe(1);
      expect((await put(store, { queueId: 1 })).queueOffset).toBe(0);
      expect((await readQueue(store)).map(({ body }) => body.toString())).toEqual(['before', 'after']);
    },
  );

  it('reports another write error with its own status', async () => {
    await open();
    failLogWrites(systemError('EIO'));
    const result = await put(store);
    expect(result).toMatchObject({ status: 'UNKNOWN_ERROR', queueOffset: 0 });
    expect(result.reason).toContain('EIO');
  });

  it('answers what was written before the failure, and takes back all that follows', async () => {
    await open({ syncWriteMaxBytes: 0 });
    disk.holdWrites = true;
    const first = put(store, { body: Buffer.from('first') });
    await waitFor(() => disk.heldCount === 1);
    // The second write fails after some of its bytes reached the disk.
    let pieces = 0;
    disk.onWrite = (path, length) => {
      if (!isLog(path)) return undefined;
      pieces++;
      return pieces === 1 ? length - 100 : pieces === 2 ? systemError('EIO') : undefined;
    };
    const second = [put(store, { body: Buffer.alloc(900, 2) }), put(store, { body: Buffer.alloc(900, 3) })];
    disk.release();
    expect(await first).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
    expect((await Promise.all(second)).map(({ status }) => status)).toEqual(['UNKNOWN_ERROR', 'UNKNOWN_ERROR']);
    expect(store.maxOffset('Orders', 0)).toBe(1);
    const again = await waitFor(async () => {
      const tried = await put(store, { body: Buffer.from('again') });
      return tried.status === 'PUT_OK' ? tried : undefined;
    });
    expect(again.queueOffset).toBe(1);
    await store.close();
    store = smallStore(folder.path);
    expect(await store.open()).toMatchObject({ cutBytes: 0 });
    expect((await readQueue(store)).map(({ body }) => body.toString())).toEqual(['first', 'again']);
  });

  it('leaves nothing of a failed write on disk', async () => {
    await open();
    await put(store, { body: Buffer.from('kept') });
    const end = store.maxPhysicalOffset;
    let pieces = 0;
    disk.onWrite = (path, length) => {
      if (!isLog(path)) return undefined;
      pieces++;
      return pieces === 1 ? length - 1 : pieces === 2 ? systemError('EIO') : undefined;
    };
    await Promise.all([put(store, { body: Buffer.alloc(500, 1) }), put(store, { body: Buffer.alloc(500, 2) })]);
    const file = disk.open(`${folder.path}/commitlog/${'0'.repeat(20)}`);
    const bytes = Buffer.alloc(2_000, 1);
    file.readSync(bytes, 0, bytes.length, end);
    file.close();
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('refuses when too many bytes or messages wait', async () => {
    await open({ syncWriteMaxBytes: 0, maxBufferedBytes: 1_000 });
    disk.holdWrites = true;
    const answers = [put(store, { body: Buffer.alloc(500) }), put(store, { body: Buffer.alloc(500) })];
    expect(await put(store)).toMatchObject({ status: 'OS_PAGE_CACHE_BUSY' });
    await waitFor(() => disk.heldCount === 1);
    disk.release();
    await Promise.all(answers);
    expect(await put(store)).toMatchObject({ status: 'PUT_OK', queueOffset: 2 });
  });

  it('refuses while a write takes longer than the page cache time-out', async () => {
    await open({ syncWriteMaxBytes: 0, osPageCacheBusyTimeoutMs: 1 });
    disk.holdWrites = true;
    const slow = put(store);
    await waitFor(() => disk.heldCount === 1);
    await waitFor(async () => {
      const tried = new Promise<PutResult | undefined>((resolve) => {
        store.putMessage(message(), resolve);
        setImmediate(resolve, undefined);
      });
      return (await tried)?.status === 'OS_PAGE_CACHE_BUSY';
    });
    disk.release();
    expect((await slow).status).toBe('PUT_OK');
  });

  it('answers CREATE_MAPPED_FILE_FAILED when there is no space for a segment', async () => {
    await open();
    const body = Buffer.alloc(7_000);
    disk.onOpen = (path) => (path.endsWith('16384') ? systemError('ENOSPC') : undefined);
    await put(store, { body });
    await put(store, { body });
    expect(await put(store, { body })).toMatchObject({ status: 'CREATE_MAPPED_FILE_FAILED' });
    // What still fits into the current segment is taken.
    expect(await put(store)).toMatchObject({ status: 'PUT_OK', queueOffset: 2 });
    disk.onOpen = () => undefined;
    expect(await put(store, { body })).toMatchObject({ status: 'PUT_OK', queueOffset: 3, physicalOffset: 16_384 });
    expect(await readQueue(store)).toHaveLength(4);
  });

  it('does not lose its way when a callback throws', async () => {
    await open();
    store.putMessage(message(), () => {
      throw new Error('made by the test');
    });
    store.onArrival(() => {
      throw new Error('made by the test');
    });
    expect(await put(store)).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
    expect(await put(store)).toMatchObject({ status: 'PUT_OK', queueOffset: 2 });
  });
});
