import { closeSync, cpSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MessageStore } from '../message-store.js';
import {
  crashCopy,
  damageLog,
  put,
  putBatch,
  BORN_HOST,
  readQueue,
  smallStore,
  tempFolder,
} from '../testing/store-fixture.js';
import type { Finding } from './finding.js';
import { planRepair } from './repair/repair-plan.js';
import { verifyStore, type VerifyReport } from './verify-store.js';

const SEGMENT = 16 * 1024;
const FILE_ENTRIES = 50;
const SIZES = { segmentSizeBytes: SEGMENT, consumeQueueFileEntries: FILE_ENTRIES };

const logName = (index: number): string => String(index * SEGMENT).padStart(20, '0');
const queueName = (index: number): string => String(index * FILE_ENTRIES * 20).padStart(20, '0');

function overwrite(path: string, position: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

const essence = ({ kind, severity, position, physicalOffset }: Finding): unknown => ({
  kind,
  severity,
  ...(position === undefined ? {} : { position }),
  ...(physicalOffset === undefined ? {} : { physicalOffset }),
});

describe('verifyStore', () => {
  /** A store that was closed properly, made once; each test works on a copy. */
  let original: ReturnType<typeof tempFolder>;
  let folder: ReturnType<typeof tempFolder>;
  /** Where the messages of queue 0 stand. */
  let places: { physicalOffset: number; sizeBytes: number }[];

  async function fill(store: MessageStore): Promise<void> {
    for (let i = 0; i < 300; i++) await put(store, { queueId: i % 2, body: Buffer.from(`message ${i}`) });
    const shared = {
      topic: 'Batches',
      queueId: 0,
      sysFlag: 0,
      bornTimestamp: 1,
      bornHost: BORN_HOST,
      reconsumeTimes: 0,
      waitStoreOk: true,
    };
    const items = Array.from({ length: 5 }, (_, i) => ({
      flag: 0,
      body: Buffer.from(`item ${i}`),
      properties: 'TAGS\u0001a\u0002',
    }));
    await putBatch(store, { ...shared, items });
  }

  beforeAll(async () => {
    original = tempFolder();
    const store = smallStore(original.path);
    await store.open();
    await fill(store);
    places = (await readQueue(store)).map(({ physicalOffset, storeSize }) => ({
      physicalOffset,
      sizeBytes: storeSize,
    }));
    await store.close();
  });

  afterAll(() => {
    original.remove();
  });

  beforeEach(() => {
    folder = tempFolder();
    cpSync(original.path, folder.path, { recursive: true });
  });

  afterEach(() => {
    folder.remove();
  });

  const verify = (): Promise<VerifyReport> => verifyStore({ rootPath: folder.path, ...SIZES });
  const logFile = (index: number): string => join(folder.path, 'commitlog', logName(index));
  const queueFile = (queueId: number, index = 0): string =>
    join(folder.path, 'consumequeue', 'Orders', String(queueId), queueName(index));

  it('finds nothing wrong with a store that was closed properly, and sums it up', async () => {
    const report = await verify();
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ cleanStop: true, damageCount: 0, damagedRanges: [] });
    expect(report.log).toMatchObject({ minOffset: 0, records: 305, damagedBytes: 0 });
    expect(report.queues).toEqual([
      {
        topic: 'Batches',
        queueId: 0,
        minOffset: 0,
        maxOffset: 5,
        rowEnd: 5,
        messages: 5,
        expired: 0,
        fillers: 0,
        lost: 0,
      },
      {
        topic: 'Orders',
        queueId: 0,
        minOffset: 0,
        maxOffset: 150,
        rowEnd: 150,
        messages: 150,
        expired: 0,
        fillers: 0,
        lost: 0,
      },
      {
        topic: 'Orders',
        queueId: 1,
        minOffset: 0,
        maxOffset: 150,
        rowEnd: 150,
        messages: 150,
        expired: 0,
        fillers: 0,
        lost: 0,
      },
    ]);
  });

  it('tells the file sizes from the files', async () => {
    const { survey } = await verifyStore({ rootPath: folder.path });
    expect(survey).toMatchObject({ segmentSizeBytes: SEGMENT, fileEntries: FILE_ENTRIES });
    truncateSync(logFile(1), 5_000);
    expect((await verifyStore({ rootPath: folder.path })).survey.segmentSizeBytes).toBe(SEGMENT);
  });

  it('changes nothing, and works without the right to write', async () => {
    const before = readdirSync(folder.path, { recursive: true }).sort();
    rmSync(join(folder.path, 'checkpoint'));
    await verify();
    expect(readdirSync(folder.path, { recursive: true }).sort()).toEqual(
      before.filter((name) => name !== 'checkpoint'),
    );
  });

  it('names the place of a damaged message, and the entry that points at it', async () => {
    const { physicalOffset, sizeBytes } = places[20];
    damageLog(folder.path, SEGMENT, physicalOffset + 95, Buffer.from([0xff]));
    const report = await verify();
    expect(report.findings.map(essence)).toEqual([
      { kind: 'LOG_DAMAGED', severity: 'damage', position: physicalOffset, physicalOffset },
      { kind: 'QUEUE_ENTRY_LOST', severity: 'damage', position: 20 * 20 },
    ]);
    expect(report.findings[0].text).toContain('the body CRC is wrong');
    expect(report.damagedRanges).toMatchObject([{ fromOffset: physicalOffset, toOffset: physicalOffset + sizeBytes }]);
    expect(report.log.records).toBe(304);
  });

  it('goes on behind several places of damage, over the border of files', async () => {
    damageLog(folder.path, SEGMENT, places[10].physicalOffset, Buffer.alloc(100));
    damageLog(folder.path, SEGMENT, SEGMENT - 3_000, Buffer.alloc(6_000, 0x33));
    const report = await verify();
    expect(report.damagedRanges).toHaveLength(3);
    expect(report.damagedRanges[1].toOffset).toBe(SEGMENT);
    expect(report.findings.find(({ kind }) => kind === 'QUEUE_ENTRY_LOST')?.count).toBeGreaterThan(10);
    expect(report.findings.filter(({ kind }) => !['LOG_DAMAGED', 'QUEUE_ENTRY_LOST'].includes(kind))).toEqual([]);
  });

  it('tells a damaged filler from lost messages', async () => {
    const lastInFirst = await lastRecordEnd();
    overwrite(logFile(0), lastInFirst + 4, Buffer.alloc(4, 1));
    const report = await verify();
    expect(report.findings.map(essence)).toEqual([
      { kind: 'LOG_FILLER_DAMAGED', severity: 'damage', position: lastInFirst, physicalOffset: lastInFirst },
    ]);
  });

  async function lastRecordEnd(): Promise<number> {
    const all = [...places];
    const store = smallStore(folder.path);
    await store.open();
    for (const { physicalOffset, storeSize } of await readQueue(store, 'Orders', 1))
      all.push({ physicalOffset, sizeBytes: storeSize });
    await store.close();
    return Math.max(
      ...all.map(({ physicalOffset, sizeBytes }) => physicalOffset + sizeBytes).filter((end) => end < SEGMENT),
    );
  }

  it('tells of a missing log file, and of the messages that were in it', async () => {
    rmSync(logFile(1));
    const report = await verify();
    expect(report.findings[0]).toMatchObject({
      kind: 'LOG_FILE_MISSING',
      path: logFile(1),
      physicalOffset: SEGMENT,
      endPhysicalOffset: 2 * SEGMENT,
    });
    expect(report.findings.filter(({ kind }) => kind === 'QUEUE_ENTRY_LOST')).toHaveLength(2);
  });

  it('tells of a log that lost its end', async () => {
    const last = places[149].physicalOffset;
    damageLog(folder.path, SEGMENT, last, Buffer.alloc(2_000));
    const report = await verify();
    expect(report.findings.map(({ kind }) => kind).sort()).toEqual([
      'INDEX_DAMAGED',
      'LOG_TOO_SHORT',
      'QUEUE_ENTRY_STRAY',
      'QUEUE_ENTRY_STRAY',
      'QUEUE_ENTRY_STRAY',
    ]);
    expect(report.damageCount).toBe(5);
  });

  it('tells of bytes behind the last message', async () => {
    const { log } = await verify();
    damageLog(folder.path, SEGMENT, log.endOffset, Buffer.alloc(77, 0x41));
    const report = await verify();
    expect(report.findings.map(essence)).toEqual([
      { kind: 'LOG_TORN_TAIL', severity: 'damage', position: log.endOffset % SEGMENT, physicalOffset: log.endOffset },
    ]);
    expect(report.tornEndOffset).toBe(log.endOffset + 77);
    writeFileSync(join(folder.path, 'abort'), '');
    expect((await verify()).findings.map(({ kind, severity }) => [kind, severity])).toEqual([
      ['UNCLEAN_STOP', 'notice'],
      ['LOG_TORN_TAIL', 'notice'],
    ]);
  });

  it.each([
    [
      'the place in the log',
      0,
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 3]),
      ['QUEUE_ENTRY_WRONG', 'QUEUE_ENTRY_STRAY', 'QUEUE_ENTRY_MISSING'],
    ],
    ['the size', 8, Buffer.from([0, 0, 0, 9]), ['QUEUE_ENTRY_WRONG']],
    ['the tags code', 19, Buffer.from([1]), ['QUEUE_ENTRY_WRONG']],
    ['everything', 0, Buffer.alloc(20), ['QUEUE_HOLE', 'QUEUE_ENTRY_MISSING']],
  ])('finds an entry with a damaged field: %s', async (_name, at, bytes, kinds) => {
    overwrite(queueFile(1, 1), 7 * 20 + at, bytes);
    const report = await verify();
    expect(report.findings.map(({ kind }) => kind)).toEqual(kinds);
    for (const finding of report.findings.filter(({ position }) => position !== undefined))
      expect(finding).toMatchObject({ path: queueFile(1, 1), position: 7 * 20, topic: 'Orders', queueId: 1 });
  });

  it.each([
    ['first', 0],
    ['middle', 1],
    ['last', 2],
  ])('finds a missing queue file: the %s', async (_name, index) => {
    rmSync(queueFile(0, index));
    const report = await verify();
    const missing = report.findings.find(({ kind }) => kind === 'QUEUE_ENTRY_MISSING');
    expect(missing).toMatchObject({ severity: 'damage', count: 50, queueOffset: index * 50 });
  });

  it('finds a truncated queue file and files that do not belong there', async () => {
    truncateSync(queueFile(0, 1), 333);
    writeFileSync(join(folder.path, 'commitlog', 'notes.txt'), 'x');
    const { findings } = await verify();
    expect(findings.map(({ kind }) => kind)).toEqual(['FOREIGN_FILE', 'QUEUE_FILES', 'QUEUE_ENTRY_MISSING']);
    expect(findings[1].text).toContain('333 bytes instead of 1000');
  });

  it('takes messages of a deleted topic for what they are', async () => {
    const store = smallStore(folder.path);
    await store.open();
    await store.deleteTopic('Batches');
    await store.deleteTopic('Orders');
    for (let i = 0; i < 10; i++) await put(store);
    await store.close();
    const report = await verify();
    expect(report.damageCount).toBe(0);
    expect(report.findings.map(({ kind, topic, queueId }) => [kind, topic, queueId])).toEqual([
      ['QUEUE_ABSENT', 'Orders', 1],
      ['QUEUE_ABSENT', 'Batches', 0],
    ]);
  });

  it('looks at the checkpoint', async () => {
    const path = join(folder.path, 'checkpoint');
    overwrite(path, 2048 + 12, Buffer.from([9]));
    expect((await verify()).findings.map(({ kind }) => kind)).toEqual(['CHECKPOINT_DAMAGED']);
    truncateSync(path, 10);
    expect((await verify()).findings[0].text).toContain('it has 10 bytes');
    rmSync(path);
    expect((await verify()).findings.map(({ kind }) => kind)).toEqual(['CHECKPOINT_MISSING']);
  });

  it('looks into the index', async () => {
    const options = { rootPath: folder.path, ...SIZES, indexSizes: { slots: 500, entries: 2_000 } };
    expect((await verifyStore(options)).findings).toEqual([]);
    const [name] = readdirSync(join(folder.path, 'index'));
    const path = join(folder.path, 'index', name);
    const entry = 40 + 500 * 4 + 7 * 20;
    overwrite(path, entry + 4, Buffer.from([1]));
    const report = await verifyStore(options);
    expect(report.findings).toMatchObject([{ kind: 'INDEX_DAMAGED', severity: 'damage', path, position: entry }]);
    expect(planRepair(report, { rebuildQueues: false, rebuildIndex: false })[0]).toMatchObject({
      kind: 'SET_ASIDE',
      path: join(folder.path, 'index'),
    });
    overwrite(path, 36, Buffer.from([1, 0, 0, 0]));
    expect((await verifyStore(options)).findings[0].text).toContain('it counts 16777');
    truncateSync(path, 100);
    expect((await verifyStore(options)).findings[0].text).toContain('it has 100 bytes');
  });

  it('sees a killed store as one that recovers', async () => {
    const store = smallStore(folder.path, { checkpointIntervalMs: 1e9, consumeQueueFlushIntervalMs: 1e8 });
    await store.open();
    for (let i = 0; i < 40; i++) await put(store);
    const copy = crashCopy(folder.path);
    await expect(verify()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    const live = await verifyStore({ rootPath: folder.path, ...SIZES, inUse: true });
    expect(live.damageCount).toBe(0);
    await store.close();
    const report = await verifyStore({ rootPath: copy.path, ...SIZES });
    copy.remove();
    expect(report).toMatchObject({ cleanStop: false, damageCount: 0 });
    expect(report.log.records).toBe(345);
  });

  it('lists only so many findings, and counts the others', async () => {
    for (let index = 0; index < 40; index++) overwrite(queueFile(0), index * 20 + 19, Buffer.from([index]));
    const report = await verifyStore({ rootPath: folder.path, ...SIZES, maxFindings: 3 });
    expect(report.findings).toHaveLength(3);
    expect(report.omittedFindings).toBe(report.damageCount - 3);
  });

  it('stops when the caller wants it, and says where it is', async () => {
    const seen: string[] = [];
    await verifyStore({
      rootPath: folder.path,
      ...SIZES,
      onProgress: ({ step, doneBytes, totalBytes }) => {
        expect(doneBytes).toBeLessThanOrEqual(totalBytes);
        if (seen.at(-1) !== step) seen.push(step);
      },
    });
    expect(seen).toEqual(['LOG', 'CONSUME_QUEUES', 'INDEX']);
    const stop = new Error('stop');
    await expect(
      verifyStore({
        rootPath: folder.path,
        ...SIZES,
        onProgress: () => {
          throw stop;
        },
      }),
    ).rejects.toBe(stop);
  });

  it('refuses what is no store', async () => {
    const file = join(folder.path, 'a-file');
    writeFileSync(file, '');
    for (const [path, text] of [
      [join(folder.path, 'nowhere'), 'There is no folder'],
      [file, 'is a file'],
      [join(folder.path, 'commitlog'), 'name the folder above it'],
      [join(folder.path, 'consumequeue'), 'it has no folder commitlog'],
    ]) {
      const refused = verifyStore({ rootPath: path });
      await expect(refused).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
      await expect(refused).rejects.toThrow(text);
    }
  });
});
