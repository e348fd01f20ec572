import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeRecords } from '../support/raw-record.js';
import { RawConnection } from '../support/raw-remoting.js';
import { createTopic, pull, queryConsumerOffset, sendMessage, updateConsumerOffset } from '../support/raw-requests.js';
import { BrokerProcess } from '../support/rocknest-process.js';
import { waitFor } from '../support/wait-for.js';
import { numberedBody, sequenceOf } from './support/numbered-body.js';

const TOPIC = 'damaged-files';
/** Of the raw pulls, which make it known. */
const GROUP = 'GID_raw';
const QUEUE = { topic: TOPIC, queueId: 0 };
const COMMITTED = 33;
const MESSAGES = 700;
const TIMERS = 20;
const SEGMENT_BYTES = 256 * 1024;

type Damage = 'truncated' | 'zeroed' | 'missing' | { readonly flipped: number };

interface Case {
  /** In the store folder; the first whose name begins so. */
  readonly file: string;
  readonly damage: Damage;
  /** What the broker prints: a refusal, or what it did. */
  readonly refused?: RegExp;
  readonly told?: RegExp;
  /** Messages that stood in the damaged file are gone, and the broker said so. */
  readonly losesMessages?: true;
  /** What the database held is gone. */
  readonly losesMetadata?: true;
}

const MIDDLE = `commitlog/${String(SEGMENT_BYTES).padStart(20, '0')}`;
const LAST = `commitlog/${String(2 * SEGMENT_BYTES).padStart(20, '0')}`;
const DATABASE_REMEDY = /Put it back from a backup; without one, move it away/;

const cases: readonly Case[] = [
  { file: MIDDLE, damage: 'truncated', refused: /put it back from a backup, or let "rocknest store repair" mend it/ },
  { file: MIDDLE, damage: 'missing', refused: /lacks .* Put the file back from a backup.*"rocknest store repair"/ },
  { file: MIDDLE, damage: 'zeroed', told: /cannot be read.*"rocknest store verify"/, losesMessages: true },
  { file: LAST, damage: 'truncated', told: /had been on stable storage and are gone/, losesMessages: true },
  { file: LAST, damage: 'zeroed', told: /had been on stable storage and are gone/, losesMessages: true },
  { file: LAST, damage: 'missing', refused: /lacks .* Put the file back from a backup/ },
  { file: 'consumequeue/damaged-files', damage: 'zeroed', told: /made again from the log/ },
  { file: 'consumequeue/damaged-files', damage: 'missing', told: /made again from the log/ },
  { file: 'index', damage: 'truncated', told: /index files are made again from the log/ },
  { file: 'index', damage: 'missing', told: /index files are made again from the log/ },
  { file: 'checkpoint', damage: 'truncated', told: /checkpoint is damaged/ },
  { file: 'checkpoint', damage: 'zeroed', told: /checkpoint is damaged/ },
  { file: 'checkpoint', damage: { flipped: 2_058 }, told: /checkpoint is damaged/ },
  { file: 'checkpoint', damage: 'missing', told: /there is no checkpoint/ },
  { file: 'timerlog', damage: 'zeroed', told: /timer log and the timer wheel are made again/ },
  { file: 'timerlog', damage: 'missing', told: /timer log and the timer wheel are made again/ },
  { file: 'timerwheel', damage: 'truncated', told: /timer wheel is made again/ },
  { file: 'timerwheel', damage: 'zeroed', told: /timer wheel is made again/ },
  { file: 'timerwheel', damage: { flipped: 1 }, told: /timer wheel is made again/ },
  { file: 'timerwheel', damage: 'missing', told: /timer wheel is made again/ },
  { file: 'config/timercheck', damage: 'truncated', told: /timercheck is damaged/ },
  { file: 'config/timercheck', damage: 'zeroed', told: /timercheck is damaged/ },
  { file: 'config/timercheck', damage: 'missing', told: /timercheck is missing/ },
  { file: 'abort.tmp', damage: 'zeroed' },
  { file: 'metadata.db', damage: 'truncated', refused: DATABASE_REMEDY },
  { file: 'metadata.db', damage: 'zeroed', refused: DATABASE_REMEDY },
  { file: 'metadata.db', damage: { flipped: 4_096 }, refused: DATABASE_REMEDY },
  {
    file: 'metadata.db',
    damage: 'missing',
    told: /has no topics of this broker, but the store has messages of damaged-files/,
    losesMetadata: true,
  },
];

