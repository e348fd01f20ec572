import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.js';
import { LocalFileOffsetStore } from './local-file-offset-store.js';
import { OFFSET_NOT_FOUND } from './offset-store.js';
import { ConsumeQueueRef } from './queue-ref.js';

const queue = (queueId: number): ConsumeQueueRef => new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId });

/** As fastjson of the Java client writes it, pretty. */
const JAVA_FILE = `{
\t"offsetTable":{{
\t\t\t"brokerName":"b",
\t\t\t"queueId":1,
\t\t\t"topic":"t"
\t\t}:17,{
\t\t\t"brokerName":"b",
\t\t\t"queueId":2,
\t\t\t"topic":"t"
\t\t}:4
\t}
}`;

describe('LocalFileOffsetStore', () => {
  let directory: string;
  let warnings: string[];
  const open = async (): Promise<LocalFileOffsetStore> => {
    const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    const store = new LocalFileOffsetStore({ group: 'g', clientId: '10.0.0.1@DEFAULT', directory, logger });
    await store.load();
    return store;
  };
  const path = (): string => join(directory, '10.0.0.1@DEFAULT', 'g', 'offsets.json');
  const put = (content: string, suffix = ''): void => {
    mkdirSync(dirname(path()), { recursive: true });
    writeFileSync(path() + suffix, content);
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rocknest-offsets-'));
    warnings = [];
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('knows nothing at first, and finds after a restart what was written', async () => {
    const first = await open();
    expect(await first.read(queue(1))).toBe(OFFSET_NOT_FOUND);
    first.update(queue(1), 5, true);
    first.update(queue(1), 3, true);
    first.update(queue(2), 9, false);
    expect(first.notPersisted()).toBeUndefined();
    expect(await first.persist(queue(1))).toBe(true);
    expect(await (await open()).read(queue(1))).toBe(5);
    expect(await (await open()).read(queue(2))).toBe(OFFSET_NOT_FOUND);
    await first.persistAll();
    const second = await open();
    expect([await second.read(queue(1)), await second.read(queue(2))]).toEqual([5, 9]);
    expect(second.table('t')).toEqual([
      [{ topic: 't', brokerName: 'b', queueId: 1 }, 5],
      [{ topic: 't', brokerName: 'b', queueId: 2 }, 9],
    ]);
    expect(readFileSync(path(), 'utf8')).toBe(
      '{"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:5,{"brokerName":"b","queueId":2,"topic":"t"}:9}}',
    );
  });

  it('reads what Java wrote, and keeps offsets of queues that are not consumed now', async () => {
    put(JAVA_FILE);
    const store = await open();
    expect(await store.read(queue(1))).toBe(17);
    store.update(queue(1), 20, true);
    await store.persistAll();
    store.remove(queue(1));
    expect(store.inMemory(queue(1))).toBeUndefined();
    const again = await open();
    expect([await again.read(queue(1)), await again.read(queue(2))]).toEqual([20, 4]);
    expect(readFileSync(`${path()}.bak`, 'utf8')).toBe(JAVA_FILE);
    expect(warnings).toEqual([]);
  });

  it('lets an offset go down when that is meant', async () => {
    const store = await open();
    store.update(queue(1), 50, true);
    await store.persistAll();
    store.update(queue(1), 10, false);
    await store.persistAll();
    expect(await (await open()).read(queue(1))).toBe(10);
  });

  it.each([
    ['a torn file', JAVA_FILE.slice(0, 60)],
    ['an empty file', ''],
    ['text', 'offsets'],
  ])('takes the backup for %s, and never makes the damaged file the backup', async (_, content) => {
    put(content);
    put(JAVA_FILE, '.bak');
    const store = await open();
    expect(await store.read(queue(1))).toBe(17);
    expect(warnings).toHaveLength(1);
    store.update(queue(1), 18, true);
    await store.persistAll();
    expect(readFileSync(`${path()}.bak`, 'utf8')).toBe(JAVA_FILE);
    expect(await (await open()).read(queue(1))).toBe(18);
  });

  it('takes the backup when a crash left only that', async () => {
    put(JAVA_FILE, '.bak');
    expect(await (await open()).read(queue(2))).toBe(4);
  });

  it('begins anew with a warning when a damaged file has no backup', async () => {
    put('{"offsetTable":{{');
    expect(await (await open()).read(queue(1))).toBe(OFFSET_NOT_FOUND);
    expect(warnings[0]).toContain('there is no .bak');
  });

  it('refuses to start when both are damaged', async () => {
    put('{"offsetTable":{{');
    put('[]', '.bak');
    await expect(open()).rejects.toMatchObject({ code: 'LOCAL_OFFSETS_UNREADABLE' });
  });

  it('says when it can not write, and goes on', async () => {
    const store = await open();
    writeFileSync(join(directory, '10.0.0.1@DEFAULT'), 'a file where a folder must be');
    store.update(queue(1), 5, true);
    expect(await store.persist(queue(1))).toBe(false);
    expect(warnings[0]).toContain('not written');
    rmSync(join(directory, '10.0.0.1@DEFAULT'));
    expect(await store.persist(queue(1))).toBe(true);
    expect(await (await open()).read(queue(1))).toBe(5);
  });
});
