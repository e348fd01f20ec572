import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CollectingLogger, crashCopy, put, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';
import { verifyStore } from '../verify/verify-store.js';

const SEGMENT = 16 * 1024;
const FILE_ENTRIES = 50;
const QUEUES = 2;
/** No checkpoint and no flush while a test runs. */
const NEVER = { checkpointIntervalMs: 1e9, flushIntervalMs: 1e8, consumeQueueFlushIntervalMs: 1e8 };

interface Stored {
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly endOffset: number;
  readonly body: string;
}

/** A store as it lies on the disk, and what was put into it. */
interface Base {
  readonly path: string;
  readonly stored: readonly Stored[];
}

type Stop = 'clean' | 'unclean';
type Damage = 'truncated' | 'zeroed' | 'bit flipped' | 'missing';

/** What the next start does. Every message before the damage is there in each case. */
type Outcome =
  /** It refuses, names the file and what to do, and leaves the files alone. */
  | { readonly refused: 'STORE_SEGMENT_MISSING' | 'STORE_SEGMENT_SIZE' | 'STORE_LOG_MISSING' }
  /** It cuts the log at the damage, and its report says what is gone. */
  | 'cut and told'
  /** Nothing is lost: what was damaged is made again from the log, and the report says so. */
  | 'made again'
  /** Nothing is lost, and there is nothing to tell. */
  | 'unharmed'
  /** The start cannot see it without reading everything: pulls tell of it, and `rocknest store verify` finds it. */
  | 'found by pulls and verify';

const MISSING = { refused: 'STORE_SEGMENT_MISSING' } as const;
const SIZE = { refused: 'STORE_SEGMENT_SIZE' } as const;

/** file, damage, after a clean stop, after an unclean stop. Damage behind the checkpoint, which a start does read, is in recovery.spec.ts. */
const table: [file: string, damage: Damage, clean: Outcome, unclean: Outcome][] = [
  ['first log file', 'truncated', SIZE, SIZE],
  ['first log file', 'zeroed', 'found by pulls and verify', 'found by pulls and verify'],
  ['first log file', 'bit flipped', 'found by pulls and verify', 'found by pulls and verify'],
  ['first log file', 'missing', 'cut and told', 'cut and told'],
  ['middle log file', 'truncated', SIZE, SIZE],
  ['middle log file', 'zeroed', 'found by pulls and verify', 'found by pulls and verify'],
  ['middle log file', 'bit flipped', 'found by pulls and verify', 'found by pulls and verify'],
  ['middle log file', 'missing', MISSING, MISSING],
  ['last log file', 'truncated', 'cut and told', 'cut and told'],
  ['last log file', 'zeroed', 'cut and told', 'cut and told'],
  ['last log file', 'bit flipped', 'found by pulls and verify', 'found by pulls and verify'],
  ['last log files', 'missing', 'cut and told', 'cut and told'],
  ['last log file before a prepared one', 'missing', MISSING, MISSING],
  ['all log files', 'missing', { refused: 'STORE_LOG_MISSING' }, { refused: 'STORE_LOG_MISSING' }],
  ['first queue file', 'truncated', 'found by pulls and verify', 'found by pulls and verify'],
  ['first queue file', 'zeroed', 'found by pulls and verify', 'found by pulls and verify'],
  ['first queue file', 'bit flipped', 'found by pulls and verify', 'found by pulls and verify'],
  ['first queue file', 'missing', 'made again', 'made again'],
  ['last queue file', 'truncated', 'made again', 'made again'],
  ['last queue file', 'zeroed', 'made again', 'made again'],
  ['last queue file', 'missing', 'made again', 'made again'],
  ['all queue files', 'missing', 'made again', 'made again'],
  ['checkpoint', 'truncated', 'made again', 'made again'],
  ['checkpoint', 'zeroed', 'made again', 'made again'],
  ['checkpoint', 'bit flipped', 'made again', 'made again'],
  ['checkpoint', 'missing', 'made again', 'made again'],
  ['abort', 'truncated', 'unharmed', 'unharmed'],
  ['abort', 'bit flipped', 'unharmed', 'unharmed'],
  ['abort', 'missing', 'unharmed', 'unharmed'],
];