describe('a broker that starts on a damaged store', () => {
  let broker: BrokerProcess;
  let folder: string;
  let storePath: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rocknest-damaged-'));
    storePath = join(folder, 'store');
    broker = await BrokerProcess.create({
      config: { mappedFileSizeCommitLog: SEGMENT_BYTES, maxHashSlotNum: 1_000, maxIndexNum: 4_000 },
    });
    await broker.start();
    const connection = await RawConnection.open(broker.brokerAddr);
    await createTopic(connection, TOPIC, 1);
    const send = async (body: Buffer, properties: string): Promise<void> => {
      const response = await sendMessage(connection, TOPIC, 0, body, properties);
      expect(response.code, response.remark).toBe(0);
    };
    for (let i = 0; i < MESSAGES; i++) await send(numberedBody(i), `KEYS\u0001key-${i}\u0002`);
    for (let i = 0; i < TIMERS; i++) await send(numberedBody(i), 'TIMER_DELAY_SEC\u00013600\u0002');
    await pull(connection, TOPIC, 0, 0);
    await updateConsumerOffset(connection, GROUP, QUEUE, COMMITTED);
    const timerLog = join(broker.storePath, 'timerlog', '0'.repeat(20));
    // Its units are some 50 bytes each; they are written behind.
    await waitFor(() => readHead(timerLog, TIMERS * 50).some((byte) => byte !== 0), 'units of the timer log');
    connection.close();
    await broker.stop();
    moveLogIntoDatabase(join(broker.storePath, 'metadata.db'));
  });

  afterAll(async () => {
    await broker?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(
    cases.map((one) => ({
      ...one,
      title: `${one.file} ${typeof one.damage === 'string' ? one.damage : 'bit flipped'}`,
    })),
  )('$title', async ({ file, damage, refused, told, losesMessages, losesMetadata }) => {
    rmSync(storePath, { recursive: true, force: true });
    cpSync(broker.storePath, storePath, { recursive: true });
    const path = damageFile(storePath, file, damage);
    const before = refused === undefined ? undefined : contentOf(path);
    const start = broker.start({ storePathRootDir: storePath });
    if (refused !== undefined) {
      const message = await start.then(
        () => 'it started',
        (error: unknown) => String(error),
      );
      expect(message).toContain(path);
      expect(message.replaceAll('\n', ' ')).toMatch(refused);
      expect(contentOf(path)).toEqual(before);
      return;
    }
    await start;
    try {
      const connection = await RawConnection.open(broker.brokerAddr);
      const found = losesMetadata === undefined ? await readSequences(connection) : [];
      if (losesMetadata === undefined) {
        expect(await queryConsumerOffset(connection, GROUP, QUEUE)).toBe(COMMITTED);
        const response = await sendMessage(connection, TOPIC, 0, numberedBody(MESSAGES));
        expect(response.code, response.remark).toBe(0);
      }
      connection.close();
      if (losesMessages) expect(found.length).toBeLessThan(MESSAGES);
      else if (!losesMetadata) expect(found).toEqual(Array.from({ length: MESSAGES }, (_, i) => i));
      // What is made again beside the running broker is told a moment later.
      if (told !== undefined) await waitFor(() => told.test(broker.process.tail()), String(told));
      else expect(broker.process.tail()).not.toMatch(/WARN|ERROR/);
    } finally {
      await broker.stop();
    }
  });

  it('a second process on the same store is refused, and names the first', async () => {
    rmSync(storePath, { recursive: true, force: true });
    cpSync(broker.storePath, storePath, { recursive: true });
    // What a broken disk leaves of a lock file is nobody's lock.
    writeFileSync(join(storePath, 'lock'), Buffer.alloc(198));
    await broker.start({ storePathRootDir: storePath });
    const second = await BrokerProcess.create();
    try {
      const message = await second.start({ storePathRootDir: storePath }).then(
        () => 'it started',
        (error: unknown) => String(error),
      );
      expect(message).toContain(`is in use by process ${broker.pid}`);
      const connection = await RawConnection.open(broker.brokerAddr);
      expect((await sendMessage(connection, TOPIC, 0, numberedBody(MESSAGES))).code).toBe(0);
      connection.close();
    } finally {
      await second.remove();
      await broker.stop();
    }
  });

  /** Reads the queue from its start; what a pull leaves out is not there. */
  async function readSequences(connection: RawConnection): Promise<number[]> {
    const sequences: number[] = [];
    for (let offset = 0; offset < MESSAGES;) {
      const response = await pull(connection, TOPIC, 0, offset);
      if (response.code === 0) sequences.push(...decodeRecords(response.body).map(({ body }) => sequenceOf(body)));
      const next = Number(response.fields.nextBeginOffset);
      if (next <= offset) break;
      offset = next;
    }
    return sequences;
  }
});

function readHead(path: string, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return bytes;
  const file = openSync(path, 'r');
  readSync(file, bytes);
  closeSync(file);
  return bytes;
}

function contentOf(path: string): Buffer | undefined {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(path);
}

/** @returns the path of the file. */
function damageFile(storePath: string, prefix: string, damage: Damage): string {
  const names = readdirSync(storePath, { recursive: true, encoding: 'utf8' }).sort();
  const name = names.find((one) => one.startsWith(prefix) && statSync(join(storePath, one)).isFile());
  if (name === undefined) throw new Error(`the store has no ${prefix}`);
  const path = join(storePath, name);
  const { size } = statSync(path);
  if (damage === 'missing') rmSync(path);
  else if (damage === 'truncated') truncateSync(path, Math.floor(size / 3));
  else if (damage === 'zeroed') writeFileSync(path, Buffer.alloc(size));
  else {
    const bytes = readFileSync(path);
    bytes[damage.flipped] ^= 0x10;
    writeFileSync(path, bytes);
  }
  return path;
}

/** A stopped broker leaves its last changes in the file beside the database. */
function moveLogIntoDatabase(file: string): void {
  const database = new Database(file);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
}
