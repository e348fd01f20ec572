import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeFileSystem } from '../io/node-file-system.js';
import { put, smallStore, tempFolder } from '../testing/store-fixture.js';
import { StoreCheckpoint } from './store-checkpoint.js';

describe('the checkpoint', () => {
  let folder: ReturnType<typeof tempFolder>;

  beforeEach(() => {
    folder = tempFolder();
  });

  afterEach(() => {
    folder.remove();
  });

  function load(): StoreCheckpoint {
    const checkpoint = new StoreCheckpoint(join(folder.path, 'checkpoint'), new NodeFileSystem());
    checkpoint.load();
    return checkpoint;
  }

  const point = {
    physicalOffset: 5_000_000_000,
    lastRecordOffset: 4_999_999_000,
    entryCount: 77,
    flushedOffset: 5_000_000_500,
  };

  it('has the layout of RocketMQ in its first 40 bytes', async () => {
    const checkpoint = load();
    expect(checkpoint).toMatchObject({ found: false, point: undefined, minTimestamp: 0 });
    checkpoint.set(point, 1_700_000_000_000);
    await checkpoint.save();
    checkpoint.close();
    const bytes = readFileSync(join(folder.path, 'checkpoint'));
    expect(bytes.length).toBe(4096);
    expect([0, 8, 16, 24, 32].map((at) => bytes.readBigInt64BE(at))).toEqual([
      1_700_000_000_000n,
      1_700_000_000_000n,
      0n,
      0n,
      0n,
    ]);
    expect(bytes.subarray(40, 2048).every((byte) => byte === 0)).toBe(true);
  });

  it('does not believe its own part when RocketMQ has written the page since', () => {
    const checkpoint = load();
    checkpoint.set(point, 10_000);
    checkpoint.saveSync();
    checkpoint.close();
    const path = join(folder.path, 'checkpoint');
    const bytes = readFileSync(path);
    bytes.writeBigInt64BE(20_000n, 0);
    writeFileSync(path, bytes);
    const again = load();
    expect(again).toMatchObject({ found: true, point: undefined, times: { physicMsgTimestamp: 20_000 } });
    again.close();
  });

  it('comes back as it was, RocketMQ fields included', () => {
    const foreign = Buffer.alloc(4096);
    [9_000, 8_000, 7, 6, 5].forEach((value, i) => foreign.writeBigInt64BE(BigInt(value), i * 8));
    writeFileSync(join(folder.path, 'checkpoint'), foreign);
    const checkpoint = load();
    expect(checkpoint).toMatchObject({ found: true, point: undefined, minTimestamp: 5_000 });
    checkpoint.set(point, 10_000);
    checkpoint.saveSync();
    checkpoint.close();
    const again = load();
    expect(again.point).toEqual(point);
    expect(again.times).toEqual({
      physicMsgTimestamp: 10_000,
      logicsMsgTimestamp: 10_000,
      indexMsgTimestamp: 7,
      masterFlushedOffset: 6,
      confirmPhyOffset: 5,
    });
    again.close();
  });

  it('is not believed when a byte of it is wrong', () => {
    const checkpoint = load();
    checkpoint.set(point, 10_000);
    checkpoint.saveSync();
    checkpoint.close();
    const bytes = readFileSync(join(folder.path, 'checkpoint'));
    bytes[2048 + 15] ^= 1;
    writeFileSync(join(folder.path, 'checkpoint'), bytes);
    const again = load();
    expect(again).toMatchObject({ found: true, point: undefined });
    again.close();
  });

  it('follows the store, and is exact after a clean stop', async () => {
    const store = smallStore(folder.path);
    await store.open();
    for (let i = 0; i < 30; i++) void put(store, { queueId: i % 4 });
    const last = await put(store);
    const end = store.maxPhysicalOffset;
    await store.close();
    const checkpoint = load();
    expect(checkpoint.point).toEqual({
      physicalOffset: end,
      lastRecordOffset: last.physicalOffset,
      entryCount: 31,
      flushedOffset: end,
      index: { offset: end, entryCount: 62 },
      logStartOffset: 0,
    });
    expect(checkpoint.times.logicsMsgTimestamp).toBe(last.storeTimestamp);
    checkpoint.close();
  });
});
