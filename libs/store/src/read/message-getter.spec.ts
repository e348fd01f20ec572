import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENTRY_WINDOW_ENTRIES } from '../defaults.js';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import { FaultyFileSystem } from '../testing/faulty-file-system.js';
import { decodeAll, get, put, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';

describe('getMessage', () => {
  let folder: ReturnType<typeof tempFolder>;
  let disk: FaultyFileSystem;
  let store: MessageStore;

  beforeEach(() => {
    folder = tempFolder();
    disk = new FaultyFileSystem();
  });

  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  async function open(options: Partial<MessageStoreOptions> = {}): Promise<void> {
    store = smallStore(folder.path, { fileSystem: disk, ...options });
    await store.open();
  }

  async function putMany(count: number, bodyBytes = 10): Promise<void> {
    const answers = Array.from({ length: count }, (_, i) =>
      put(store, { body: Buffer.alloc(bodyBytes, i), tagsCode: i % 10 }),
    );
    await Promise.all(answers);
  }

  it('answers with the statuses of RocketMQ', async () => {
    await open();
    expect(await get(store, { topic: 'None', queueOffset: 5 })).toMatchObject({
      status: 'NO_MATCHED_LOGIC_QUEUE',
      nextBeginOffset: 0,
    });
    const PREPARED = 0x4;
    await put(store, { sysFlag: PREPARED, queueId: 9 });
    expect(await get(store, { queueId: 9, queueOffset: 3 })).toMatchObject({
      status: 'NO_MESSAGE_IN_QUEUE',
      nextBeginOffset: 0,
    });
    await putMany(3);
    expect(await get(store, { queueOffset: 3 })).toMatchObject({ status: 'OFFSET_OVERFLOW_ONE', nextBeginOffset: 3 });
    expect(await get(store, { queueOffset: 4 })).toMatchObject({ status: 'OFFSET_OVERFLOW_BADLY', nextBeginOffset: 3 });
    expect(await get(store, { queueOffset: -1 })).toMatchObject({ status: 'OFFSET_TOO_SMALL', nextBeginOffset: 0 });
    expect(await get(store, { queueOffset: 1 })).toMatchObject({
      status: 'FOUND',
      nextBeginOffset: 3,
      minOffset: 0,
      maxOffset: 3,
    });
    const none = await get(store, { matches: () => false });
    expect(none).toMatchObject({ status: 'NO_MATCHED_MESSAGE', nextBeginOffset: 3, messageCount: 0, records: [] });
  });

  it('filters by tags code, and tells how far it looked', async () => {
    await open();
    await putMany(40);
    const result = await get(store, { matches: (code) => code === 3, maxMessages: 3 });
    expect(decodeAll(result).map(({ queueOffset }) => queueOffset)).toEqual([3, 13, 23]);
    // The batch is full at the next entry, which would match: it comes first the next time.
    expect(result.nextBeginOffset).toBe(24);
  });

  it('looks at no more entries than its budget while nothing matches', async () => {
    await open({ maxFilterScanBytes: 400, consumeQueueFileEntries: 1_000 });
    await putMany(100);
    expect(await get(store, { matches: () => false })).toMatchObject({
      status: 'NO_MATCHED_MESSAGE',
      nextBeginOffset: 32,
    });
    expect(await get(store, { matches: () => false, maxMessages: 5 })).toMatchObject({ nextBeginOffset: 20 });
  });

  it('scans one consume queue file at most', async () => {
    await open();
    await putMany(120);
    expect(await get(store, { queueOffset: 30, matches: () => false, maxMessages: 100 })).toMatchObject({
      nextBeginOffset: 50,
    });
    expect(await get(store, { queueOffset: 50, maxMessages: 32 })).toMatchObject({
      messageCount: 32,
      nextBeginOffset: 82,
    });
  });

  it('keeps the limits of a batch in memory', async () => {
    await open({ segmentSizeBytes: 1 << 20, consumeQueueFileEntries: 1_000, maxTransferBytesInMemory: 5_000 });
    await putMany(100, 900);
    expect((await get(store)).messageCount).toBe(4);
    expect((await get(store, { maxBytes: 2_500 })).messageCount).toBe(2);
    expect((await get(store, { maxMessages: 3 })).messageCount).toBe(3);
    expect((await get(store, { maxBytes: 1 })).messageCount).toBe(1);
    expect((await get(store)).suggestPullingFromSlave).toBe(false);
  });

  it('keeps the limits of a batch from disk', async () => {
    await open({ inMemoryBytes: 10_000, consumeQueueFileEntries: 1_000, maxTransferBytesOnDisk: 3_000 });
    await putMany(300, 100);
    expect(await get(store)).toMatchObject({ messageCount: 8, nextBeginOffset: 8, suggestPullingFromSlave: true });
    expect((await get(store, { queueOffset: 290 })).suggestPullingFromSlave).toBe(false);
    await putMany(3, 2_000);
    await putMany(20, 600);
    expect(await get(store, { queueOffset: 300, maxMessages: 8 })).toMatchObject({ messageCount: 1 });
  });

  it('hands out what lies in the tail as a copy of its own, which later messages do not change', async () => {
    await open();
    await putMany(5);
    await put(store, { queueId: 1 });
    await putMany(5);
    const result = await get(store);
    expect(result.messageCount).toBe(10);
    expect(result.records).toHaveLength(1);
    expect(result.sizeBytes).toBe(result.records[0].length);
    const again = await get(store);
    expect(again.records[0].equals(result.records[0])).toBe(true);
    result.records[0].fill(0);
    expect((await get(store)).records[0].equals(again.records[0])).toBe(true);
  });

  it('reads from the tail without touching a file', async () => {
    await open();
    await putMany(20);
    disk.syncReads = disk.asyncReads = 0;
    expect(store.getMessage({ topic: 'Orders', queueId: 0, queueOffset: 0, maxMessages: 32 })).not.toBeInstanceOf(
      Promise,
    );
    expect(disk.syncReads + disk.asyncReads).toBe(0);
  });

  it.each([
    ['on the event loop', Number.MAX_SAFE_INTEGER, false],
    ['off the event loop', 0, true],
  ])('reads what the tail no longer has %s', async (_where, pageCacheBytes, isPromise) => {
    await open({ tailCacheBytes: 0, pageCacheBytes, segmentSizeBytes: 1 << 20, consumeQueueFileEntries: 1_000 });
    const answers = Array.from({ length: 900 }, (_, i) =>
      put(store, { queueId: i % 3, body: Buffer.alloc(700, i % 251) }),
    );
    const stored = await Promise.all(answers);
    await store.close();
    await open({ tailCacheBytes: 0, pageCacheBytes, segmentSizeBytes: 1 << 20, consumeQueueFileEntries: 1_000 });
    const first = store.getMessage({ topic: 'Orders', queueId: 0, queueOffset: 0, maxMessages: 32 });
    expect(first instanceof Promise).toBe(isPromise);
    disk.syncReads = disk.asyncReads = 0;
    for (let queueId = 0; queueId < 3; queueId++) {
      const messages = await readQueue(store, 'Orders', queueId);
      expect(messages.map(({ physicalOffset }) => physicalOffset)).toEqual(
        stored.filter((_, i) => i % 3 === queueId).map(({ physicalOffset }) => physicalOffset),
      );
      expect(messages.every(({ body }, i) => body[0] === (i * 3 + queueId) % 251 && body.length === 700)).toBe(true);
    }
    // 900 messages in 3 queues: the records are read block by block, not one by one.
    expect(disk.syncReads + disk.asyncReads).toBeLessThan(150);
  });

  it.each([
    ['on the event loop', {}],
    ['off the event loop', { pageCacheBytes: 0 }],
  ])(
    'gives readers of one queue their own messages, though its entries are read %s into the same memory',
    async (_, options) => {
      const files = { tailCacheBytes: 0, segmentSizeBytes: 8 << 20, consumeQueueFileEntries: 10_000 };
      const readers = 6;
      const apart = ENTRY_WINDOW_ENTRIES / 2 + 7;
      await open(files);
      await putMany(readers * apart + 400);
      await store.close();
      await open({ ...files, ...options });
      for (let step = 0; step < 400; step += 16) {
        const starts = Array.from({ length: readers }, (__, i) => i * apart + step);
        const found = await Promise.all(starts.map((queueOffset) => get(store, { queueOffset, maxMessages: 16 })));
        const offsets = found.map((result) => decodeAll(result).map(({ queueOffset }) => queueOffset));
        expect(offsets).toEqual(starts.map((start) => Array.from({ length: 16 }, (__, i) => start + i)));
      }
    },
  );

  it('reads records far apart one by one', async () => {
    await open({ tailCacheBytes: 0, segmentSizeBytes: 8 << 20, consumeQueueFileEntries: 1_000 });
    for (let i = 0; i < 8; i++)
      await Promise.all([put(store), put(store, { queueId: 1, body: Buffer.alloc(500_000) })]);
    await store.close();
    await open({ tailCacheBytes: 0, segmentSizeBytes: 8 << 20, consumeQueueFileEntries: 1_000 });
    expect(await get(store)).toMatchObject({ messageCount: 8 });
    expect(store.stats().readCacheBytes).toBe(0);
  });

  it('skips entries whose records are gone, and goes on behind them', async () => {
    await open();
    await putMany(300, 100);
    await store.close();
    rmSync(join(folder.path, 'commitlog', '0'.repeat(20)));
    await open();
    const { minOffset } = await get(store, { queueOffset: 299 });
    expect(minOffset).toBeGreaterThan(0);
    expect(await get(store, { queueOffset: 3 })).toMatchObject({
      status: 'OFFSET_TOO_SMALL',
      nextBeginOffset: minOffset,
    });
    expect(await readQueue(store)).toHaveLength(300 - minOffset);
    expect((await readQueue(store))[0].physicalOffset).toBeGreaterThanOrEqual(16_384);
  });

  it('gives slices that stay as they are, however much is stored later', async () => {
    await open({ tailCacheBytes: 300_000, segmentSizeBytes: 8 << 20, consumeQueueFileEntries: 10_000 });
    await putMany(30, 1_000);
    const held = await get(store);
    const before = Buffer.concat(held.records);
    for (let i = 0; i < 20; i++) await putMany(100, 1_000);
    expect(Buffer.concat(held.records)).toEqual(before);
    expect(store.stats().tailCacheBytes).toBeLessThan(1_000_000);
  });

  it('copies records to the place that the caller gives', async () => {
    await open();
    await putMany(40, 100);
    const memory = Buffer.alloc(64 * 1024);
    const places: number[] = [];
    const place = (sizeBytes: number): { bytes: Buffer; at: number } => {
      places.push(sizeBytes);
      return { bytes: memory, at: 7 };
    };
    const plain = await get(store, {});
    const placed = await get(store, { place });
    expect(placed).toMatchObject({ status: 'FOUND', records: [], messageCount: 32, sizeBytes: plain.sizeBytes });
    expect(places).toEqual([plain.sizeBytes]);
    expect(memory.subarray(7, 7 + plain.sizeBytes)).toEqual(Buffer.concat(plain.records));
  });

  it('leaves the place alone when only the queue entries had to be waited for', async () => {
    await open();
    for (let i = 0; i < 400; i++) await put(store, { queueId: 1 + (i % 2), body: Buffer.alloc(500, i) });
    await store.close();
    // Nothing counts as recent: every read goes off the event loop.
    await open({ pageCacheBytes: 0 });
    // Brings the block of the log into memory that has the records of the other queue, too.
    await get(store, { queueId: 1 });
    let places = 0;
    const place = (): undefined => void places++;
    const waited = await get(store, { queueId: 2, place });
    expect(waited).toMatchObject({ status: 'FOUND' });
    expect(waited.messageCount).toBeGreaterThan(1);
    expect(Buffer.concat(waited.records)).toHaveLength(waited.sizeBytes);
    expect(places).toBe(0);
  });
});
