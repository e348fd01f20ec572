import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENTRY_BYTES } from '../consume-queue/queue-entry.js';
import type { MessageStore } from '../message-store.js';
import { decodeAll, get, put, smallStore, tempFolder } from '../testing/store-fixture.js';

const FILE_ENTRIES = 10;

describe('damaged entries of a consume queue', () => {
  let folder: ReturnType<typeof tempFolder>;
  let store: MessageStore;

  beforeEach(async () => {
    folder = tempFolder();
    await open();
    for (let i = 0; i < 25; i++) await put(store, { body: Buffer.alloc(20, i) });
    await store.close();
  });

  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  async function open(tailCacheBytes?: number): Promise<void> {
    store = smallStore(folder.path, {
      consumeQueueFileEntries: FILE_ENTRIES,
      ...(tailCacheBytes === undefined ? {} : { tailCacheBytes }),
    });
    await store.open();
  }

  /** Lets an entry point to another place. */
  function damage(queueOffset: number, physicalOffset: bigint): void {
    const fileStart = queueOffset - (queueOffset % FILE_ENTRIES);
    const name = String(fileStart * ENTRY_BYTES).padStart(20, '0');
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(physicalOffset);
    const file = openSync(join(folder.path, 'consumequeue', 'Orders', '0', name), 'r+');
    writeSync(file, bytes, 0, 8, (queueOffset - fileStart) * ENTRY_BYTES);
    closeSync(file);
  }

  async function readAll(): Promise<number[]> {
    const found: number[] = [];
    for (let queueOffset = 0; queueOffset < store.maxOffset('Orders', 0);) {
      const result = await get(store, { queueOffset });
      found.push(...decodeAll(result).map((message) => message.queueOffset));
      expect(result.nextBeginOffset).toBeGreaterThan(queueOffset);
      queueOffset = result.nextBeginOffset;
    }
    return found;
  }

  const allBut = (...lacking: number[]): number[] =>
    Array.from({ length: 25 }, (_, i) => i).filter((i) => !lacking.includes(i));

  it('do not hide the messages before them', async () => {
    // Where a search for the first message that is still there looks.
    for (const queueOffset of [6, 9, 12]) damage(queueOffset, -5n);
    await open();
    expect(store.minOffset('Orders', 0)).toBe(0);
    expect(await readAll()).toEqual(allBut(6, 9, 12));
  });

  it('do not keep a pull from the messages beside them, wherever they point', async () => {
    damage(3, 0n);
    damage(14, 7n);
    await open(1);
    expect(await readAll()).toEqual(expect.arrayContaining(allBut(3, 14)));
  });
});
