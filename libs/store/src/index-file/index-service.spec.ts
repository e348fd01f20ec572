import { readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMessage, MessageSysFlag } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import { FaultyFileSystem, systemError } from '../testing/faulty-file-system.js';
import {
  CollectingLogger,
  crashCopy,
  message,
  put,
  putBatch,
  smallStore,
  tempFolder,
} from '../testing/store-fixture.js';
import { decodeIndexHeader, INDEX_ENTRY_BYTES, readIndexEntry, viewOf } from './index-layout.js';
import { indexKeyHash } from './key-hash.js';

const SLOTS = 50;
const ENTRIES = 200;
const ENTRIES_AT = 40 + SLOTS * 4;

function properties(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}\u0001${value}\u0002`)
    .join('');
}

describe('the index by key', () => {
  let folder: ReturnType<typeof tempFolder>;
  let stores: MessageStore[];

  beforeEach(() => {
    folder = tempFolder();
    stores = [];
  });

  afterEach(async () => {
    for (const store of stores) await store.close();
    folder.remove();
  });

  async function open(rootPath = folder.path, options: Partial<MessageStoreOptions> = {}): Promise<MessageStore> {
    const store = smallStore(rootPath, { maxHashSlotNum: SLOTS, maxIndexNum: ENTRIES, ...options });
    stores.push(store);
    await store.open();
    return store;
  }

  async function find(store: MessageStore, key: string, topic = 'Orders', beginMs = 0, endMs = Infinity, max = 64) {
    const { records } = await store.queryMessage(topic, key, max, beginMs, endMs);
    return records.map((record) => decodeMessage(record).physicalOffset);
  }

  /** The folder's files as they are on disk. */
  function files(rootPath = folder.path) {
    return readdirSync(join(rootPath, 'index'))
      .sort()
      .map((name) => {
        const bytes = readFileSync(join(rootPath, 'index', name));
        const header = decodeIndexHeader(bytes);
        const entries = Array.from({ length: header.indexCount - 1 }, (_, i) =>
          readIndexEntry(viewOf(bytes), ENTRIES_AT + (i + 1) * INDEX_ENTRY_BYTES),
        );
        return { name, bytes, header, entries };
      });
  }

  /** Every key of a numbered message finds exactly its message; what was not put finds none. */
  async function expectComplete(store: MessageStore, offsets: readonly number[]): Promise<void> {
    for (let i = 0; i < offsets.length; i++) {
      expect(await find(store, `u${i}`), `u${i}`).toEqual([offsets[i]]);
      expect(await find(store, `k${i}`), `k${i}`).toEqual([offsets[i]]);
    }
    expect(await find(store, `u${offsets.length}`)).toEqual([]);
  }

  async function putNumbered(store: MessageStore, from: number, to: number): Promise<number[]> {
    const answers = [];
    for (let i = from; i < to; i++) {
      answers.push(put(store, { queueId: i % 4, properties: properties({ KEYS: `k${i} shared`, UNIQ_KEY: `u${i}` }) }));
    }
    return (await Promise.all(answers)).map(({ physicalOffset }) => physicalOffset);
  }

  it('finds messages by unique id and by each word of KEYS at once, and only those of the topic', async () => {
    const store = await open();
    const { physicalOffset } = await put(store, {
      properties: properties({ UNIQ_KEY: 'AC11', KEYS: 'order-1  order-2', TAGS: 'order-3' }),
    });
    const other = await put(store, { topic: 'Bills', properties: properties({ KEYS: 'order-1' }) });
    await put(store, { properties: '' });
    for (const key of ['AC11', 'order-1', 'order-2']) expect(await find(store, key)).toEqual([physicalOffset]);
    expect(await find(store, 'order-3')).toEqual([]);
    expect(await find(store, '')).toEqual([]);
    expect(await find(store, 'order-1', 'Bills')).toEqual([other.physicalOffset]);
    const { indexLastUpdatePhyoffset, indexLastUpdateTimestamp } = await store.queryMessage(
      'Orders',
      'AC11',
      1,
      0,
      Infinity,
    );
    expect(indexLastUpdatePhyoffset).toBe(other.physicalOffset);
    expect(indexLastUpdateTimestamp).toBe(other.storeTimestamp);
  });

  it('finds keys and topics that are not ASCII, and messages of batches; rolled-back ones are not indexed', async () => {
    const store = await open();
    const first = await put(store, { properties: Buffer.from(properties({ KEYS: 'Grüße 漢字 😀', UNIQ_KEY: 'ü' })) });
    const batch = await putBatch(store, {
      ...message(),
      items: ['b0', 'b1'].map((key) => ({ flag: 0, body: Buffer.from(key), properties: properties({ KEYS: key }) })),
    });
    await put(store, { sysFlag: MessageSysFlag.TRANSACTION_ROLLBACK_TYPE, properties: properties({ KEYS: 'gone' }) });
    const half = await put(store, {
      sysFlag: MessageSysFlag.TRANSACTION_PREPARED_TYPE,
      properties: properties({ KEYS: 'half' }),
    });
    for (const key of ['Grüße', '漢字', '😀', 'ü']) expect(await find(store, key)).toEqual([first.physicalOffset]);
    expect(await find(store, 'b0')).toEqual([batch.physicalOffset]);
    expect((await find(store, 'b1'))[0]).toBeGreaterThan(batch.physicalOffset);
    expect(await find(store, 'gone')).toEqual([]);
    expect(await find(store, 'half')).toEqual([half.physicalOffset]);
  });

  it('tells messages with equal hashes apart', async () => {
    const store = await open();
    // "Aa" and "BB" have one hash in Java.
    expect(indexKeyHash('Orders', 'Aa')).toBe(indexKeyHash('Orders', 'BB'));
    const aa = await put(store, { properties: properties({ KEYS: 'Aa' }) });
    const bb = await put(store, { properties: properties({ KEYS: 'BB' }) });
    expect(await find(store, 'Aa')).toEqual([aa.physicalOffset]);
    expect(await find(store, 'BB', 'Orders', 0, Infinity, 1)).toEqual([bb.physicalOffset]);
  });

  it('returns the newest messages first, oldest first in the answer, up to the limits', async () => {
    const store = await open();
    const offsets = await putNumbered(store, 0, 150);
    expect(await find(store, 'shared', 'Orders', 0, Infinity, 10)).toEqual(offsets.slice(-10));
    expect(await find(store, 'shared', 'Orders', 0, Infinity, 1_000)).toEqual(offsets.slice(-64));
    expect(await find(store, 'shared', 'Orders', 0, Infinity, 0)).toEqual([]);
  });

  it('keeps to the time range, across files', async () => {
    let now = 1_700_000_000_500;
    const { SystemClock } = await import('../io/clock.js');
    class SetClock extends SystemClock {
      override nowMs(): number {
        return now;
      }
    }
    const store = await open(folder.path, { clock: new SetClock() });
    const offsets: number[] = [];
    for (let i = 0; i < 120; i++) {
      offsets.push((await putNumbered(store, i, i + 1))[0]);
      now += 700;
    }
    const at = (i: number): number => 1_700_000_000_500 + i * 700;
    expect(await find(store, 'shared', 'Orders', at(10), at(20))).toEqual(offsets.slice(10, 21));
    expect(await find(store, 'shared', 'Orders', at(10) + 1, at(20) - 1)).toEqual(offsets.slice(11, 20));
    expect(await find(store, 'shared', 'Orders', at(118), at(500))).toEqual(offsets.slice(118));
    expect(await find(store, 'shared', 'Orders', 0, at(0) - 1)).toEqual([]);
    await store.close();
    expect(files().length).toBe(2);
  });

  it('writes the format of RocketMQ: header, slots, chains, full files', async () => {
    const store = await open();
    const offsets = await putNumbered(store, 0, 100);
    await store.close();
    const [first, second] = files();
    expect(first.bytes.length).toBe(40 + SLOTS * 4 + ENTRIES * 20);
    expect(first.name).toMatch(/^20\d{15}$/);
    expect(first.header).toMatchObject({
      beginPhyOffset: offsets[0],
      indexCount: ENTRIES,
      hashSlotCount: expect.any(Number),
    });
    expect(second.name > first.name).toBe(true);
    expect(first.entries.length + second.entries.length).toBe(300);
    expect(second.header.beginPhyOffset).toBe(second.entries[0].physicalOffset);
    expect(second.header.endPhyOffset).toBe(offsets[99]);
    for (const { bytes, header, entries } of [first, second]) {
      const used = new Set(entries.map(({ keyHash }) => keyHash % SLOTS));
      expect(header.hashSlotCount).toBe(used.size);
      for (let slot = 0; slot < SLOTS; slot++) {
        // A chain holds all entries of its slot, newest first.
        const chain: number[] = [];
        for (let i = bytes.readInt32BE(40 + slot * 4); i > 0; i = entries[i - 1].previousIndex) chain.push(i);
        const expected = entries.map((entry, i) => (entry.keyHash % SLOTS === slot ? i + 1 : 0)).filter((i) => i > 0);
        expect(chain).toEqual(expected.reverse());
      }
    }
    expect(first.entries.slice(0, 3).map(({ keyHash }) => keyHash)).toEqual(
      ['u0', 'k0', 'shared'].map((key) => indexKeyHash('Orders', key)),
    );
  });

  it('goes on where it was after a clean stop', async () => {
    const store = await open();
    const offsets = await putNumbered(store, 0, 50);
    await store.close();
    const before = files().flatMap(({ entries }) => entries);
    const again = await open();
    await expectComplete(again, offsets);
    offsets.push(...(await putNumbered(again, 50, 80)));
    await expectComplete(again, offsets);
    await again.close();
    const after = files().flatMap(({ entries }) => entries);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.length).toBe(240);
  });

  it('is complete, and has no entry twice, after a kill at any time', async () => {
    const store = await open(folder.path, {
      checkpointIntervalMs: 0,
      checkpointLogBytes: 0,
      consumeQueueFlushIntervalMs: 1,
    });
    const offsets: number[] = [];
    for (let round = 0; round < 6; round++) {
      offsets.push(...(await putNumbered(store, offsets.length, offsets.length + 17)));
      if (round % 2 === 1) await find(store, 'shared');
      if (round % 3 === 1) {
        const end = store.maxPhysicalOffset;
        await waitFor(() => store.stats().checkpointPhysicalOffset === end);
      }
      const copy = crashCopy(folder.path);
      const copied = [...offsets];
      const revived = await open(copy.path);
      await expectComplete(revived, copied);
      copied.push(...(await putNumbered(revived, copied.length, copied.length + 30)));
      await expectComplete(revived, copied);
      await revived.close();
      const entries = files(copy.path).flatMap((file) => file.entries);
      expect(entries.length).toBe(3 * copied.length);
      copy.remove();
    }
  });

  it('takes back what it knows of messages that a power loss took', async () => {
    const store = await open();
    const offsets = await putNumbered(store, 0, 40);
    await store.close();
    // The log ends in the middle of message 30, whatever the checkpoint says.
    const segment = offsets[30] - (offsets[30] % (16 * 1024));
    const path = join(folder.path, 'commitlog', String(segment).padStart(20, '0'));
    for (const name of readdirSync(join(folder.path, 'commitlog'))) {
      if (Number(name) > segment) rmSync(join(folder.path, 'commitlog', name));
    }
    truncateSync(path, (offsets[30] % (16 * 1024)) + 20);
    const again = await open();
    expect(again.maxPhysicalOffset).toBe(offsets[30]);
    await expectComplete(again, offsets.slice(0, 30));
    const more = await putNumbered(again, 30, 60);
    await expectComplete(again, [...offsets.slice(0, 30), ...more]);
    await again.close();
    expect(files().flatMap(({ entries }) => entries).length).toBe(180);
  });

  it.each([
    ['its folder', (path: string) => rmSync(path, { recursive: true })],
    ['its newest file', (path: string) => rmSync(join(path, readdirSync(path).sort().at(-1) ?? ''))],
    ['its oldest file', (path: string) => rmSync(join(path, readdirSync(path).sort()[0]))],
    ['half of a file', (path: string) => truncateSync(join(path, readdirSync(path)[0]), 500)],
  ])('is made again from the log without %s', async (_what, damage) => {
    const store = await open();
    const offsets = await putNumbered(store, 0, 100);
    await store.close();
    damage(join(folder.path, 'index'));
    const again = await open();
    await expectComplete(again, offsets);
    await again.close();
    expect(files().flatMap(({ entries }) => entries).length).toBe(300);
  });

  it('is made again when it belongs to another log, or to other sizes', async () => {
    const store = await open();
    const offsets = await putNumbered(store, 0, 60);
    await store.close();
    const resized = await open(folder.path, { maxHashSlotNum: 70, maxIndexNum: 90 });
    await expectComplete(resized, offsets);
    await resized.close();
    for (const name of readdirSync(join(folder.path, 'index'))) {
      expect(statSync(join(folder.path, 'index', name)).size).toBe(40 + 70 * 4 + 90 * 20);
    }
  });

  it('goes over a log that is far larger than what is in memory', async () => {
    const store = await open(folder.path, { messageIndexEnable: false });
    const offsets: number[] = [];
    for (let i = 0; i < 300; i += 50) offsets.push(...(await putNumbered(store, i, i + 50)));
    expect(await find(store, 'u1')).toEqual([]);
    expect(store.stats().index).toBeUndefined();
    await store.close();
    const again = await open(folder.path, { tailCacheBytes: 0 });
    await expectComplete(again, offsets);
    expect(again.stats().index).toMatchObject({ entries: 900, behindBytes: 0, failure: undefined });
  });

  it('keeps the store going when it cannot be written, and is complete again later', async () => {
    const fileSystem = new FaultyFileSystem();
    let full = false;
    const isIndex = (path: string): boolean => path.includes('/index/');
    fileSystem.onWrite = (path) => (full && isIndex(path) ? systemError('ENOSPC') : undefined);
    const logger = new CollectingLogger();
    const { SystemClock } = await import('../io/clock.js');
    class QuickClock extends SystemClock {
      override startTimer(callback: () => void, delayMs: number) {
        return super.startTimer(callback, Math.min(delayMs, 20));
      }
    }
    const store = await open(folder.path, { fileSystem, logger, clock: new QuickClock(), checkpointIntervalMs: 0 });
    const offsets = await putNumbered(store, 0, 20);
    await expectComplete(store, offsets);
    full = true;
    offsets.push(...(await putNumbered(store, 20, 120)));
    await waitFor(() => logger.lines.some((line) => line.includes('ENOSPC')));
    const end = store.maxPhysicalOffset;
    await waitFor(() => store.stats().checkpointPhysicalOffset === end);
    full = false;
    await waitFor(() => store.stats().index?.failure === undefined && store.stats().index?.behindBytes === 0);
    await expectComplete(store, offsets);
    await store.close();
    expect(files().flatMap(({ entries }) => entries).length).toBe(360);
  });

  it('gives its memory back when nothing is put in', async () => {
    const store = await open(folder.path, {
      idleReleaseMs: 5,
      consumeQueueFlushIntervalMs: 1,
      checkpointIntervalMs: 0,
    });
    const offsets = await putNumbered(store, 0, 10);
    await find(store, 'u1');
    await waitFor(() => store.stats().index?.memoryBytes === 0);
    offsets.push(...(await putNumbered(store, 10, 20)));
    await expectComplete(store, offsets);
  });

  it('ends a search in a damaged chain', async () => {
    const store = await open();
    const offsets = await putNumbered(store, 0, 20);
    await store.close();
    const [{ name, bytes }] = files();
    // Every entry claims to follow a later one.
    for (let i = 1; i < 61; i++) bytes.writeInt32BE(60, ENTRIES_AT + i * 20 + 16);
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(folder.path, 'index', name), bytes);
    const again = await open();
    expect(offsets).toContain((await find(again, 'shared'))[0]);
  });
});
