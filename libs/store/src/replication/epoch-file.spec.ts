import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempFolder } from '../testing/store-fixture.js';
import { EpochFile } from './epoch-file.js';
import { EpochTable } from './epoch-table.js';

let folder: ReturnType<typeof tempFolder>;
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => folder.remove());

describe('the file of epochs', () => {
  it("has RocketMQ's form: count, checksum, one line for each epoch", async () => {
    const file = new EpochFile(folder.path);
    expect(file.load().entries).toEqual([]);
    await file.save(
      new EpochTable([
        { epoch: 7, startOffset: 7_000 },
        { epoch: 8, startOffset: 8_000 },
      ]),
    );
    // The example in RocketMQ's own comment.
    expect(readFileSync(join(folder.path, 'epochFileCheckpoint'), 'utf8')).toBe('2\n773307083\n7-7000\n8-8000\n');
    expect(file.load().entries).toEqual([
      { epoch: 7, startOffset: 7_000 },
      { epoch: 8, startOffset: 8_000 },
    ]);
    expect(readdirSync(folder.path)).toEqual(['epochFileCheckpoint']);
  });

  it('is replaced, not appended to', async () => {
    const file = new EpochFile(folder.path);
    await file.save(new EpochTable([{ epoch: 1, startOffset: 0 }]));
    await file.save(new EpochTable([]));
    expect(file.load().entries).toEqual([]);
  });

  it.each([
    ['', 'an empty file'],
    ['2\n773307083\n7-7000\n', 'a line that is missing'],
    ['2\n773307083\n7-7000\n8-8001\n', 'another offset'],
    ['1\n0\nseven\n', 'no numbers'],
  ])('that is damaged (%j) is refused: %s', (content) => {
    writeFileSync(join(folder.path, 'epochFileCheckpoint'), content);
    expect(() => new EpochFile(folder.path).load()).toThrow(expect.objectContaining({ code: 'STORE_EPOCHS' }));
  });
});
