import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MessageLayout } from '@rocknest/protocol';
import { FILTER_CHUNK_MESSAGES } from '../defaults.js';
import { SystemClock } from '../io/clock.js';
import type { MessageStore } from '../message-store.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import { decodeAll, get, put, smallStore, tempFolder } from '../testing/store-fixture.js';
import type { GetResult } from '../types.js';
import { FilteredGetter } from './filtered-getter.js';

/** A millisecond passes whenever it is looked at. */
class TickingClock extends SystemClock {
  private ticks = 0;

  override monotonicMs(): number {
    return this.ticks++;
  }
}

describe('getMessage with a filter of records', () => {
  let folder: ReturnType<typeof tempFolder>;
  let store: MessageStore;
  /** Queue offsets of the records that the filter was asked about. */
  let asked: number[];

  beforeEach(() => {
    folder = tempFolder();
    asked = [];
  });

  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  async function open(count: number, options: Partial<MessageStoreOptions> = {}, bodyBytes = 10): Promise<void> {
    store = smallStore(folder.path, { consumeQueueFileEntries: 1_000, ...options });
    await store.open();
    await Promise.all(
      Array.from({ length: count }, (_, i) => put(store, { body: Buffer.alloc(bodyBytes, i), tagsCode: i % 2 })),
    );
  }

  /** Lets those through whose queue offset does. */
  function wanting(isWanted: (queueOffset: number) => boolean) {
    return (bytes: Buffer, at: number): boolean => {
      const queueOffset = bytes.readInt32BE(at + MessageLayout.QUEUE_OFFSET + 4);
      asked.push(queueOffset);
      return isWanted(queueOffset);
    };
  }

  function offsets(result: GetResult): number[] {
    return decodeAll(result).map(({ queueOffset }) => queueOffset);
  }

  it('finds them, and begins the next time with the first that found no room', async () => {
    await open(200);
    const matchesRecord = wanting((offset) => offset % 10 === 3);
    const first = await get(store, { matchesRecord, maxMessages: 4 });
    expect(offsets(first)).toEqual([3, 13, 23, 33]);
    expect(first).toMatchObject({
      status: 'FOUND',
      messageCount: 4,
      minOffset: 0,
      maxOffset: 200,
      nextBeginOffset: 43,
    });
    const second = await get(store, { matchesRecord, maxMessages: 4, queueOffset: first.nextBeginOffset });
    expect(offsets(second)).toEqual([43, 53, 63, 73]);
    expect(new Set(asked).size).toBeLessThanOrEqual(128);
  });

  it('gives the same messages as a read without a filter does, run by run', async () => {
    await open(100);
    const all = await get(store, { matchesRecord: wanting(() => true) });
    expect(Buffer.concat(all.records).equals(Buffer.concat((await get(store)).records))).toBe(true);
    const runs = await get(store, { matchesRecord: wanting((offset) => offset % 5 < 3) });
    expect(offsets(runs)).toEqual(
      Array.from({ length: 54 }, (_, i) => i)
        .filter((i) => i % 5 < 3)
        .slice(0, 32),
    );
  });

  it('puts them in their place', async () => {
    await open(40);
    const place = { bytes: Buffer.alloc(10_000), at: 5 };
    let sizeBytes = 0;
    const result = await get(store, {
      matchesRecord: wanting((offset) => offset % 2 === 1),
      place: (size) => {
        sizeBytes = size;
        return place;
      },
    });
    expect(result).toMatchObject({ records: [], messageCount: 20, sizeBytes });
    const placed = { ...result, records: [place.bytes.subarray(5, 5 + sizeBytes)] };
    expect(offsets(placed)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i + 1));
  });

  it('asks for no place when nothing matches, and tells how far it looked', async () => {
    await open(50);
    const place = (): never => {
      throw new Error('nothing to place');
    };
    expect(await get(store, { matchesRecord: wanting(() => false), place })).toMatchObject({
      status: 'NO_MATCHED_MESSAGE',
      nextBeginOffset: 50,
      messageCount: 0,
      sizeBytes: 0,
      records: [],
    });
    expect(asked).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('answers with the statuses of RocketMQ', async () => {
    await open(3);
    const matchesRecord = wanting(() => true);
    const statusAt = async (queueOffset: number, topic = 'Orders'): Promise<string> =>
      (await get(store, { matchesRecord, queueOffset, topic })).status;
    expect(await statusAt(0, 'None')).toBe('NO_MATCHED_LOGIC_QUEUE');
    expect(await statusAt(-1)).toBe('OFFSET_TOO_SMALL');
    expect(await statusAt(3)).toBe('OFFSET_OVERFLOW_ONE');
    expect(await statusAt(4)).toBe('OFFSET_OVERFLOW_BADLY');
    expect(asked).toEqual([]);
  });

  it('asks about those only whose entry matches', async () => {
    await open(20);
    const result = await get(store, { matches: (code) => code === 1, matchesRecord: wanting((offset) => offset > 9) });
    expect(asked).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    expect(offsets(result)).toEqual([11, 13, 15, 17, 19]);
  });

  it('looks at a bounded number of messages in one call', async () => {
    await open(300, { maxFilterScanBytes: 2_000 });
    const matchesRecord = wanting(() => false);
    const result = await get(store, { matchesRecord });
    // 100 entries, and the rest of the chunk.
    expect(result.nextBeginOffset).toBeGreaterThanOrEqual(100);
    expect(result.nextBeginOffset).toBeLessThan(100 + FILTER_CHUNK_MESSAGES);
    expect(asked).toHaveLength(result.nextBeginOffset);
  });

  it('looks at a bounded number of bytes in one call', async () => {
    const bodyBytes = 1024 * 1024;
    await open(12, { segmentSizeBytes: 4 * bodyBytes, tailCacheBytes: bodyBytes }, bodyBytes);
    const result = await get(store, { matchesRecord: wanting(() => false) });
    expect(result.nextBeginOffset).toBe(8);
  });

  it('takes several turns of the event loop when the filter is slow, however many ask at once', async () => {
    await open(200);
    let turns = 0;
    let isOver = false;
    const countTurns = (): void => {
      turns++;
      if (!isOver) setImmediate(countTurns);
    };
    const slow = wanting(() => {
      const untilMs = performance.now() + 0.1;
      while (performance.now() < untilMs);
      return false;
    });
    countTurns();
    const results = await Promise.all(Array.from({ length: 5 }, () => get(store, { matchesRecord: slow })));
    isOver = true;
    expect(results.map(({ nextBeginOffset }) => nextBeginOffset)).toEqual([200, 200, 200, 200, 200]);
    // A chunk takes 3.2 ms, which is more than a turn may give; 35 chunks are to be looked at.
    expect(turns).toBeGreaterThanOrEqual(30);
  });

  it('reads nothing in a later turn when the store has been closed meanwhile', async () => {
    await open(1);
    const chunk = await get(store);
    const clock = new TickingClock();
    const getter = { get: (): GetResult => ({ ...chunk, nextBeginOffset: 1, maxOffset: 10 }) };
    const limits = { maxCountInMemory: 32, maxBytesInMemory: 1e6, maxCountOnDisk: 32, maxBytesOnDisk: 1e6 };
    const options = { ...limits, maxPullBytes: 1e6, maxPullMessages: 32, inMemoryBytes: 1e6, maxFilterScanBytes: 1e6 };
    const sizes = { maxFilterReadBytes: 1e6, filterTurnMs: 1, chunkMessages: 32, scratchBytes: 1e6 };
    const filtered = new FilteredGetter({ ...options, ...sizes }, getter, () => 1e6, clock);
    const request = { topic: 'Orders', queueId: 0, queueOffset: 0, maxMessages: 32 };
    const reading = filtered.get(
      request,
      wanting(() => true),
      () => {
        throw new Error('closed');
      },
    );
    await expect(reading).rejects.toThrow('closed');
    expect(asked).toEqual([0]);
  });
});
