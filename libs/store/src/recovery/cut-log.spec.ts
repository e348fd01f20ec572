import { afterEach, describe, expect, it } from 'vitest';
import type { MessageStore } from '../message-store.js';
import { verifyStore } from '../verify/verify-store.js';
import { crashCopy, damageLog, put, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';

const SEGMENT_BYTES = 16 * 1024;
const cleanUps: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (let clean = cleanUps.pop(); clean !== undefined; clean = cleanUps.pop()) await clean();
});

async function open(path: string, options: Parameters<typeof smallStore>[1] = {}): Promise<MessageStore> {
  const store = smallStore(path, { segmentSizeBytes: SEGMENT_BYTES, ...options });
  await store.open();
  cleanUps.push(() => store.close());
  return store;
}

/** Puts so many messages, and where the log ended behind each. */
async function fill(store: MessageStore, count: number): Promise<number[]> {
  const ends = [store.maxPhysicalOffset];
  for (let i = 0; i < count; i++) {
    const body = Buffer.from(`message ${i} ${'x'.repeat((i * 131) % 700)}`);
    const result = await put(store, { topic: i % 3 === 0 ? 'Payments' : 'Orders', queueId: i % 2, body });
    expect(result.status).toBe('PUT_OK');
    ends.push(store.maxPhysicalOffset);
  }
  return ends;
}

async function queues(store: MessageStore): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const topic of ['Orders', 'Payments'])
    for (const queueId of [0, 1])
      all.push([topic, queueId, store.maxOffset(topic, queueId), await readQueue(store, topic, queueId)]);
  return all;
}

