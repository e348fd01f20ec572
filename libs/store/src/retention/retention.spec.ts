import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { DispatchRequest } from '../dispatch/dispatch-request.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import { systemError } from '../testing/faulty-file-system.js';
import { RetentionHarness, SEGMENT_BYTES } from '../testing/retention-harness.js';
import { crashCopy, get, put, readQueue, smallStore } from '../testing/store-fixture.js';

describe('retention', () => {
  let harness: RetentionHarness;

  beforeEach(() => {
    harness = new RetentionHarness();
  });

  afterEach(() => harness.end());

  describe('by age', () => {
    it('deletes expired segments within the hour, and never the one that takes messages', async () => {
      await harness.open();
      await harness.fill(80);
      harness.expire();
      await harness.runs(3);
      expect(harness.store.minPhysicalOffset).toBe(0);
      harness.clock.moveToHour(4);
      await waitFor(() => harness.store.minPhysicalOffset === harness.activeOffset);
      await waitFor(() => harness.store.minOffset('Orders', 0) > 0);
      const active = harness.activeOffset;
      expect(Number(harness.segmentNames[0])).toBe(active);
      expect(harness.logged('files of the commit log: offsets 0 to')).toHaveLength(1);
      const left = await readQueue(harness.store);
      expect(left[0].queueOffset).toBe(harness.store.minOffset('Orders', 0));
      expect(left[0].physicalOffset).toBe(active);
      expect(left.at(-1)?.queueOffset).toBe(79);
      expect((await put(harness.store)).queueOffset).toBe(80);
    });

    it('keeps what is younger than fileReservedTime', async () => {
      await harness.open();
      await harness.fill(40);
      harness.clock.moveToHour(4);
      await harness.runs(3);
      expect(harness.store.minPhysicalOffset).toBe(0);
    });

    it('takes at most deleteFileBatchMax files in one run', async () => {
      await harness.open({ deleteFileBatchMax: 2, cleanResourceIntervalMs: 1_000_000 });
      await harness.fill(160);
      harness.expire();
      let removals = 0;
      const perRun: number[] = [];
      harness.disk.onRemove = (path) => {
        if (path.includes('commitlog')) removals++;
        return undefined;
      };
      harness.store.deleteExpiredFiles();
      // A manual deletion goes on run by run until nothing expired is left.
      await waitFor(() => {
        perRun.push(removals);
        return harness.store.minPhysicalOffset === harness.activeOffset;
      });
      expect(removals).toBeGreaterThan(4);
    });
  });

  describe('by hand', () => {
    it('deletes what is expired whatever the hour, and nothing else', async () => {
      await harness.open({ cleanResourceIntervalMs: 1_000_000 });
      await harness.fill(40);
      harness.store.deleteExpiredFiles();
      await harness.store.cleanExpiredConsumeQueues();
      expect(harness.store.minPhysicalOffset).toBe(0);
      harness.expire();
      harness.store.deleteExpiredFiles();
      await waitFor(() => harness.store.minPhysicalOffset > 0);
    });
  });

  describe('consume queues', () => {
    it('lose files below the start of the log, keep the last one, and go on at their offsets', async () => {
      await harness.open({ cleanResourceIntervalMs: 1_000_000 });
      await harness.fill(260, 2);
      await harness.fill(60);
      expect((await put(harness.store, { queueId: 1 })).queueOffset).toBe(130);
      await harness.fill(30);
      harness.expire();
      harness.store.deleteExpiredFiles();
      await waitFor(() => harness.store.minOffset('Orders', 1) === 131);
      await harness.store.cleanExpiredConsumeQueues();
      // 131 entries of queue 1, 50 a file: only the last file is left, and no message.
      expect(harness.queueFiles(1)).toEqual(['2000'.padStart(20, '0')]);
      expect(harness.store.maxOffset('Orders', 1)).toBe(131);
      expect(Number(harness.queueFiles(0)[0])).toBe(Math.floor(harness.store.minOffset('Orders', 0) / 50) * 1_000);
      expect((await get(harness.store, { queueId: 1, queueOffset: 7 })).status).toBe('OFFSET_TOO_SMALL');
      expect((await get(harness.store, { queueId: 1, queueOffset: 7 })).nextBeginOffset).toBe(131);
      await harness.store.close();
      await harness.open();
      expect(harness.store.minOffset('Orders', 1)).toBe(131);
      expect((await put(harness.store, { queueId: 1 })).queueOffset).toBe(131);
      expect((await readQueue(harness.store)).at(-1)?.queueOffset).toBe(harness.store.maxOffset('Orders', 0) - 1);
    });

    it('keep their offsets when they are made again from a log that starts later', async () => {
      await harness.open({ cleanResourceIntervalMs: 1_000_000 });
      await put(harness.store, { queueId: 1 });
      await harness.fill(80);
      const first = await harness.store.cqEntry('Orders', 0, 70);
      harness.expire();
      harness.store.deleteExpiredFiles();
      await waitFor(() => harness.store.minOffset('Orders', 1) === 1);
      await harness.store.close();
      // A file of one queue is lost: all are made again.
      harness.disk.remove(join(harness.folder.path, 'consumequeue', 'Orders', '0'));
      await harness.open();
      expect(await harness.store.cqEntry('Orders', 0, 70)).toEqual(first);
      expect((await put(harness.store)).queueOffset).toBe(80);
      expect((await put(harness.store, { queueId: 1 })).queueOffset).toBe(1);
    });

    it('tell what else is built from the log where it starts now', async () => {
      const starts: number[] = [];
      harness.newStore();
      harness.store.addDispatcher({
        dispatch: (request: DispatchRequest) => void request,
        flush: () => Promise.resolve(),
        onMinPhysicalOffset: (offset) => {
          starts.push(offset);
          if (starts.length === 2) throw new Error('made by the test');
        },
      });
      await harness.store.open();
      await waitFor(() => starts.length === 1);
      await harness.fill(80);
      harness.expire();
      harness.store.deleteExpiredFiles();
      await waitFor(() => harness.store.minOffset('Orders', 0) > 0 && starts.length >= 2);
      expect(starts[0]).toBe(0);
      await waitFor(() => starts.at(-1) === harness.store.minPhysicalOffset);
      expect(harness.logged('made by the test')).not.toEqual([]);
    });
  });

  describe('never in the way', () => {
    it('does not delete a file under a reader', async () => {
      await harness.open({ pageCacheBytes: 0, tailCacheBytes: 1, readCacheBytes: 0 });
      await harness.fill(80);
      harness.disk.holdReads = true;
      const reading = harness.store.messageByPhysicalOffset(0);
      await waitFor(() => harness.disk.heldCount === 1);
      harness.expire();
      harness.store.deleteExpiredFiles();
      await waitFor(() => harness.store.minPhysicalOffset === SEGMENT_BYTES);
      expect(harness.segmentNames[0]).toBe('0'.repeat(20));
      harness.disk.release();
      expect((await reading)?.length).toBeGreaterThan(900);
      await waitFor(() => !existsSync(join(harness.folder.path, 'commitlog', '0'.repeat(20))));
    });

    it('deletes it all the same when the reader never ends', async () => {
      await harness.open({
        pageCacheBytes: 0,
        tailCacheBytes: 1,
        destroyFileForciblyMs: 20,
      });
      await harness.fill(80);
      harness.disk.holdReads = true;
      const reading = harness.store.messageByPhysicalOffset(0);
      await waitFor(() => harness.disk.heldCount === 1);
      harness.expire();
      harness.store.deleteExpiredFiles();
      await waitFor(() => !existsSync(join(harness.folder.path, 'commitlog', '0'.repeat(20))));
      harness.disk.release();
      expect((await reading)?.length).toBeGreaterThan(900);
    });

    it('tries a file again that cannot be removed, and keeps the order', async () => {
      await harness.open({ deleteWhen: '12' });
      await harness.fill(80);
      let failures = 0;
      const removed: string[] = [];
      harness.disk.onRemove = (path) => {
        if (!path.includes('commitlog')) return undefined;
        if (failures++ < 2) return systemError('EBUSY');
        removed.push(path);
        return undefined;
      };
      harness.expire();
      await waitFor(() => removed.length >= 4);
      expect(removed).toEqual([...removed].sort());
      expect(removed[0].endsWith('0'.repeat(20))).toBe(true);
      await waitFor(() => harness.store.minOffset('Orders', 0) > 0);
    });

    it('keeps a segment that no checkpoint lies behind', async () => {
      await harness.open({ deleteWhen: '12', checkpointIntervalMs: 1_000_000 });
      harness.disk.onWrite = (path) => (path.includes('consumequeue') ? systemError('ENOSPC') : undefined);
      await harness.fill(80);
      harness.expire();
      await waitFor(() => harness.logged('is kept: the checkpoint').length > 0);
      expect(harness.store.minPhysicalOffset).toBe(0);
      harness.disk.onWrite = () => undefined;
      await waitFor(() => harness.store.minPhysicalOffset > 0);
    });

    it('stops with the store in the middle of its work', async () => {
      await harness.open({ deleteCommitLogFilesIntervalMs: 5, deleteWhen: '12' });
      await harness.fill(160);
      harness.expire();
      await waitFor(() => harness.store.minPhysicalOffset > 0);
      await harness.store.close();
      await harness.open({ cleanResourceIntervalMs: 1_000_000 });
      expect((await readQueue(harness.store)).at(-1)?.queueOffset).toBe(159);
    });
  });

  it('a crash after any removal leaves a store that opens with everything that was not deleted', async () => {
    await harness.open({ cleanResourceIntervalMs: 1_000_000 });
    await harness.fill(200, 2);
    const copies: { copy: ReturnType<typeof crashCopy>; path: string }[] = [];
    harness.disk.onRemove = (path) => {
      copies.push({ copy: crashCopy(harness.folder.path), path });
      return undefined;
    };
    harness.expire();
    harness.store.deleteExpiredFiles();
    const active = harness.activeOffset;
    await waitFor(() => harness.store.minPhysicalOffset === active && harness.store.minOffset('Orders', 0) > 50);
    await harness.store.cleanExpiredConsumeQueues();
    expect(copies.some(({ path }) => path.includes('consumequeue'))).toBe(true);
    const last = (await readQueue(harness.store)).map(({ msgId }) => msgId);
    for (const { copy } of copies) {
      // A lock that another store holds is watched for a while.
      new NodeFileSystem().remove(join(copy.path, 'lock'));
      const again = smallStore(copy.path);
      expect(await again.open()).toMatchObject({ cutBytes: 0, queuesRebuilt: false });
      for (const queueId of [0, 1]) {
        expect(again.maxOffset('Orders', queueId)).toBe(100);
        const messages = await readQueue(again, 'Orders', queueId);
        expect(messages[0].queueOffset).toBe(again.minOffset('Orders', queueId));
        expect(messages).toHaveLength(100 - again.minOffset('Orders', queueId));
      }
      expect((await readQueue(again)).slice(-last.length).map(({ msgId }) => msgId)).toEqual(last);
      expect((await put(again, { queueId: 1 })).queueOffset).toBe(100);
      await again.close();
      copy.remove();
    }
  });

  it('an older segment that the user moved away is no hindrance, and the queues follow', async () => {
    await harness.open({ cleanResourceIntervalMs: 1_000_000 });
    await harness.fill(160);
    await harness.store.close();
    harness.disk.remove(join(harness.folder.path, 'commitlog', '0'.repeat(20)));
    harness.disk.remove(join(harness.folder.path, 'commitlog', String(SEGMENT_BYTES).padStart(20, '0')));
    await harness.open({ cleanResourceIntervalMs: 1_000_000 });
    expect(harness.store.minPhysicalOffset).toBe(2 * SEGMENT_BYTES);
    const messages = await readQueue(harness.store);
    expect(messages[0].physicalOffset).toBe(2 * SEGMENT_BYTES);
    expect(messages.at(-1)?.queueOffset).toBe(159);
  });

  it('deletes topics with their files, several with one checkpoint', async () => {
    await harness.open();
    for (const topic of ['A', 'B', 'C']) await put(harness.store, { topic });
    await harness.store.deleteTopics(['A', 'B', 'no such topic']);
    expect(harness.store.topics()).toEqual(['C']);
    expect(readdirSync(join(harness.folder.path, 'consumequeue'))).toEqual(['C']);
    expect((await put(harness.store, { topic: 'A' })).queueOffset).toBe(0);
  });
});