describe('a damaged store', () => {
  const bases = {} as Record<Stop, Base>;
  const folders: { remove(): void }[] = [];

  beforeAll(async () => {
    const folder = tempFolder();
    const store = smallStore(folder.path);
    await store.open();
    const stored: Stored[] = [];
    const putMany = async (into: typeof store, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const body = `message ${stored.length}`;
        const queueId = stored.length % QUEUES;
        const { queueOffset, physicalOffset, sizeBytes } = await put(into, { queueId, body: Buffer.from(body) });
        stored.push({ queueId, queueOffset, physicalOffset, endOffset: physicalOffset + sizeBytes, body });
      }
    };
    await putMany(store, 350);
    await store.close();
    const closed = crashCopy(folder.path);
    bases.clean = { path: closed.path, stored: [...stored] };
    const again = smallStore(folder.path, NEVER);
    await again.open();
    await putMany(again, 25);
    const killed = crashCopy(folder.path);
    bases.unclean = { path: killed.path, stored: [...stored] };
    await again.close();
    folders.push(folder, closed, killed);
  });

  afterAll(() => {
    for (const folder of folders) folder.remove();
  });

  /** @returns the paths of the files that are meant. */
  function pathsOf(root: string, file: string): string[] {
    const inFolder = (folder: string): string[] =>
      existsSync(folder)
        ? readdirSync(folder)
            .sort()
            .map((name) => join(folder, name))
        : [];
    // A segment that is only prepared holds nothing.
    const log = inFolder(join(root, 'commitlog')).filter((path) => readFileSync(path).some((byte) => byte !== 0));
    const queue = inFolder(join(root, 'consumequeue', 'Orders', '0'));
    if (file === 'all log files') return [join(root, 'commitlog')];
    if (file === 'all queue files') return [join(root, 'consumequeue')];
    if (!file.includes(' ')) return [join(root, file)];
    const all = file.includes('log file') ? log : queue;
    return [file.startsWith('first') ? all[0] : file.startsWith('last') ? all[all.length - 1] : all[1]];
  }

  function damageFile(path: string, damage: Damage): void {
    if (!existsSync(path)) return;
    if (damage === 'missing') return rmSync(path, { recursive: true });
    const size = statSync(path).size;
    if (damage === 'truncated') return truncateSync(path, Math.floor(size / 50));
    const file = openSync(path, 'r+');
    if (damage === 'zeroed') writeSync(file, Buffer.alloc(size), 0, size, 0);
    else {
      // In the body of a record, in an entry, in the check sum, in the pid.
      const place = path.includes('commitlog')
        ? 98
        : path.endsWith('checkpoint')
          ? 2_058
          : path.endsWith('abort')
            ? 1
            : 26;
      const byte = readFileSync(path)[place];
      writeSync(file, Buffer.from([byte ^ 0x10]), 0, 1, place);
    }
    closeSync(file);
  }

  function snapshot(root: string): Map<string, string> {
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(root, name)).isFile(),
    );
    return new Map(
      names
        .filter((name) => !name.startsWith('index'))
        .map((name) => [name, readFileSync(join(root, name)).toString('base64')]),
    );
  }

  const cases = table.flatMap(([file, damage, clean, unclean]) => [
    { file, damage, stop: 'clean' as const, outcome: clean },
    { file, damage, stop: 'unclean' as const, outcome: unclean },
  ]);

  it.each(cases)('$file $damage, $stop stop: $outcome', async ({ file, damage, stop, outcome }) => {
    const folder = tempFolder();
    try {
      cpSync(bases[stop].path, folder.path, { recursive: true });
      const [path] = pathsOf(folder.path, file);
      damageFile(path, damage);
      const prepared = join(folder.path, 'commitlog', String(3 * SEGMENT).padStart(20, '0'));
      if (file === 'last log files') rmSync(prepared, { force: true });
      if (file.includes('prepared')) writeFileSync(prepared, Buffer.alloc(SEGMENT));
      const before = snapshot(folder.path);
      const logger = new CollectingLogger();
      const store = smallStore(folder.path, { logger });
      if (typeof outcome === 'object') {
        const error = await store.open().then(
          () => undefined,
          (reason: unknown) => reason as Error & { code: string },
        );
        expect(error).toMatchObject({ code: outcome.refused });
        expect(error?.message).toContain(path);
        if (outcome.refused !== 'STORE_LOG_MISSING') expect(error?.message).toContain('rocknest store repair');
        // What it found it leaves as it was; the missing folder it makes.
        const after = snapshot(folder.path);
        for (const [name, bytes] of before)
          if (!/lock|checkpoint/.test(name)) expect(after.get(name) === bytes, name).toBe(true);
        return;
      }
      const report = await store.open();
      const told = report.lines.filter((line) => !line.includes('did not end properly')).join('\n');
      const lost = await lostMessages(store, bases[stop].stored, report.logEndOffset);
      await store.close();
      if (outcome === 'unharmed') expect([lost, told]).toEqual([[], '']);
      if (outcome === 'made again') {
        expect(lost).toEqual([]);
        expect(told).toMatch(/made again/);
      }
      if (outcome === 'cut and told') {
        expect(lost.length).toBeGreaterThan(0);
        expect(told).toMatch(/gone|lost/);
      }
      if (outcome === 'found by pulls and verify') {
        const { damageCount } = await verifyStore({
          rootPath: folder.path,
          segmentSizeBytes: SEGMENT,
          consumeQueueFileEntries: FILE_ENTRIES,
        });
        expect(damageCount).toBeGreaterThan(0);
        if (lost.length > 0) expect(logger.lines.join('\n')).toContain('cannot be read');
      }
    } finally {
      folder.remove();
    }
  });

  /** Reads everything: what is there is right and in its place; what is not there is returned. */
  async function lostMessages(
    store: ReturnType<typeof smallStore>,
    stored: readonly Stored[],
    logEnd: number,
  ): Promise<Stored[]> {
    const found = new Map<string, string>();
    for (let queueId = 0; queueId < QUEUES; queueId++)
      for (const message of await readQueue(store, 'Orders', queueId))
        found.set(`${queueId}/${message.queueOffset}`, message.body.toString());
    const lost: Stored[] = [];
    for (const message of stored) {
      const body = found.get(`${message.queueId}/${message.queueOffset}`);
      if (body === undefined) lost.push(message);
      // The body that was flipped itself is delivered as it is: only verify looks at check sums of what is old.
      else if (body !== message.body) expect(message.physicalOffset % SEGMENT).toBe(0);
    }
    expect(logEnd).toBeLessThanOrEqual(stored[stored.length - 1].endOffset);
    return lost;
  }
});
