import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { MAX_WAITING_READS, READ_AHEAD_BLOCKS, READ_BLOCK_BYTES } from '../defaults.js';
import type { MessageStore } from '../message-store.js';
import { FaultyFileSystem } from '../testing/faulty-file-system.js';
import { decodeAll, message, smallStore, tempFolder } from '../testing/store-fixture.js';

const BODY_BYTES = 2_000;
const MESSAGES = 3_000;
const PULL = 16;
const LOG_BLOCKS = Math.ceil((MESSAGES * BODY_BYTES) / READ_BLOCK_BYTES);

describe('reading the log ahead', () => {
  let folder: ReturnType<typeof tempFolder>;
  let disk: FaultyFileSystem;
  let store: MessageStore;

  beforeEach(async () => {
    folder = tempFolder();
    disk = new FaultyFileSystem();
    const options = { segmentSizeBytes: 2_000_000, consumeQueueFileEntries: 10_000, fileSystem: disk };
    const writer = smallStore(folder.path, options);
    await writer.open();
    const answers = Array.from(
      { length: MESSAGES },
      (_, i) =>
        new Promise((resolve) => {
          writer.putMessage(message({ body: Buffer.from(`${i}/`.padEnd(BODY_BYTES, '.')) }), resolve);
        }),
    );
    await Promise.all(answers);
    await writer.close();
    // Nothing counts as being in the page cache: every read of the log goes off the event loop.
    store = smallStore(folder.path, { ...options, pageCacheBytes: 0, fileSystem: (disk = new FaultyFileSystem()) });
    await store.open();
    await waitFor(() => disk.readsUnderWay === 0, 'the reads of the start');
    disk.asyncReads = 0;
  });

  afterEach(async () => {
    disk.release();
    await store.close();
    folder.remove();
  });

  /** @returns true when the pull had to wait. */
  async function pull(queueOffset: number): Promise<boolean> {
    const result = store.getMessage({ topic: 'Orders', queueId: 0, queueOffset, maxMessages: PULL });
    const found = await result;
    const bodies = decodeAll(found).map(({ body }) => body.toString('latin1', 0, body.indexOf('/')));
    expect(bodies).toEqual(Array.from({ length: bodies.length }, (_, i) => String(queueOffset + i)));
    expect(bodies.length).toBe(Math.min(PULL, MESSAGES - queueOffset));
    return result instanceof Promise;
  }

  it('serves a reader that goes from block to block without waiting, and reads every block once', async () => {
    let waits = 0;
    for (let offset = 0; offset < MESSAGES; offset += PULL) {
      if (await pull(offset)) waits++;
      await waitFor(() => disk.readsUnderWay === 0, 'the reads ahead');
    }
    // The first two blocks, windows of queue entries, and records that cross from segment to segment.
    expect(waits).toBeLessThan(LOG_BLOCKS / 2);
    expect(disk.asyncReads).toBeLessThan(2 * LOG_BLOCKS);
    expect(disk.mostReadsUnderWay).toBeLessThanOrEqual(MAX_WAITING_READS + 1);
  });

  it('reads nothing ahead of a reader that jumps about', async () => {
    const jump = Math.ceil((3 * READ_BLOCK_BYTES) / BODY_BYTES);
    let waits = 0;
    for (let offset = 0; offset < MESSAGES - PULL; offset += jump) {
      if (await pull(offset)) waits++;
      await waitFor(() => disk.readsUnderWay === 0, 'the reads ahead');
    }
    expect(waits).toBe(Math.ceil((MESSAGES - PULL) / jump));
  });

  it('gives what it reads to a reader that comes while it is on its way, and stays within its distance', async () => {
    const perBlock = READ_BLOCK_BYTES / BODY_BYTES;
    await pull(0);
    await pull(Math.ceil(perBlock));
    await waitFor(() => disk.readsUnderWay === 0, 'the reads ahead');
    // Two blocks that were asked for, so many ahead, and windows of queue entries.
    expect(disk.asyncReads).toBeGreaterThanOrEqual(2 + READ_AHEAD_BLOCKS);
    expect(disk.asyncReads).toBeLessThanOrEqual(2 + READ_AHEAD_BLOCKS + 2);
    disk.holdReads = true;
    // The first use of what was read ahead reads one block more, which is held up; its reader waits for that read.
    expect(await pull(Math.ceil(2 * perBlock) + PULL)).toBe(false);
    const last = pull(Math.ceil((2 + READ_AHEAD_BLOCKS) * perBlock) + PULL);
    await waitFor(() => disk.heldCount > 0, 'a read ahead that is under way');
    disk.release();
    expect(await last).toBe(true);
  });
});
