import { afterEach, describe, expect, it } from 'vitest';
import type { MessageStore } from '../message-store.js';
import { crashCopy, put, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';

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
