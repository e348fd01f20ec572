import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHost } from '@rocknest/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { MessageStore } from '../message-store.js';
import { READ_BLOCK_BYTES, READ_BLOCK_OVERLAP_BYTES, READ_CACHE_SPENT_BYTES } from '../defaults.js';
import { FaultyFileSystem } from '../testing/faulty-file-system.js';
import type { GetResult, PutMessage } from '../types.js';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function message(queueId: number, body: string): PutMessage {
  return {
    topic: 'ReadCache',
    queueId,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: encodeHost('127.0.0.1:1'),
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: Buffer.from(body.padEnd(2_000, '.')),
    properties: '',
    tagsCode: 0,
    waitStoreOk: true,
  };
}

describe('the cache of old log', () => {
  it('hands out the right bytes while the buffers of its blocks are used again, in any order of reads', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rocknest-read-cache-'));
    folders.push(folder);
    const options = { rootPath: folder, storeHost: '127.0.0.1:10911', segmentSizeBytes: 4 * 1024 * 1024 };
    const queues = 4;
    const perQueue = 1_500;
    let store = new MessageStore(options);
    await store.open();
    let answered = 0;
    for (let i = 0; i < queues * perQueue; i++) {
      store.putMessage(message(i % queues, `${i % queues}/${Math.floor(i / queues)}`), () => answered++);
      if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await store.close();
    expect(answered).toBe(queues * perQueue);
    // A cache of one block: each read drops what the read before it loaded.
    store = new MessageStore({ ...options, readCacheBytes: 1 });
    await store.open();
    const pending: Promise<void>[] = [];
    let checked = 0;
    for (let start = 0; start < perQueue; start += 8) {
      for (let queueId = 0; queueId < queues; queueId++) {
        const result = store.getMessage({ topic: 'ReadCache', queueId, queueOffset: start, maxMessages: 8 });
        const check = ({ records, messageCount }: GetResult): void => {
          const bytes = Buffer.concat(records).toString('latin1');
          for (let i = 0; i < messageCount; i++) expect(bytes).toContain(`${queueId}/${start + i}.`);
          checked += messageCount;
        };
        // Kept until later reads have been made, as a slow socket would.
        if (result instanceof Promise) pending.push(result.then(check));
        else pending.push(new Promise((resolve) => setImmediate(() => resolve(check(result)))));
      }
      if (start % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(pending);
    await store.close();
    expect(checked).toBeGreaterThan(0);
  });

  it('keeps little of what was read through, and everything that somebody still has to read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rocknest-read-cache-'));
    folders.push(folder);
    const perQueue = 2_000;
    const disk = new FaultyFileSystem();
    const options = { rootPath: folder, storeHost: '127.0.0.1:10911', segmentSizeBytes: 16 * 1024 * 1024 };
    let store = new MessageStore(options);
    await store.open();
    for (let i = 0; i < perQueue; i++) {
      // Both queues have a message in each block, so that each block serves both.
      await Promise.all(
        [0, 1].map((queueId) => new Promise((done) => store.putMessage(message(queueId, `${i}`), done))),
      );
    }
    await store.close();
    store = new MessageStore({ ...options, fileSystem: disk });
    await store.open();
    const readThrough = async (queueId: number): Promise<number> => {
      disk.syncReads = disk.asyncReads = 0;
      let read = 0;
      while (read < perQueue) {
        const found = await store.getMessage({ topic: 'ReadCache', queueId, queueOffset: read, maxMessages: 32 });
        expect(found.messageCount).toBeGreaterThan(0);
        read += found.messageCount;
      }
      return disk.syncReads + disk.asyncReads;
    };
    const logBytes = 2 * perQueue * 2_000;
    expect(await readThrough(0)).toBeGreaterThan(logBytes / READ_BLOCK_BYTES / 2);
    const half = store.stats().readCacheBytes;
    expect(half).toBeGreaterThan(logBytes * 0.9);
    // The other half comes out of the blocks that the first reader brought: what is read is the entries of the queue alone.
    expect(await readThrough(1)).toBeLessThan(6);
    // A third reader finds all of them spent, and gets along with few buffers beside the last ones.
    await readThrough(0);
    await store.close();

    store = new MessageStore({ ...options, fileSystem: disk });
    await store.open();
    for (let offset = 0; offset < perQueue; offset += 32) {
      for (const queueId of [0, 1]) {
        await store.getMessage({ topic: 'ReadCache', queueId, queueOffset: offset, maxMessages: 32 });
      }
    }
    const blockBytes = READ_BLOCK_BYTES + READ_BLOCK_OVERLAP_BYTES;
    expect(store.stats().readCacheBytes).toBeLessThanOrEqual(READ_CACHE_SPENT_BYTES + 2 * blockBytes);
    expect(store.stats().readCacheBytes).toBeGreaterThan(0);
    await store.close();
  });
});
