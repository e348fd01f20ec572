import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { put, smallStore, tempFolder } from '../testing/store-fixture.js';

describe('layouts of RocketMQ that the store does not read', () => {
  let folder: ReturnType<typeof tempFolder>;

  beforeEach(() => {
    folder = tempFolder();
  });

  afterEach(() => {
    folder.remove();
  });

  function file(path: string, bytes = 4): void {
    mkdirSync(join(folder.path, path, '..'), { recursive: true });
    writeFileSync(join(folder.path, path), Buffer.alloc(bytes, 1));
  }

  it.each([
    ['consumequeue/CURRENT', /RocksDB/],
    ['dledger-n0/data/00000000000000000000', /DLedger/],
    ['batchconsumequeue/Batches/0/00000000000000000000', /BatchCQ\).*Batches/],
  ])('are refused: %s', async (path, message) => {
    file(path);
    await expect(smallStore(folder.path).open()).rejects.toThrow(message);
    await expect(smallStore(folder.path).open()).rejects.toMatchObject({ code: 'STORE_FOREIGN_LAYOUT' });
  });

  it('are refused when all queue files have another size', async () => {
    for (let queueId = 0; queueId < 4; queueId++) file(`consumequeue/Orders/${queueId}/00000000000000000000`, 800);
    await expect(smallStore(folder.path).open()).rejects.toThrow('have 800 bytes');
  });

  it('do not include a queue file that a crash left short', async () => {
    const store = smallStore(folder.path);
    await store.open();
    await put(store);
    await store.close();
    file('consumequeue/Other/0/00000000000000000000', 20);
    const again = smallStore(folder.path);
    await again.open();
    expect(again.maxOffset('Orders', 0)).toBe(1);
    await again.close();
  });

  it('leaves light queues alone', async () => {
    const store = smallStore(folder.path);
    await store.open();
    await put(store);
    await store.close();
    file('consumequeue/%LMQ%of-a-client/0/00000000000000000000', 1_000);
    writeFileSync(join(folder.path, 'abort'), '');
    const again = smallStore(folder.path);
    const report = await again.open();
    expect(report).toMatchObject({ queuesRebuilt: false, queues: 1 });
    expect(again.maxOffset('%LMQ%of-a-client', 0)).toBe(0);
    await again.close();
  });
});