describe('a log that is cut', () => {
  it.each([
    ['after a proper stop', true],
    ['after the process was killed', false],
  ])('ends there, and so do its queues, whichever file the cut is in (%s)', async (_, clean) => {
    const COUNT = 120;
    for (const kept of [0, 1, 40, 77, 119, COUNT]) {
      const folder = tempFolder();
      cleanUps.push(() => folder.remove());
      const reference = tempFolder();
      cleanUps.push(() => reference.remove());
      const first = await open(folder.path);
      const ends = await fill(first, COUNT);
      expect(ends[COUNT]).toBeGreaterThan(3 * SEGMENT_BYTES);
      let path = folder.path;
      if (clean) await first.close();
      else {
        const copy = crashCopy(folder.path);
        cleanUps.push(() => copy.remove());
        path = copy.path;
      }
      const cut = await open(path, { cutAtOffset: ends[kept] });
      expect(cut.maxPhysicalOffset).toBe(ends[kept]);
      const other = await open(reference.path);
      await fill(other, kept);
      const countOf = (store: MessageStore): number[] =>
        ['Orders', 'Payments'].flatMap((topic) => [0, 1].map((queueId) => store.maxOffset(topic, queueId)));
      expect(countOf(cut)).toEqual(countOf(other));
      // It goes on from there, and is whole after another start.
      await fill(cut, 30);
      const before = await queues(cut);
      await cut.close();
      const again = await open(path);
      expect(await queues(again)).toEqual(before);
      await again.close();
    }
  });

  it.each([
    ['as long', 0],
    ['longer', 40],
  ])(
    'stays cut after a crash: what is written in the place of it, by messages that are %s, is believed',
    async (_, more) => {
      const folder = tempFolder();
      cleanUps.push(() => folder.remove());
      const KEPT = 10;
      const send = async (store: MessageStore, count: number, name: string, turn: number): Promise<number[]> => {
        const ends: number[] = [];
        for (let i = 0; i < count; i++) {
          const body = Buffer.from(`${name} ${i}`.padEnd(name === 'old' ? 300 : 300 + more));
          const result = await put(store, {
            topic: 'Orders',
            queueId: (i + turn) % 2,
            body,
            properties: `KEYS\u0001${name}-${i}\u0002`,
          });
          expect(result.status).toBe('PUT_OK');
          ends.push(store.maxPhysicalOffset);
        }
        return ends;
      };
      const first = await open(folder.path);
      const ends = await send(first, 2 * KEPT, 'old', 0);
      // The checkpoint says that all of it is there.
      await first.close();
      const cut = await open(folder.path, { cutAtOffset: ends[KEPT - 1] });
      // Less than was there before: no checkpoint is due.
      await send(cut, KEPT / 2, 'new', 1);
      const before = await queues(cut);
      // Killed before the next checkpoint.
      const copy = crashCopy(folder.path);
      cleanUps.push(() => copy.remove());
      const again = smallStore(copy.path, { segmentSizeBytes: SEGMENT_BYTES });
      const { lines } = await again.open();
      cleanUps.push(() => again.close());
      expect(await queues(again)).toEqual(before);
      expect(lines.join('\n')).not.toMatch(/checkpoint/);
      await again.close();
      const sizes = { segmentSizeBytes: SEGMENT_BYTES, consumeQueueFileEntries: 50 };
      const indexSizes = { slots: 500, entries: 2_000 };
      const report = await verifyStore({ rootPath: copy.path, ...sizes, indexSizes });
      expect(report.findings).toEqual([]);
    },
  );

  it.each([
    ['it was cut', (_: string, cutAtOffset: number) => ({ cutAtOffset })],
    [
      'a disk lost it',
      (path: string, end: number, lost: number) => {
        damageLog(path, SEGMENT_BYTES, end, Buffer.alloc(lost));
        return {};
      },
    ],
  ])('is indexed anew behind its end, though the index had reached further before (%s)', async (_, lose) => {
    const folder = tempFolder();
    cleanUps.push(() => folder.remove());
    const sizes = { maxHashSlotNum: 5_000, maxIndexNum: 40_000 };
    // More keys for each message than before: their number must not tell that all of them are there.
    const fillWith = async (store: MessageStore, name: string, count: number, keys: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const list = Array.from({ length: keys }, (_, key) => `${name}${i}-${key}`).join(' ');
        const body = Buffer.alloc(700 - list.length);
        const result = await put(store, { body, properties: `KEYS\u0001${list}\u0002`, tagsCode: 0 });
        expect(result.status).toBe('PUT_OK');
      }
    };
    const found = async (store: MessageStore, key: string): Promise<number> =>
      (await store.queryMessage('Orders', key, 4, 0, Number.MAX_SAFE_INTEGER)).records.length;
    const first = await open(folder.path, sizes);
    await fillWith(first, 'a', 100, 30);
    const end = first.maxPhysicalOffset;
    await fillWith(first, 'b', 300, 30);
    const endBefore = first.maxPhysicalOffset;
    await first.close();
    const cut = await open(folder.path, { ...sizes, ...lose(folder.path, end, endBefore - end) });
    expect(cut.maxPhysicalOffset).toBe(end);
    await fillWith(cut, 'c', 350, 60);
    expect(cut.maxPhysicalOffset).toBeGreaterThan(endBefore);
    // By now entries have been written, and no checkpoint told of their slots.
    expect(await found(cut, 'c349-59')).toBe(1);
    const killed = crashCopy(folder.path);
    cleanUps.push(() => killed.remove());
    const again = await open(killed.path, sizes);
    for (const key of ['a0-0', 'a99-29', 'c0-0', 'c100-59', 'c349-59']) {
      expect([key, await found(again, key)]).toEqual([key, 1]);
    }
    expect(await found(again, 'b0-0')).toBe(0);
    await again.close();
    const report = await verifyStore({
      rootPath: killed.path,
      segmentSizeBytes: SEGMENT_BYTES,
      consumeQueueFileEntries: 50,
      indexSizes: { slots: 5_000, entries: 40_000 },
    });
    expect(report.findings).toEqual([]);
  });

  it('is not cut where it has nothing', async () => {
    const folder = tempFolder();
    cleanUps.push(() => folder.remove());
    const store = await open(folder.path);
    await fill(store, 10);
    const end = store.maxPhysicalOffset;
    await store.close();
    const reopened = await open(folder.path, { cutAtOffset: end + SEGMENT_BYTES });
    expect(reopened.maxPhysicalOffset).toBe(end);
  });
});
