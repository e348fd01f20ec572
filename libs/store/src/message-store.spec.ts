import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageStore } from './message-store.js';
import { decodeAll, get, put, readQueue, smallStore, tempFolder } from './testing/store-fixture.js';

describe('MessageStore', () => {
  let folder: ReturnType<typeof tempFolder>;
  let store: MessageStore;

  beforeEach(async () => {
    folder = tempFolder();
    store = smallStore(folder.path);
    await store.open();
  });

  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  it('stores a message and gives it back as it was', async () => {
    const result = await put(store, { body: Buffer.from('a body'), queueId: 3 });
    expect(result).toMatchObject({ status: 'PUT_OK', queueOffset: 0, physicalOffset: 0, messageCount: 1 });
    const found = await get(store, { queueId: 3 });
    expect(found).toMatchObject({ status: 'FOUND', nextBeginOffset: 1, minOffset: 0, maxOffset: 1, messageCount: 1 });
    expect(decodeAll(found)[0]).toMatchObject({
      topic: 'Orders',
      queueId: 3,
      queueOffset: 0,
      flag: 7,
      bornHost: '10.1.2.3:4567',
      storeHost: '127.0.0.1:10911',
      properties: { TAGS: 'TagA', KEYS: 'k1' },
      offsetMsgId: result.offsetMsgIds(),
      storeTimestamp: result.storeTimestamp,
    });
    expect(decodeAll(found)[0].body.toString()).toBe('a body');
  });

  it('is the same after it was closed and opened again', async () => {
    for (let i = 0; i < 500; i++) void put(store, { body: Buffer.from(`message ${i}`), queueId: i % 3 });
    await put(store, { queueId: 0 });
    const before = await readQueue(store, 'Orders', 1);
    await store.close();
    store = smallStore(folder.path);
    const report = await store.open();
    expect(report).toMatchObject({ cleanStop: true, scannedRecords: 0, cutBytes: 0, queuesRebuilt: false, lines: [] });
    expect(await readQueue(store, 'Orders', 1)).toEqual(before);
    expect(await put(store, { queueId: 1 })).toMatchObject({ queueOffset: before.length });
  });
});
