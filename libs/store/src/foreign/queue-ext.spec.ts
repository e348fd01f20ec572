import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tagsCodeOf } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { message, put, smallStore, tempFolder } from '../testing/store-fixture.js';

const UNIT_BYTES = 34;
const EXT_FILE_BYTES = 5 * UNIT_BYTES + 2;
const MESSAGES = 12;

describe('consume queues with ext units', () => {
  let folder: ReturnType<typeof tempFolder>;
  let queueFile: string;
  let extFolder: string;

  beforeEach(async () => {
    folder = tempFolder();
    queueFile = join(folder.path, 'consumequeue/Orders/0/00000000000000000000');
    extFolder = join(folder.path, 'consumequeue_ext/Orders/0');
    const store = smallStore(folder.path);
    await store.open();
    for (let i = 0; i < MESSAGES; i++) {
      const tags = i % 2 === 0 ? 'Even' : 'AnOdd';
      await put(store, message({ properties: `TAGS\u0001${tags}\u0002`, tagsCode: tagsCodeOf(tags) }));
    }
    await store.close();
  });

  afterEach(() => {
    folder.remove();
  });

  /** Moves the tagsCodes into ext files as RocketMQ lays them out: five units to a file, the rest of which is marked by -1. */
  function moveToExt(): void {
    const entries = readFileSync(queueFile);
    mkdirSync(extFolder, { recursive: true });
    for (let start = 0; start < MESSAGES; start += 5) {
      const file = Buffer.alloc(EXT_FILE_BYTES);
      let at = 0;
      for (let i = start; i < Math.min(start + 5, MESSAGES); i++) {
        const tagsCodeAt = i * 20 + 12;
        file.writeInt16BE(UNIT_BYTES, at);
        entries.copy(file, at + 2, tagsCodeAt, tagsCodeAt + 8);
        file.writeInt16BE(14, at + 18);
        const place = (start / 5) * EXT_FILE_BYTES + at;
        // Every third keeps its tagsCode, as when the ext files were full.
        if (i % 3 !== 2) entries.writeBigInt64BE(-(2n ** 63n) + BigInt(place), tagsCodeAt);
        at += UNIT_BYTES;
      }
      file.writeInt16BE(-1, at);
      const name = String((start / 5) * EXT_FILE_BYTES).padStart(20, '0');
      writeFileSync(join(extFolder, name), file);
    }
    writeFileSync(queueFile, entries);
  }

  it('get their tags codes back', async () => {
    const before = readFileSync(queueFile);
    moveToExt();
    expect(readFileSync(queueFile).equals(before)).toBe(false);
    const store = smallStore(folder.path);
    await store.open();
    expect(readFileSync(queueFile).equals(before)).toBe(true);
    expect(existsSync(join(folder.path, 'consumequeue_ext'))).toBe(false);
    const odd = await store.cqEntry('Orders', 0, 1);
    expect(odd?.tagsCode).toBe(tagsCodeOf('AnOdd'));
    await store.close();
  });

  it('are refused when a unit is missing', async () => {
    moveToExt();
    writeFileSync(join(extFolder, '0'.repeat(20)), Buffer.alloc(EXT_FILE_BYTES));
    await expect(smallStore(folder.path).open()).rejects.toThrow('consumequeue_ext away');
  });
});
