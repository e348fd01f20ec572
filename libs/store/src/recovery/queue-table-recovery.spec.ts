import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { SystemClock } from '../io/clock.js';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import { FaultyFileSystem } from '../testing/faulty-file-system.js';
import { crashCopy, put, readQueue, RestartedMachine, smallStore, tempFolder } from '../testing/store-fixture.js';
import type { RecoveryReport } from './recovery-report.js';

const TOPICS = 15;
const QUEUES = 4;
/** Files hold 50 entries. */
const EACH = 60;
const MANY: Partial<MessageStoreOptions> = {
  holdBackQueues: 4,
  queueTableMinQueues: 10,
  checkpointIntervalMs: 20,
  consumeQueueFlushIntervalMs: 5,
  segmentSizeBytes: 1024 * 1024,
  maxOpenFiles: 6,
  messageIndexEnable: false,
};

/** Durations pass as fast as a test wants them to. */
class LaterClock extends SystemClock {
  laterMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.laterMs;
  }
}

const topicOf = (index: number): string => `T${index}`;

describe('a store of many queues', () => {
  let folder: ReturnType<typeof tempFolder>;
  let open: MessageStore[];
  let folders: { remove(): void }[];

  beforeEach(() => {
    folder = tempFolder();
    folders = [folder];
    open = [];
  });

  afterEach(async () => {
    for (const each of open) await each.close();
    for (const each of folders) each.remove();
  });

  async function start(
    path: string,
    options: Partial<MessageStoreOptions> = {},
  ): Promise<{ store: MessageStore; report: RecoveryReport }> {
    const store = smallStore(path, { ...MANY, ...options });
    open.push(store);
    return { report: await store.open(), store };
  }

  async function fill(store: MessageStore, each = EACH): Promise<void> {
    const puts: Promise<unknown>[] = [];
    for (let i = 0; i < each; i++) {
      for (let topic = 0; topic < TOPICS; topic++) {
        for (let queueId = 0; queueId < QUEUES; queueId++) {
          puts.push(put(store, { topic: topicOf(topic), queueId, body: Buffer.from(`${topic}-${queueId}-${i}`) }));
        }
      }
      await Promise.all(puts.splice(0));
    }
  }

  async function expectAll(store: MessageStore, each = EACH): Promise<void> {
    for (let topic = 0; topic < TOPICS; topic++) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        expect(store.maxOffset(topicOf(topic), queueId)).toBe(each);
        const bodies = (await readQueue(store, topicOf(topic), queueId)).map(({ body }) => body.toString());
        expect(bodies).toEqual(Array.from({ length: each }, (_, i) => `${topic}-${queueId}-${i}`));
      }
    }
  }

  const tableOf = (path: string): string => join(path, 'queuetable');

  /** As `kill -9` leaves the store, once a table speaks of everything. */
  async function killed(store: MessageStore): Promise<string> {
    const end = store.stats().maxPhysicalOffset;
    await waitFor(() => existsSync(tableOf(folder.path)) && tableOffset(folder.path) === end, 'a queue table');
    const copy = crashCopy(folder.path);
    folders.push(copy);
    return copy.path;
  }

  const tableOffset = (path: string): number => readFileSync(tableOf(path)).readDoubleBE(8);

  it('keeps no more files open than it may, while it writes, checkpoints, restarts and reads', async () => {
    const fileSystem = new FaultyFileSystem();
    const { store } = await start(folder.path, { fileSystem });
    await fill(store);
    await waitFor(() => existsSync(tableOf(folder.path)), 'a checkpoint');
    await expectAll(store);
    await store.close();
    const { store: again } = await start(folder.path, { fileSystem });
    await expectAll(again);
    // Beside the pool: lock, checkpoint, and the queue table while it is written.
    expect(fileSystem.mostOpen).toBeLessThanOrEqual(6 + 4);
  });

  it('starts after a clean stop without a look into the queue files', async () => {
    const { store } = await start(folder.path);
    await fill(store);
    await store.close();
    const fileSystem = new FaultyFileSystem();
    const opened: string[] = [];
    fileSystem.onOpen = (path) => {
      if (path.includes('consumequeue')) opened.push(path);
      return undefined;
    };
    const { store: again, report } = await start(folder.path, { fileSystem });
    expect(report).toMatchObject({ cleanStop: true, queueTableUsed: true, scannedRecords: 0, queues: TOPICS * QUEUES });
    expect(opened).toEqual([]);
    await fill(again, 1);
    await again.close();
    const { store: third, report: last } = await start(folder.path);
    expect(last.queueTableUsed).toBe(true);
    for (let topic = 0; topic < TOPICS; topic++) expect(third.maxOffset(topicOf(topic), 0)).toBe(EACH + 1);
  });

  it('has everything after kill -9, entries that were in no file included', async () => {
    const { store } = await start(folder.path);
    await fill(store, 7);
    const path = await killed(store);
    // Held back: no queue has a file yet.
    expect(existsSync(join(path, 'consumequeue', topicOf(0)))).toBe(false);
    const { store: after, report } = await start(path);
    expect(report).toMatchObject({ cleanStop: false, queueTableUsed: true, queuesRebuilt: false, scannedRecords: 0 });
    await expectAll(after, 7);
    await after.close();
    expect(readdirSync(join(path, 'consumequeue'))).toHaveLength(TOPICS);
  });

  it('reads only the log behind the table', async () => {
    const { store } = await start(folder.path);
    await fill(store, 3);
    const path = await killed(store);
    const { store: second } = await start(path, { checkpointIntervalMs: 1e9 });
    await waitFor(() => tableOffset(path) === second.stats().maxPhysicalOffset, 'the table of the start');
    await fill(second, 0);
    await put(second, { topic: topicOf(2), queueId: 1, body: Buffer.from('2-1-3') });
    const copy = crashCopy(path);
    folders.push(copy);
    const { store: third, report } = await start(copy.path);
    expect(report).toMatchObject({ queueTableUsed: true, scannedRecords: 1, dispatchedRecords: 1 });
    expect(third.maxOffset(topicOf(2), 1)).toBe(4);
    expect(third.maxOffset(topicOf(2), 0)).toBe(3);
  });

  it('does not believe the table when the machine went down', async () => {
    const { store } = await start(folder.path);
    await fill(store, 7);
    const path = await killed(store);
    const { store: after, report } = await start(path, { machine: new RestartedMachine() });
    expect(report).toMatchObject({ machineRestarted: true, queueTableUsed: false });
    await expectAll(after, 7);
  });

  it('does without the table when it is damaged, gone, or at odds with the files', async () => {
    const { store } = await start(folder.path);
    await fill(store);
    await store.close();
    const spoil: ((path: string) => void)[] = [
      (path) => rmSync(tableOf(path)),
      (path) => appendFileSync(tableOf(path), 'x'),
      (path) => writeFileSync(tableOf(path), ''),
      (path) => rmSync(join(path, 'consumequeue', topicOf(3), '2'), { recursive: true }),
      (path) => rmSync(join(path, 'checkpoint')),
    ];
    for (const each of spoil) {
      const copy = crashCopy(folder.path);
      folders.push(copy);
      each(copy.path);
      const { store: after, report } = await start(copy.path);
      expect(report.queueTableUsed).toBe(false);
      await expectAll(after);
      await after.close();
      const { store: next, report: nextReport } = await start(copy.path);
      expect(nextReport.queueTableUsed).toBe(true);
      await expectAll(next);
    }
  });

  it('forgets a deleted topic, with the table too', async () => {
    const { store } = await start(folder.path);
    await fill(store, 5);
    await store.deleteTopic(topicOf(4));
    const path = await killed(store);
    const { store: after, report } = await start(path);
    expect(report.queueTableUsed).toBe(true);
    expect(after.maxOffset(topicOf(4), 0)).toBe(0);
    expect(after.maxOffset(topicOf(5), 0)).toBe(5);
    await put(after, { topic: topicOf(4), queueId: 0, body: Buffer.from('new') });
    expect((await readQueue(after, topicOf(4), 0)).map(({ queueOffset }) => queueOffset)).toEqual([0]);
  });

  it('moves the checkpoint on too once the files were synced, long after', async () => {
    const clock = new LaterClock();
    const { store } = await start(folder.path, { clock });
    await fill(store, 7);
    const { maxPhysicalOffset } = store.stats();
    await waitFor(() => existsSync(tableOf(folder.path)) && tableOffset(folder.path) === maxPhysicalOffset, 'a table');
    expect(store.stats().checkpointPhysicalOffset).toBe(0);
    await waitFor(() => {
      // Held back, then left to the kernel: a minute and more.
      clock.laterMs += 10_000;
      return store.stats().checkpointPhysicalOffset === maxPhysicalOffset;
    }, 'the checkpoint');
    const copy = crashCopy(folder.path);
    folders.push(copy);
    const { store: after, report } = await start(copy.path, { machine: new RestartedMachine() });
    expect(report).toMatchObject({ queueTableUsed: false, queuesRebuilt: false, scannedRecords: 0 });
    await expectAll(after, 7);
  });

  it('forgets a deleted topic without a rebuild when the machine goes down after a slow sync', async () => {
    const clock = new LaterClock();
    const { store } = await start(folder.path, { clock });
    await fill(store, 7);
    await waitFor(() => existsSync(tableOf(folder.path)), 'a table');
    await store.deleteTopic(topicOf(4));
    const { maxPhysicalOffset } = store.stats();
    await waitFor(() => {
      clock.laterMs += 10_000;
      return store.stats().checkpointPhysicalOffset === maxPhysicalOffset;
    }, 'the checkpoint');
    const copy = crashCopy(folder.path);
    folders.push(copy);
    const { store: after, report } = await start(copy.path, { machine: new RestartedMachine() });
    expect(report).toMatchObject({ queuesRebuilt: false, scannedRecords: 0 });
    expect(after.maxOffset(topicOf(4), 0)).toBe(0);
    expect(after.maxOffset(topicOf(5), 0)).toBe(7);
  });
});
