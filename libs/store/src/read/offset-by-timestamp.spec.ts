import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../io/clock.js';
import { SystemClock } from '../io/clock.js';
import type { MessageStore } from '../message-store.js';
import { put, smallStore, tempFolder } from '../testing/store-fixture.js';

/** The machine's clock, but for the store time of messages. */
class SetClock extends SystemClock implements Clock {
  now = 0;

  override nowMs(): number {
    return this.now;
  }
}

describe('offsets by store time', () => {
  let folder: ReturnType<typeof tempFolder>;
  let store: MessageStore;
  const clock = new SetClock();

  beforeEach(async () => {
    folder = tempFolder();
    clock.now = Date.now();
    store = smallStore(folder.path, { clock });
    await store.open();
    // Offsets 0..7
    for (const now of [100, 200, 200, 200, 300, 500, 500, 900]) {
      clock.now = now;
      await put(store);
    }
  });

  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  const lower = (timestampMs: number): Promise<number> => store.offsetByTimestamp('Orders', 0, timestampMs, 'LOWER');
  const upper = (timestampMs: number): Promise<number> => store.offsetByTimestamp('Orders', 0, timestampMs, 'UPPER');

  it('LOWER is the first message at or after the time', async () => {
    expect(await Promise.all([0, 100, 101, 200, 201, 400, 500, 501, 900].map(lower))).toEqual([
      0, 0, 1, 1, 4, 5, 5, 7, 7,
    ]);
    expect(await lower(901)).toBe(8);
  });

  it('UPPER is the last message at or before the time', async () => {
    expect(await Promise.all([100, 101, 200, 201, 400, 500, 899, 900].map(upper))).toEqual([0, 0, 3, 3, 4, 6, 6, 7]);
    expect(await upper(10_000)).toBe(7);
    expect(await upper(0)).toBe(0);
  });

  it('answers 0 for a queue that does not exist', async () => {
    expect(await store.offsetByTimestamp('None', 0, 5, 'LOWER')).toBe(0);
    expect(await store.offsetByTimestamp('Orders', 5, 5, 'UPPER')).toBe(0);
  });

  it('finds the store time of an offset, and the earliest one', async () => {
    expect(await store.storeTimestampOf('Orders', 0, 4)).toBe(300);
    expect(await store.storeTimestampOf('Orders', 0, 8)).toBe(-1);
    expect(await store.storeTimestampOf('None', 0, 0)).toBe(-1);
    expect(await store.earliestStoreTimestamp()).toBe(100);
    expect(await store.earliestStoreTimestamp('Orders', 0)).toBe(100);
    expect(await store.earliestStoreTimestamp('None', 0)).toBe(-1);
  });

  it('stays within the queue, and works on what is only on disk', async () => {
    await store.close();
    store = smallStore(folder.path, { tailCacheBytes: 0, pageCacheBytes: 0 });
    await store.open();
    expect([await lower(0), await lower(500), await lower(5_000), await upper(400)]).toEqual([0, 5, 8, 4]);
  });
});
