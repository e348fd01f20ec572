import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import type { RecoveryReport } from '../recovery/recovery-report.js';
import { FaultyFileSystem, systemError } from '../testing/faulty-file-system.js';
import { CollectingLogger, crashCopy, get, put, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';
import { verifyStore } from '../verify/verify-store.js';

const FILE_ENTRIES = 50;
const FILE_BYTES = FILE_ENTRIES * 20;

describe('a consume queue file that fails', () => {
  let folder: ReturnType<typeof tempFolder>;
  let disk: FaultyFileSystem;
  let logger: CollectingLogger;
  let store: MessageStore;
  /** What the last good fdatasync of each file brought to the disk. */
  let onDisk: Map<string, Buffer>;

  beforeEach(() => {
    folder = tempFolder();
    disk = new FaultyFileSystem();
    logger = new CollectingLogger();
    onDisk = new Map();
    failSyncs(() => false);
  });

  afterEach(async () => {
    disk.onSync = () => undefined;
    disk.onWrite = () => undefined;
    await store.close().catch(() => undefined);
    folder.remove();
  });

  async function open(options: Partial<MessageStoreOptions> = {}, path = folder.path): Promise<RecoveryReport> {
    store = smallStore(path, {
      fileSystem: disk,
      logger,
      consumeQueueFileEntries: FILE_ENTRIES,
      flushIntervalMs: 5,
      consumeQueueFlushIntervalMs: 5,
      checkpointIntervalMs: 5,
      messageIndexEnable: false,
      ...options,
    });
    return store.open();
  }

  const isQueue = (path: string): boolean => path.includes('consumequeue');

  /** The fdatasyncs of consume queues that `fails` picks fail, and the kernel drops what was written to the file since the last good one. */
  function failSyncs(fails: (path: string) => boolean): void {
    disk.onSync = (path) => {
      if (!isQueue(path)) return undefined;
      if (!fails(path)) {
        onDisk.set(path, readFileSync(path));
        return undefined;
      }
      if (!path.endsWith('.copy')) overwrite(path, onDisk.get(path) ?? Buffer.alloc(FILE_BYTES));
      return systemError('EIO');
    };
  }

  function failOnce(): void {
    let left = 1;
    failSyncs(() => left-- > 0);
  }

  function overwrite(path: string, bytes: Buffer): void {
    const file = openSync(path, 'r+');
    writeSync(file, bytes, 0, bytes.length, 0);
    closeSync(file);
  }

  async function putSome(count: number, from = 0, queueId = 0): Promise<void> {
    for (let i = from; i < from + count; i++) {
      const { status } = await put(store, { queueId, body: Buffer.from(`m${i}`) });
      expect(status).toBe('PUT_OK');
    }
  }

  const bodies = async (queueId = 0): Promise<string[]> =>
    (await readQueue(store, 'Orders', queueId)).map(({ body }) => body.toString());
  const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);
  const linesOf = (text: string): string[] => logger.lines.filter((line) => line.includes(text));
  const isCaughtUp = (): boolean => {
    const { checkpointPhysicalOffset, maxPhysicalOffset, checkpointFailure } = store.stats();
    return checkpointPhysicalOffset === maxPhysicalOffset && checkpointFailure === undefined;
  };

  async function expectSound(): Promise<void> {
    await store.close();
    const queueFolders = readdirSync(join(folder.path, 'consumequeue', 'Orders'));
    for (const name of queueFolders) {
      const files = readdirSync(join(folder.path, 'consumequeue', 'Orders', name));
      expect(files.filter((file) => file.endsWith('.copy'))).toEqual([]);
    }
    expect(existsSync(join(folder.path, 'abort'))).toBe(false);
    const report = await verifyStore({ rootPath: folder.path });
    expect(report.findings).toEqual([]);
  }

  it('is made again from the log in a new file while messages are taken', async () => {
    await open();
    await putSome(120);
    await waitFor(isCaughtUp);
    const path = join(folder.path, 'consumequeue', 'Orders', '0', String(2 * FILE_BYTES).padStart(20, '0'));
    const { ino } = statSync(path);

    failOnce();
    await putSome(20, 120);
    await waitFor(() => linesOf('the consume queues are on the disk again').length === 1);
    await putSome(30, 140);
    await waitFor(isCaughtUp);

    expect(linesOf(path)).toEqual([expect.stringMatching(/EIO.*made again from the log, in a new file/)]);
    expect(statSync(path).ino).not.toBe(ino);
    expect(readFileSync(join(folder.path, 'abort'), 'utf8')).not.toContain('fdatasync failed');
    expect(store.stats().notWritable).toBeUndefined();
    expect(await bodies()).toEqual(names(170));
    await expectSound();
    await open();
    expect(await bodies()).toEqual(names(170));
  });

  it('keeps the checkpoint where it was as long as the disk fails, and stops neither sends nor reads', async () => {
    await open({ idleReleaseMs: 10 });
    await putSome(20);
    await waitFor(isCaughtUp);
    const { checkpointPhysicalOffset } = store.stats();
    failSyncs(() => true);
    await putSome(100, 20);
    await waitFor(() => store.stats().checkpointFailure?.includes('try 2') === true);
    expect(store.stats()).toMatchObject({ checkpointPhysicalOffset, notWritable: undefined });
    expect(store.stats().checkpointFailure).toContain(join('consumequeue', 'Orders', '0'));
    // One line for the failure, one for each try.
    expect(linesOf('consumequeue').length).toBeLessThan(8);
    await putSome(10, 120);
    expect(readFileSync(join(folder.path, 'abort'), 'utf8')).toContain('fdatasync failed');

    // What the kernel dropped is refused to readers, never passed over.
    let queueOffset = 0;
    await waitFor(async () => {
      try {
        const { nextBeginOffset, messageCount, status } = await get(store, { queueOffset });
        expect(messageCount).toBe(nextBeginOffset - queueOffset);
        queueOffset = nextBeginOffset;
        return status === 'OFFSET_OVERFLOW_ONE';
      } catch (error) {
        return String(error).includes('made again from the log');
      }
    });

    failSyncs(() => false);
    await waitFor(isCaughtUp, 'a checkpoint', 60_000);
    expect(await bodies()).toEqual(names(130));
    await expectSound();
  });

  it('is recovered from by the next start after a kill', async () => {
    await open();
    await putSome(60);
    await waitFor(isCaughtUp);
    failSyncs(() => true);
    await putSome(60, 60);
    await waitFor(() => store.stats().checkpointFailure !== undefined);
    const copy = crashCopy(folder.path);
    failSyncs(() => false);
    await store.close();
    try {
      const report = await open({}, copy.path);
      expect(report.lines.join('\n')).toContain('an fdatasync had failed');
      expect(await bodies()).toEqual(names(120));
    } finally {
      await store.close();
      copy.remove();
    }
  });

  it('is one of several, of one queue and of others', async () => {
    await open({ checkpointIntervalMs: 1_000_000 });
    await putSome(220);
    await putSome(30, 0, 1);
    await putSome(1, 0, 2);
    const failed = new Set<string>();
    failSyncs((path) => !path.endsWith('.copy') && !failed.has(path) && Boolean(failed.add(path)));
    await store.deleteTopic('no such topic');
    expect(failed.size).toBeGreaterThan(2);
    expect([await bodies(), await bodies(1), await bodies(2)]).toEqual([names(220), names(30), names(1)]);
    await expectSound();
  });

  it('may be the first one of a queue that does not begin at 0', async () => {
    await open({ checkpointIntervalMs: 1_000_000 });
    await putSome(70);
    await store.close();
    // Nothing is left of the log, so the offsets begin within a file.
    const path = join(folder.path, 'consumequeue', 'Orders', '0');
    await open({ checkpointIntervalMs: 1_000_000 });
    await putSome(10, 70);
    failOnce();
    await store.deleteTopic('no such topic');
    expect(linesOf(path).length).toBeGreaterThan(0);
    expect(await bodies()).toEqual(names(80));
    await expectSound();
  });

  it('may belong to a topic that is deleted meanwhile', async () => {
    await open({ checkpointIntervalMs: 1_000_000 });
    await putSome(20);
    await put(store, { topic: 'Other' });
    failSyncs((path) => dirname(path).includes('Orders'));
    await expect(store.deleteTopic('no such topic')).rejects.toThrow('EIO');
    await store.deleteTopic('Orders');
    await putSome(5);
    failSyncs(() => false);
    await store.deleteTopic('no such topic');
    expect(await bodies()).toEqual(names(5));
    await expectSound();
  });

  it('may fail in write: its entries wait in memory, then go into a new file', async () => {
    await open();
    await putSome(20);
    await waitFor(isCaughtUp);
    let failures = 0;
    disk.onWrite = (path) => (isQueue(path) && failures++ < 1 ? systemError('EIO') : undefined);
    await putSome(20, 20);
    await waitFor(() => linesOf('the consume queues are on the disk again').length === 1);
    await waitFor(isCaughtUp);
    expect(failures).toBeGreaterThan(1);
    expect(await bodies()).toEqual(names(40));
    await expectSound();
  });

  it('may be one of many queues, which a table stands in for', async () => {
    const options = { queueTableMinQueues: 1, holdBackQueues: 0 };
    await open({ ...options, checkpointIntervalMs: 1_000_000 });
    await putSome(30);
    await putSome(30, 0, 1);
    failOnce();
    await store.close();
    expect(linesOf('the consume queues are on the disk again')).toHaveLength(1);
    failSyncs(() => false);
    await open(options);
    expect([await bodies(), await bodies(1)]).toEqual([names(30), names(30)]);
    await expectSound();
  });
});
