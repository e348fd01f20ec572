import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { SCHEDULE_TOPIC, type MessageExt } from '@rocknest/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { damageLog, put, readQueue, smallStore, tempFolder } from '../../testing/store-fixture.js';
import { StoreReader } from '../store-reader.js';
import { verifyStore, type VerifyReport } from '../verify-store.js';
import { SKIPPED_TOPIC } from './fill-records.js';
import { describeStep, planRepair, type RepairStep } from './repair-plan.js';
import { repairStore, type RepairReport } from './repair-store.js';

const SEGMENT = 16 * 1024;
const FILE_ENTRIES = 50;
const SIZES = { segmentSizeBytes: SEGMENT, consumeQueueFileEntries: FILE_ENTRIES };
const COUNT = 300;
const QUEUES = 2;
const PLAN = { rebuildQueues: false, rebuildIndex: false };

const logName = (index: number): string => String(index * SEGMENT).padStart(20, '0');
const queueName = (index: number): string => String(index * FILE_ENTRIES * 20).padStart(20, '0');
const textOf = ({ body, properties }: MessageExt): string =>
  properties.ROCKNEST_LOST === undefined ? body.toString() : 'lost';

describe('repairing a store', () => {
  let original: ReturnType<typeof tempFolder>;
  let folder: ReturnType<typeof tempFolder>;
  /** Every message as it was stored. */
  let stored: MessageExt[];

  beforeAll(async () => {
    original = tempFolder();
    const store = smallStore(original.path);
    await store.open();
    for (let i = 0; i < COUNT; i++) await put(store, { queueId: i % QUEUES, body: Buffer.from(`message ${i}`) });
    await put(store, {
      topic: SCHEDULE_TOPIC,
      queueId: 2,
      properties: 'DELAY\u00013\u0002REAL_TOPIC\u0001x\u0002REAL_QID\u00010\u0002',
    });
    await put(store, { topic: 'L'.repeat(100) });
    for (let i = 0; i < 20; i++) await put(store, { topic: 'Later' });
    stored = [];
    for (const [topic, queueId] of [
      ['Orders', 0],
      ['Orders', 1],
      [SCHEDULE_TOPIC, 2],
      ['L'.repeat(100), 0],
      ['Later', 0],
    ] as const)
      stored.push(...(await readQueue(store, topic, queueId)));
    stored.sort((a, b) => a.physicalOffset - b.physicalOffset);
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
  const queueFile = (queueId: number, index: number): string =>
    join(folder.path, 'consumequeue', 'Orders', String(queueId), queueName(index));

  async function repair(options = PLAN): Promise<{ steps: RepairStep[]; report: RepairReport; before: VerifyReport }> {
    const before = await verify();
    const steps = planRepair(before, options);
    const report = await repairStore(before, steps);
    return { steps, report, before };
  }

  /** The store opens with nothing to say; every message is itself, or marked as lost where it may be. */
  async function expectWhole(mayBeLost: (message: MessageExt) => boolean, isLost = mayBeLost): Promise<void> {
    const after = await verify();
    expect(after.findings).toEqual([]);
    const store = smallStore(folder.path);
    const report = await store.open();
    expect(report.lines).toEqual([]);
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      const found = await readQueue(store, 'Orders', queueId);
      const expected = stored.filter((message) => message.topic === 'Orders' && message.queueId === queueId);
      expect(found.map(({ queueOffset }) => queueOffset)).toEqual(expected.map(({ queueOffset }) => queueOffset));
      found.forEach((message, i) => {
        const text = textOf(message);
        if (isLost(expected[i])) expect(text).toBe('lost');
        else if (!mayBeLost(expected[i])) expect(text).toBe(expected[i].body.toString());
      });
      expect(await put(store, { queueId })).toMatchObject({ status: 'PUT_OK', queueOffset: COUNT / QUEUES });
    }
    await store.close();
    expect((await verify()).damageCount).toBe(0);
  }

  const within =
    (from: number, to: number) =>
    ({ physicalOffset, storeSize }: MessageExt): boolean =>
      physicalOffset < to && physicalOffset + storeSize > from;

  it('has nothing to do for a whole store', async () => {
    expect(planRepair(await verify(), PLAN)).toEqual([]);
  });

  it('puts a marked message in the place of a damaged one, and keeps what was there', async () => {
    const { physicalOffset, storeSize } = stored[41];
    damageLog(folder.path, SEGMENT, physicalOffset + 95, Buffer.from([0xff]));
    const damaged = readFileSync(logFile(0)).subarray(physicalOffset, physicalOffset + storeSize);
    const { steps, report } = await repair();
    expect(steps.map(({ kind }) => kind)).toEqual(['FILL_RANGE', 'REBUILD_QUEUE', 'SET_ASIDE']);
    expect(report).toMatchObject({ placeholders: 1, queuesRebuilt: 1 });
    const kept = join(report.keepFolder, 'commitlog', `${logName(0)}.from-byte-${physicalOffset}`);
    expect(readFileSync(kept)).toEqual(damaged);
    expect(existsSync(join(report.keepFolder, 'consumequeue', 'Orders', '1', queueName(0)))).toBe(true);
    expect(readFileSync(join(report.keepFolder, 'report.txt'), 'utf8')).toContain(kept);
    await expectWhole(within(physicalOffset, physicalOffset + storeSize));
  });

  it.each([
    ['some bytes across two messages', 3_000, 3_200],
    ['a page', 4_096, 8_192],
    ['the end of one file and the start of the next', SEGMENT - 2_000, SEGMENT + 2_000],
    ['more than a file', SEGMENT - 100, 2 * SEGMENT + 5_000],
    ['the start of the log', 0, 500],
  ])('makes the log readable around %s', async (_name, from, to) => {
    damageLog(folder.path, SEGMENT, from, Buffer.alloc(to - from, 0x5a));
    const { report } = await repair();
    expect(report.placeholders).toBeGreaterThan(0);
    await expectWhole(within(from, to));
  });

  it.each([0, 1, 2])('makes log file %i again when it is missing', async (index) => {
    rmSync(logFile(index));
    const steps = planRepair(await verify(), PLAN);
    if (index === 0) {
      // The log then begins later, as after retention: nothing tells the two apart without the checkpoint.
      expect(steps).toEqual([]);
      return;
    }
    await repair();
    if (index < 2) return expectWhole(within(index * SEGMENT, (index + 1) * SEGMENT));
    // The end of the log is gone. What is before it is there, and no number is given out for the second time.
    expect((await verify()).findings).toEqual([]);
    const store = smallStore(folder.path);
    await store.open();
    const found = await readQueue(store, 'Orders', 1);
    const before = stored.filter((message) => message.queueId === 1 && message.physicalOffset < 2 * SEGMENT);
    expect(found.map(textOf)).toEqual(before.map(textOf));
    expect(await put(store, { queueId: 1 })).toMatchObject({ queueOffset: COUNT / QUEUES });
    expect(textOf((await readQueue(store, 'Orders', 1)).at(-1)!)).toBe('hello');
    await store.close();
  });

  it('extends a truncated file, and cuts one that is too long', async () => {
    truncateSync(logFile(1), 5_000);
    writeFileSync(logFile(0), Buffer.concat([readFileSync(logFile(0)), Buffer.from('too much')]));
    const { report } = await repair();
    expect(readFileSync(join(report.keepFolder, 'commitlog', `${logName(0)}.from-byte-${SEGMENT}`), 'utf8')).toBe(
      'too much',
    );
    await expectWhole(within(SEGMENT + 5_000, 2 * SEGMENT));
  });

  it('writes a filler again without losing anything', async () => {
    const inFirst = stored.filter(({ physicalOffset }) => physicalOffset < SEGMENT);
    const last = inFirst[inFirst.length - 1];
    damageLog(folder.path, SEGMENT, last.physicalOffset + last.storeSize + 5, Buffer.from([1, 2]));
    const { steps } = await repair();
    expect(steps.map(({ kind }) => kind)).toEqual(['WRITE_FILLER', 'SET_ASIDE']);
    await expectWhole(() => false);
  });

  it('cuts what is behind the last message, and keeps it', async () => {
    const { log } = await verify();
    damageLog(folder.path, SEGMENT, log.endOffset, Buffer.from('garbage'));
    const { report } = await repair();
    const kept = join(
      report.keepFolder,
      'commitlog',
      `${logName(Math.floor(log.endOffset / SEGMENT))}.from-byte-${log.endOffset % SEGMENT}`,
    );
    expect(readFileSync(kept, 'utf8')).toBe('garbage');
    await expectWhole(() => false);
  });

  it('makes damaged queue files again, byte for byte', async () => {
    const before = [0, 1, 2].map((index) => readFileSync(queueFile(0, index)));
    const damage: (() => void)[] = [
      () => rmSync(queueFile(0, 1)),
      () => truncateSync(queueFile(0, 2), 77),
      () => overwrite(queueFile(0, 0), 200, Buffer.alloc(40)),
      () => overwrite(queueFile(0, 1), 219, Buffer.from([9])),
      () => writeFileSync(queueFile(0, 3), 'x'),
    ];
    for (const apply of damage) {
      apply();
      const { steps } = await repair();
      expect(steps.map(describeStep)).toContain('make the consume queue Orders-0 again from the log');
      expect([0, 1, 2].map((index) => readFileSync(queueFile(0, index)))).toEqual(before);
    }
    await expectWhole(() => false);
  });

  it('brings queues back that are gone when asked to', async () => {
    rmSync(join(folder.path, 'consumequeue'), { recursive: true });
    const { report } = await repair({ ...PLAN, rebuildQueues: true });
    expect(report.queuesRebuilt).toBe(5);
    await expectWhole(() => false);
  });

  it('writes a damaged checkpoint anew, or leaves it to recovery', async () => {
    overwrite(join(folder.path, 'checkpoint'), 2048 + 12, Buffer.from([9]));
    const { report } = await repair();
    expect(readdirSync(report.keepFolder)).toContain('checkpoint');
    await expectWhole(() => false);
    overwrite(join(folder.path, 'checkpoint'), 2048 + 12, Buffer.from([9]));
    writeFileSync(join(folder.path, 'abort'), '');
    expect((await repair()).steps[0]).toMatchObject({ kind: 'SET_ASIDE', path: join(folder.path, 'checkpoint') });
    const store = smallStore(folder.path);
    expect((await store.open()).lines.join()).toContain('no checkpoint');
    await store.close();
    expect((await verify()).findings).toEqual([]);
  });

  it('gives delayed messages that were lost a destination, and space that nobody knows a record of its own', async () => {
    const delayed = stored.find(({ topic }) => topic === SCHEDULE_TOPIC)!;
    damageLog(folder.path, SEGMENT, delayed.physicalOffset + 4, Buffer.alloc(20));
    await repair();
    const reader = await StoreReader.open({ rootPath: folder.path, ...SIZES });
    const topics: string[] = [];
    for await (const item of reader.records({ physicalOffset: delayed.physicalOffset })) {
      if (item.kind !== 'record') continue;
      topics.push(item.request.topic);
      if (topics.length === 1) expect(String(item.request.properties)).toContain('REAL_TOPIC\u0001ROCKNEST_LOST\u0002');
      if (topics.length === 3) break;
    }
    reader.close();
    expect(topics[0]).toBe(SCHEDULE_TOPIC);
    rmSync(join(folder.path, 'consumequeue', 'Later'), { recursive: true });
    const later = stored.find(({ topic }) => topic === 'Later')!;
    damageLog(folder.path, SEGMENT, later.physicalOffset + 4, Buffer.alloc(20));
    await repair();
    const again = await StoreReader.open({ rootPath: folder.path, ...SIZES });
    for await (const item of again.records({ physicalOffset: later.physicalOffset })) {
      expect(item).toMatchObject({ kind: 'record', request: { topic: SKIPPED_TOPIC } });
      break;
    }
    again.close();
    expect((await verify()).damageCount).toBe(0);
  });

  it('does not touch a store that is in use', async () => {
    damageLog(folder.path, SEGMENT, 3_000, Buffer.alloc(100));
    const before = await verify();
    const steps = planRepair(before, PLAN);
    rmSync(folder.path, { recursive: true });
    cpSync(original.path, folder.path, { recursive: true });
    const store = smallStore(folder.path);
    await store.open();
    await expect(repairStore(before, steps)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await store.close();
  });
});

function overwrite(path: string, position: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}
