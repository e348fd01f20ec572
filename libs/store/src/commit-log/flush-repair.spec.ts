import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import { FaultyFileSystem, systemError } from '../testing/faulty-file-system.js';
import {
  CollectingLogger,
  crashCopy,
  damageLog,
  get,
  put,
  readQueue,
  smallStore,
  tempFolder,
} from '../testing/store-fixture.js';

const SEGMENT = 16 * 1024;
const MODES = ['SYNC_FLUSH', 'ASYNC_FLUSH'] as const;

describe('a failed fdatasync', () => {
  let folder: ReturnType<typeof tempFolder>;
  let disk: FaultyFileSystem;
  let logger: CollectingLogger;
  let store: MessageStore;

  beforeEach(() => {
    folder = tempFolder();
    disk = new FaultyFileSystem();
    logger = new CollectingLogger();
  });

  afterEach(async () => {
    disk.release();
    disk.onSync = () => undefined;
    disk.onWrite = () => undefined;
    await store.close().catch(() => undefined);
    folder.remove();
  });

  async function open(options: Partial<MessageStoreOptions> = {}): Promise<void> {
    store = smallStore(folder.path, {
      fileSystem: disk,
      logger,
      flushIntervalMs: 5,
      checkpointIntervalMs: 1_000_000,
      messageIndexEnable: false,
      ...options,
    });
    await store.open();
  }

  const isLog = (path: string): boolean => path.includes('commitlog');

  /** The next `times` syncs of the log fail, and each time the kernel drops the pages that were not flushed. */
  function failSyncs(times: number, drops = true): { failures(): number } {
    let failures = 0;
    disk.onSync = (path) => {
      if (!isLog(path) || failures >= times) return undefined;
      failures++;
      const { flushedPhysicalOffset: from, maxPhysicalOffset: to } = store.stats();
      if (drops && !path.endsWith('.copy')) damageLog(folder.path, SEGMENT, from, Buffer.alloc(to - from));
      return systemError('EIO');
    };
    return { failures: () => failures };
  }

  const flushed = (): Promise<unknown> =>
    waitFor(() => store.stats().flushedPhysicalOffset === store.maxPhysicalOffset && !store.stats().notWritable);

  const stored = async (): Promise<string[]> => (await readQueue(store)).map(({ body }) => body.toString());

  /** Close, open again without any cache, and read. */
  async function reopened(): Promise<string[]> {
    await store.close();
    disk.onSync = () => undefined;
    await open();
    return stored();
  }

  it('SYNC_FLUSH: who waits gets an error, the store is whole again by itself, and nothing acknowledged is lost', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH' });
    await put(store, { body: Buffer.from('safe') });
    failSyncs(1);
    const failed = await Promise.all([put(store, { body: Buffer.from('a') }), put(store, { body: Buffer.from('b') })]);
    expect(failed.map(({ status }) => status)).toEqual(['UNKNOWN_ERROR', 'UNKNOWN_ERROR']);
    expect(failed[0].reason).toContain('may not be on the disk (EIO');
    expect(await put(store)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
    expect((await get(store)).messageCount).toBe(1);
    await flushed();
    expect(await put(store, { body: Buffer.from('c') })).toMatchObject({ status: 'PUT_OK', queueOffset: 3 });
    // Its senders were told of a failure, but others might have been answered behind them: they are stored.
    expect(await stored()).toEqual(['safe', 'a', 'b', 'c']);
    expect(await reopened()).toEqual(['safe', 'a', 'b', 'c']);
  });

  it('SYNC_FLUSH: a message that did not ask to wait was answered, and is kept', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH' });
    disk.holdSyncs = true;
    failSyncs(1);
    expect(await put(store, { waitStoreOk: false, body: Buffer.from('not waiting') })).toMatchObject({
      status: 'PUT_OK',
    });
    disk.release();
    await flushed();
    expect(await reopened()).toEqual(['not waiting']);
  });

  it('ASYNC_FLUSH: what was acknowledged before is written again, over several segments', async () => {
    await open();
    await put(store, { body: Buffer.from('safe') });
    await flushed();
    disk.holdSyncs = true;
    const bodies = Array.from({ length: 60 }, (_, i) => `${i}`.padEnd(900, '.'));
    for (const body of bodies) await put(store, { body: Buffer.from(body) });
    const failing = failSyncs(1);
    disk.release();
    await waitFor(() => failing.failures() === 1);
    await flushed();
    expect(await stored()).toEqual(['safe', ...bodies]);
    expect(await reopened()).toEqual(['safe', ...bodies]);
    expect(logger.lines.some((line) => line.includes('on stable storage again'))).toBe(true);
  });

  it.each(MODES)('%s: a segment that fails again is replaced by a copy on other blocks', async (flushDiskType) => {
    await open({ flushDiskType });
    await put(store, { body: Buffer.from('safe') });
    await flushed();
    const path = join(folder.path, 'commitlog', '0'.repeat(20));
    const bad = statSync(path).ino;
    disk.onSync = (synced) => (synced === path && statSync(path).ino === bad ? systemError('EIO') : undefined);
    await put(store, { body: Buffer.from('on bad blocks') });
    await flushed();
    expect(statSync(path).ino).not.toBe(bad);
    expect(statSync(path).size).toBe(SEGMENT);
    expect(readdirSync(join(folder.path, 'commitlog')).filter((name) => name.endsWith('.copy'))).toEqual([]);
    expect((await put(store, { body: Buffer.from('after') })).queueOffset).toBe(2);
    expect(await reopened()).toEqual(['safe', 'on bad blocks', 'after']);
  });

  it.each(MODES)(
    '%s: the first failure already moves the segment: its old blocks may take nothing any more',
    async (flushDiskType) => {
      await open({ flushDiskType });
      await put(store, { body: Buffer.from('safe') });
      await flushed();
      const path = join(folder.path, 'commitlog', '0'.repeat(20));
      const before = statSync(path).ino;
      failSyncs(1);
      await put(store, { body: Buffer.from('a') });
      await flushed();
      expect(statSync(path).ino).not.toBe(before);
      expect(await reopened()).toEqual(['safe', 'a']);
    },
  );

  it.each(MODES)(
    '%s: a write that fails on its way to the disk is repaired like a failed fdatasync, one for lack of space is not',
    async (flushDiskType) => {
      await open({ flushDiskType });
      await put(store, { body: Buffer.from('safe') });
      await flushed();
      const path = join(folder.path, 'commitlog', '0'.repeat(20));
      const before = statSync(path).ino;
      let fault: Error | undefined = systemError('ENOSPC');
      disk.onWrite = (written) => {
        if (written !== path) return undefined;
        const now = fault;
        fault = undefined;
        return now;
      };
      expect(await put(store, { body: Buffer.from('no space') })).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
      await waitFor(async () => (await put(store, { body: Buffer.from('a') })).status === 'PUT_OK');
      expect(statSync(path).ino).toBe(before);
      fault = systemError('EIO');
      expect(await put(store, { body: Buffer.from('lost on the way') })).toMatchObject({ status: 'UNKNOWN_ERROR' });
      expect(store.stats().notWritable).toContain('EIO');
      await flushed();
      expect(statSync(path).ino).not.toBe(before);
      await waitFor(async () => (await put(store, { body: Buffer.from('b') })).status === 'PUT_OK');
      expect(await reopened()).toEqual(['safe', 'a', 'b']);
    },
  );

  it('a disk without space for a copy gets the end of the segment written again, and nothing flushed is lost', async () => {
    await open();
    await put(store, { body: Buffer.from('safe') });
    await flushed();
    const path = join(folder.path, 'commitlog', '0'.repeat(20));
    const before = statSync(path).ino;
    disk.onOpen = (opened) => (opened.endsWith('.copy') ? systemError('ENOSPC') : undefined);
    failSyncs(1);
    await put(store, { body: Buffer.from('a') });
    await flushed();
    expect(statSync(path).ino).toBe(before);
    disk.onOpen = () => undefined;
    expect(await reopened()).toEqual(['safe', 'a']);
  });

  it('what is no longer in memory is read and checked', async () => {
    await open({ tailCacheBytes: 1 });
    disk.holdSyncs = true;
    const bodies = Array.from({ length: 60 }, (_, i) => `${i}`.padEnd(900, '.'));
    for (const body of bodies) await put(store, { body: Buffer.from(body) });
    const failing = failSyncs(1, false);
    disk.release();
    await waitFor(() => failing.failures() === 1);
    await flushed();
    expect(await reopened()).toEqual(bodies);
  });

  it('says so when bytes are neither in memory nor in the file, and takes nothing until recovery', async () => {
    await open({ tailCacheBytes: 1 });
    disk.holdSyncs = true;
    for (let i = 0; i < 60; i++) await put(store, { body: Buffer.alloc(900, i) });
    failSyncs(1);
    disk.release();
    await waitFor(() => store.stats().notWritable?.includes('restart the broker to recover'));
    expect(await put(store)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
  });

  it('tries until the disk answers, and reads go on meanwhile', async () => {
    await open();
    const failing = failSyncs(Infinity);
    await put(store, { body: Buffer.from('kept') });
    await waitFor(() => failing.failures() >= 3);
    expect(await put(store)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
    expect(await stored()).toEqual(['kept']);
    disk.onSync = () => undefined;
    await flushed();
    expect(await reopened()).toEqual(['kept']);
  });

  it('a process that is killed meanwhile recovers what the kernel still has', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH' });
    await put(store, { body: Buffer.from('safe') });
    const failing = failSyncs(Infinity, false);
    await put(store, { body: Buffer.from('not answered well') });
    await waitFor(() => failing.failures() >= 2);
    const copy = crashCopy(folder.path);
    const again = smallStore(copy.path, { logger });
    await again.open();
    expect((await readQueue(again)).map(({ body }) => body.toString())[0]).toBe('safe');
    await again.close();
    copy.remove();
  });

  it('a stop tries once more, and leaves the abort file when the log is not on stable storage', async () => {
    await open();
    failSyncs(Infinity);
    await put(store, { body: Buffer.from('kept') });
    await waitFor(() => store.stats().notWritable);
    await expect(store.close()).rejects.toThrow('EIO');
    expect(readdirSync(folder.path)).toContain('abort');
    disk.onSync = () => undefined;
    await open();
    await store.close();
    await open();
    failSyncs(2);
    await put(store, { body: Buffer.from('saved at the stop') });
    await waitFor(() => store.stats().notWritable);
    await store.close();
    expect(readdirSync(folder.path)).not.toContain('abort');
    await open();
    expect((await stored()).at(-1)).toBe('saved at the stop');
  });

  it('a full disk behind the back of write shows as one, and passes', async () => {
    await open({ flushDiskType: 'SYNC_FLUSH' });
    let isFull = true;
    disk.onSync = (path) => (isLog(path) && isFull ? systemError('ENOSPC') : undefined);
    expect(await put(store)).toMatchObject({ status: 'UNKNOWN_ERROR' });
    expect(store.stats().notWritable).toContain('ENOSPC');
    isFull = false;
    await flushed();
    expect((await put(store)).status).toBe('PUT_OK');
  });
});
