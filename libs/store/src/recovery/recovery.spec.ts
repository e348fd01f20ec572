import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { SCHEDULE_TOPIC } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { StoreCheckpoint } from '../checkpoint/store-checkpoint.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import {
  crashCopy,
  damageLog,
  put,
  readQueue,
  RestartedMachine,
  smallStore,
  tempFolder,
} from '../testing/store-fixture.js';
import type { RecoveryReport } from './recovery-report.js';

const SEGMENT = 16 * 1024;
/** No checkpoint and no flush while a test runs. */
const NEVER = { checkpointIntervalMs: 1e9, flushIntervalMs: 1e8, consumeQueueFlushIntervalMs: 1e8 };

describe('recovery', () => {
  let folder: ReturnType<typeof tempFolder>;
  let store: MessageStore;
  let open: MessageStore[];
  let folders: { remove(): void }[];

  beforeEach(async () => {
    folder = tempFolder();
    folders = [folder];
    open = [];
    store = await start(folder.path, NEVER);
  });

  afterEach(async () => {
    for (const each of open) await each.close();
    for (const each of folders) each.remove();
  });

  async function start(path: string, options: Partial<MessageStoreOptions> = {}): Promise<MessageStore> {
    const made = smallStore(path, options);
    await made.open();
    open.push(made);
    return made;
  }

  async function reopen(
    path: string,
    options: Partial<MessageStoreOptions> = {},
  ): Promise<{ store: MessageStore; report: RecoveryReport }> {
    const made = smallStore(path, options);
    const report = await made.open();
    open.push(made);
    return { store: made, report };
  }

  function crash(): string {
    const copy = crashCopy(folder.path);
    folders.push(copy);
    return copy.path;
  }

  function checkpointIn(path: string): number | undefined {
    const checkpoint = new StoreCheckpoint(join(path, 'checkpoint'), new NodeFileSystem());
    checkpoint.load();
    checkpoint.close();
    return checkpoint.point?.physicalOffset;
  }

  async function putMany(count: number, queues = 3): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, (_, i) => put(store, { queueId: i % queues, body: Buffer.from(`message ${i}`) })),
    );
  }

  const bodies = async (from: MessageStore, queueId: number): Promise<string[]> =>
    (await readQueue(from, 'Orders', queueId)).map(({ body }) => body.toString());

  it('finds everything again after a kill, and goes on with the numbers', async () => {
    await putMany(400);
    const { store: again, report } = await reopen(crash());
    expect(report).toMatchObject({
      cleanStop: false,
      machineRestarted: false,
      scannedRecords: 400,
      dispatchedRecords: 400,
      cutBytes: 0,
    });
    expect(report.lines[0]).toContain('did not end properly');
    for (let queueId = 0; queueId < 3; queueId++)
      expect(await bodies(again, queueId)).toEqual(await bodies(store, queueId));
    expect(await put(again, { queueId: 0 })).toMatchObject({
      queueOffset: 134,
      physicalOffset: store.maxPhysicalOffset,
    });
  });

  it('reads only what is behind the checkpoint', async () => {
    await store.close();
    store = await start(folder.path, { ...NEVER, checkpointIntervalMs: 5, consumeQueueFlushIntervalMs: 5 });
    await putMany(300);
    const end = store.maxPhysicalOffset;
    await waitFor(() => store.stats().checkpointPhysicalOffset === end);
    const { store: again, report } = await reopen(crash());
    expect(report).toMatchObject({ cleanStop: false, scannedFromOffset: end, scannedRecords: 0, queuesRebuilt: false });
    expect(await bodies(again, 1)).toEqual(await bodies(store, 1));
  });

  it('cuts a torn tail at the last whole message, and says so', async () => {
    await putMany(10, 1);
    const last = await put(store, { body: Buffer.alloc(500, 'x') });
    const path = crash();
    damageLog(path, SEGMENT, last.physicalOffset + 200, Buffer.alloc(1_000));
    const { store: again, report } = await reopen(path);
    expect(report).toMatchObject({ logEndOffset: last.physicalOffset, scannedRecords: 10 });
    expect(report.cutBytes).toBeGreaterThan(100);
    expect(report.lines.join('\n')).toContain('the body CRC is wrong'.slice(0, 0) + `offset ${last.physicalOffset}`);
    expect(again.maxOffset('Orders', 0)).toBe(10);
    expect(await put(again)).toMatchObject({ queueOffset: 10, physicalOffset: last.physicalOffset });
    await again.close();
    const { report: third } = await reopen(path);
    expect(third).toMatchObject({ cleanStop: true, lines: [] });
  });

  it('refuses to start when whole messages follow a damaged one, and cuts there only when told to', async () => {
    await putMany(20, 1);
    const path = crash();
    const victim = (await readQueue(store))[7].physicalOffset;
    damageLog(path, SEGMENT, victim + 95, Buffer.from([0xff]));
    const refused = smallStore(path).open();
    await expect(refused).rejects.toMatchObject({
      code: 'STORE_LOG_DAMAGED',
      details: { physicalOffset: victim, position: victim },
    });
    await expect(refused).rejects.toThrow(`${join(path, 'commitlog', '0'.repeat(20))} at byte ${victim}`);
    const { store: again, report } = await reopen(path, { damagedLog: 'CUT' });
    expect(report.logEndOffset).toBe(victim);
    expect(await readQueue(again)).toHaveLength(7);
  });

  it('refuses to start when a whole later segment follows the damage', async () => {
    await putMany(300, 1);
    const path = crash();
    damageLog(path, SEGMENT, 10_000, Buffer.alloc(SEGMENT - 10_000));
    await expect(smallStore(path).open()).rejects.toMatchObject({ code: 'STORE_LOG_DAMAGED' });
  });

  it('cuts what a power loss leaves behind the last flush: later pages without earlier ones', async () => {
    await putMany(20, 1);
    const path = crash();
    const hole = (await readQueue(store))[12].physicalOffset;
    damageLog(path, SEGMENT, hole, Buffer.alloc(40));
    const { store: again, report } = await reopen(path, { machine: new RestartedMachine() });
    expect(report).toMatchObject({ machineRestarted: true, logEndOffset: hole });
    expect(report.lines.join('\n')).toContain('as a power loss leaves it');
    expect(await readQueue(again)).toHaveLength(12);
    await put(again);
    // Nothing of the cut messages is left to confuse the next start.
    const copy = crashCopy(path);
    folders.push(copy);
    const { store: third } = await reopen(copy.path);
    expect(await readQueue(third)).toHaveLength(13);
  });

  it('refuses damage before the last flush even after a power loss', async () => {
    await store.close();
    store = await start(folder.path, { ...NEVER, checkpointIntervalMs: 1, consumeQueueFlushIntervalMs: 5 });
    await putMany(20, 1);
    // In the file: the store knows where its checkpoint stands before that is written.
    await waitFor(() => checkpointIn(folder.path) === store.maxPhysicalOffset);
    await putMany(5, 1);
    const path = crash();
    rmSync(join(path, 'consumequeue'), { recursive: true });
    damageLog(path, SEGMENT, (await readQueue(store))[3].physicalOffset, Buffer.alloc(40));
    await expect(smallStore(path, { machine: new RestartedMachine() }).open()).rejects.toMatchObject({
      code: 'STORE_LOG_DAMAGED',
    });
  });

  it('makes the consume queues again when they, one of them, or one of their files is gone', async () => {
    await putMany(400);
    await store.close();
    const expected = [0, 1, 2].map((queueId) =>
      Array.from({ length: 400 }, (_, i) => i)
        .filter((i) => i % 3 === queueId)
        .map((i) => `message ${i}`),
    );
    const file = String(50 * 20).padStart(20, '0');
    for (const gone of ['consumequeue', 'consumequeue/Orders/1', `consumequeue/Orders/0/${file}`]) {
      const path = crash();
      rmSync(join(path, gone), { recursive: true });
      const { store: again, report } = await reopen(path);
      expect(report).toMatchObject({ cleanStop: true, queuesRebuilt: true, scannedRecords: 400 });
      for (let queueId = 0; queueId < 3; queueId++) expect(await bodies(again, queueId)).toEqual(expected[queueId]);
      expect(await put(again, { queueId: 1 })).toMatchObject({ queueOffset: expected[1].length });
      await again.close();
      expect((await reopen(path)).report).toMatchObject({ queuesRebuilt: false, scannedRecords: 0 });
    }
  });

  it('reads the whole log when the checkpoint is gone', async () => {
    await putMany(100);
    await store.close();
    rmSync(join(folder.path, 'checkpoint'));
    const { store: again, report } = await reopen(folder.path);
    expect(report).toMatchObject({ cleanStop: true, scannedRecords: 100 });
    expect(report.lines.join()).toContain('no checkpoint');
    expect(again.maxOffset('Orders', 0)).toBe(34);
  });

  it('keeps offsets of messages that are no longer in the log, also through a rebuild', async () => {
    await putMany(200, 1);
    await put(store, { topic: 'Old' });
    await put(store, { topic: 'Old' });
    await putMany(300, 1);
    await store.close();
    const segments = readdirSync(join(folder.path, 'commitlog')).sort();
    for (const name of segments.slice(0, 2)) rmSync(join(folder.path, 'commitlog', name));
    rmSync(join(folder.path, 'consumequeue/Orders/0/00000000000000000000'));
    const { store: again, report } = await reopen(folder.path);
    expect(report.queuesRebuilt).toBe(true);
    const { length } = await readQueue(again);
    expect(again.minOffset('Orders', 0)).toBe(500 - length);
    expect(again.maxOffset('Orders', 0)).toBe(500);
    expect([again.minOffset('Old', 0), again.maxOffset('Old', 0)]).toEqual([2, 2]);
    await again.close();
    const { store: third } = await reopen(folder.path);
    expect(third.maxOffset('Old', 0)).toBe(2);
    expect(await put(third, { topic: 'Old' })).toMatchObject({ queueOffset: 2 });
    expect((await readQueue(third, 'Old'))[0].queueOffset).toBe(2);
    expect(third.minOffset('Orders', 0)).toBe(500 - length);
  });

  it('computes the deliver time of delayed messages again', async () => {
    const DELAY_LEVEL_3_MS = 10_000;
    const result = await put(store, {
      topic: SCHEDULE_TOPIC,
      queueId: 2,
      properties: 'DELAY\u00013\u0002TAGS\u0001x\u0002',
      tagsCode: 0,
    });
    const before = await store.cqEntry(SCHEDULE_TOPIC, 2, 0);
    expect(before?.tagsCode).toBe(result.storeTimestamp + DELAY_LEVEL_3_MS);
    const { store: again } = await reopen(crash());
    expect(await again.cqEntry(SCHEDULE_TOPIC, 2, 0)).toEqual(before);
  });

  it('does not bring a deleted topic back, and numbers a new one from 0', async () => {
    await putMany(30, 2);
    await store.deleteTopic('Orders');
    expect([store.maxOffset('Orders', 0), store.topics()]).toEqual([0, []]);
    expect(readdirSync(join(folder.path, 'consumequeue'))).toEqual([]);
    const { store: again } = await reopen(crash());
    expect(again.topics()).toEqual([]);
    expect(await put(store, { body: Buffer.from('new') })).toMatchObject({ queueOffset: 0 });
    const { store: third } = await reopen(crash());
    expect(await bodies(third, 0)).toEqual(['new']);
    await store.close();
    // The log still has the old messages under the same offsets: the newest row counts.
    const path = crash();
    rmSync(join(path, 'consumequeue'), { recursive: true });
    const { store: rebuilt } = await reopen(path);
    expect(await bodies(rebuilt, 0)).toEqual(['new']);
  });

  it('refuses a store with a missing segment, with other segment sizes, or without its log', async () => {
    await putMany(600, 1);
    await store.close();
    const second = String(SEGMENT).padStart(20, '0');
    let path = crash();
    rmSync(join(path, 'commitlog', second));
    await expect(smallStore(path).open()).rejects.toMatchObject({
      code: 'STORE_SEGMENT_MISSING',
      details: { missing: join(path, 'commitlog', second) },
    });
    path = crash();
    await expect(smallStore(path, { segmentSizeBytes: 32 * 1024 }).open()).rejects.toMatchObject({
      code: 'STORE_SEGMENT_SIZE',
    });
    truncateSync(join(path, 'commitlog', second), 5_000);
    await expect(smallStore(path).open()).rejects.toMatchObject({ code: 'STORE_SEGMENT_SIZE' });
    path = crash();
    rmSync(join(path, 'commitlog'), { recursive: true });
    await expect(smallStore(path).open()).rejects.toMatchObject({ code: 'STORE_LOG_MISSING' });
    // A refused store is free again, and as it was.
    path = crash();
    await expect(smallStore(path, { segmentSizeBytes: 32 * 1024 }).open()).rejects.toThrow('mappedFileSizeCommitLog');
    expect((await reopen(path)).report).toMatchObject({ cleanStop: true, queuesRebuilt: false });
  });

  it('opens a clean store whose last bytes were cut off afterwards, and says what is gone', async () => {
    await putMany(50, 1);
    const last = await put(store, { body: Buffer.alloc(300, 'x') });
    await store.close();
    truncateSync(join(folder.path, 'commitlog', '0'.repeat(20)), last.physicalOffset + 100);
    const { store: again, report } = await reopen(folder.path);
    expect(report).toMatchObject({ cleanStop: true, logEndOffset: last.physicalOffset });
    expect(report.lines.join('\n')).toContain('are gone');
    expect(again.maxOffset('Orders', 0)).toBe(50);
    expect(await put(again)).toMatchObject({ queueOffset: 50 });
  });

  it('cannot be opened twice, nor used before or after', async () => {
    await expect(store.open()).rejects.toMatchObject({ code: 'STORE_NOT_OPEN' });
    const unopened = smallStore(folder.path);
    expect(await put(unopened)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
    expect(() => unopened.getMessage({ topic: 'Orders', queueId: 0, queueOffset: 0, maxMessages: 1 })).toThrow(
      'not open',
    );
    await store.close();
    await store.close();
    expect(await put(store)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
  });
});
