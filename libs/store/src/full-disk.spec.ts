import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SmallDisk } from '../../../test/support/small-disk.js';
import { waitFor } from '../../../test/support/wait-for.js';
import type { MessageStore } from './message-store.js';
import type { MessageStoreOptions } from './message-store-options.js';
import { FaultyFileSystem, systemError } from './testing/faulty-file-system.js';
import { CollectingLogger, put, readQueue, smallStore, tempFolder } from './testing/store-fixture.js';

const MIB = 1024 * 1024;
const QUEUES = 4;

describe('a full disk', () => {
  let store: MessageStore | undefined;
  const cleanups: (() => void)[] = [];

  afterEach(async () => {
    await store?.close().catch(() => undefined);
    for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  });

  const quick: Partial<MessageStoreOptions> = {
    segmentSizeBytes: 256 * 1024,
    consumeQueueFileEntries: 500,
    consumeQueueFlushIntervalMs: 5,
    checkpointIntervalMs: 20,
    flushIntervalMs: 5,
    messageIndexEnable: false,
  };

  async function open(path: string, options: Partial<MessageStoreOptions> = {}): Promise<MessageStore> {
    store = smallStore(path, { ...quick, ...options });
    await store.open();
    return store;
  }

  /** Puts until one is refused. @returns the bodies that were acknowledged, by queue. */
  async function fill(target: MessageStore, acknowledged: string[][]): Promise<string> {
    for (let i = 0; ; i++) {
      const queueId = i % QUEUES;
      const body = `${queueId}-${acknowledged[queueId].length}-`.padEnd(1_500, 'x');
      const result = await put(target, { queueId, body: Buffer.from(body) });
      if (result.status !== 'PUT_OK') return result.status;
      acknowledged[queueId].push(body);
    }
  }

  async function expectAll(target: MessageStore, acknowledged: readonly string[][]): Promise<void> {
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      const bodies = (await readQueue(target, 'Orders', queueId)).map(({ body }) => body.toString());
      expect(bodies).toEqual(acknowledged[queueId]);
    }
  }

  it.skipIf(!SmallDisk.isPossible).each(['ASYNC_FLUSH', 'SYNC_FLUSH'] as const)(
    '%s, for real: refused sends, readable messages, sends again when there is space, all of it there after a restart',
    async (flushDiskType) => {
      const disk = SmallDisk.mount(6 * MIB);
      cleanups.push(() => disk.unmount());
      disk.takeSpace(2 * MIB);
      const path = join(disk.path, 'store');
      const acknowledged: string[][] = Array.from({ length: QUEUES }, () => []);
      const first = await open(path, { flushDiskType });
      expect(['SERVICE_NOT_AVAILABLE', 'CREATE_MAPPED_FILE_FAILED']).toContain(await fill(first, acknowledged));
      await expectAll(first, acknowledged);
      disk.giveSpaceBack();
      const before = acknowledged[0].length;
      await waitFor(async () => {
        await fill(first, acknowledged);
        return acknowledged[0].length > before + 100;
      });
      await expectAll(first, acknowledged);
      // It is full again: a stop may fail, a start must do with what is there.
      await first.close().catch(() => undefined);
      const again = await open(path, { flushDiskType });
      await expectAll(again, acknowledged);
    },
  );

  it('for the checkpoint: the old one stays, messages are taken, and the next one succeeds', async () => {
    const folder = tempFolder();
    cleanups.push(() => folder.remove());
    const disk = new FaultyFileSystem();
    const logger = new CollectingLogger();
    const target = await open(folder.path, { fileSystem: disk, logger });
    disk.onWrite = (path) => (path.endsWith('checkpoint') ? systemError('ENOSPC') : undefined);
    await waitFor(async () => {
      expect((await put(target)).status).toBe('PUT_OK');
      return logger.lines.some((line) => line.includes('the checkpoint could not be taken'));
    });
    disk.onWrite = () => undefined;
    await put(target);
    await waitFor(() => target.stats().checkpointPhysicalOffset === target.maxPhysicalOffset);
  });

  it('for the next segment: what fits is taken, and the rest when there is space', async () => {
    const folder = tempFolder();
    cleanups.push(() => folder.remove());
    const disk = new FaultyFileSystem();
    const target = await open(folder.path, { fileSystem: disk, segmentSizeBytes: 16 * 1024 });
    await put(target);
    disk.onOpen = (path) =>
      path.includes('commitlog') && !path.endsWith('0'.repeat(20)) ? systemError('EDQUOT') : undefined;
    const results = [];
    for (let i = 0; i < 12; i++) results.push((await put(target, { body: Buffer.alloc(3_000, i) })).status);
    expect(results).toContain('CREATE_MAPPED_FILE_FAILED');
    disk.onOpen = () => undefined;
    expect((await put(target, { body: Buffer.alloc(3_000) })).status).toBe('PUT_OK');
    expect(await readQueue(target)).toHaveLength(2 + results.filter((status) => status === 'PUT_OK').length);
  });
});
