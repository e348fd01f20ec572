import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BLANK_MAGIC } from '@rocknest/protocol';
import { waitFor } from '../../../../test/support/wait-for.js';
import { writeGapEntry } from '../consume-queue/queue-entry.js';
import { offsetFileName } from '../io/file-name.js';
import type { MessageStore } from '../message-store.js';
import { FaultyFileSystem, systemError } from '../testing/faulty-file-system.js';
import { crashCopy, put, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';

const SEGMENT_BYTES = 16 * 1024;
const cleanUps: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (let clean = cleanUps.pop(); clean !== undefined; clean = cleanUps.pop()) await clean();
});

async function open(rootPath?: string, options: Parameters<typeof smallStore>[1] = {}): Promise<MessageStore> {
  if (rootPath === undefined) {
    const folder = tempFolder();
    cleanUps.push(() => folder.remove());
    rootPath = folder.path;
  }
  const store = smallStore(rootPath, options);
  await store.open();
  folders.set(store, rootPath);
  cleanUps.push(() => store.close());
  return store;
}

const folders = new WeakMap<MessageStore, string>();

function folderOf(store: MessageStore): string {
  return folders.get(store)!;
}

async function fill(store: MessageStore, count: number, from = 0): Promise<void> {
  const puts = Array.from({ length: count }, (_, i) =>
    put(store, {
      topic: i % 3 === 0 ? 'Payments' : 'Orders',
      queueId: i % 2,
      body: Buffer.from(`message ${from + i} ${'x'.repeat((i * 37) % 900)}`),
    }),
  );
  for (const result of await Promise.all(puts)) expect(result.status).toBe('PUT_OK');
}

/** A filler of a segment as a master sends it, with whatever stands behind its head. */
function filler(sizeBytes: number, padding: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes, padding);
  bytes.writeInt32BE(sizeBytes, 0);
  bytes.writeInt32BE(BLANK_MAGIC, 4);
  return bytes;
}

/** Everything that the master has from the offset on. */
async function rawLog(master: MessageStore, from: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const target = Buffer.alloc(4096);
  for (let offset = from; offset < master.maxPhysicalOffset;) {
    const read = await master.replication.reader.readInto(offset, target, target.length);
    expect(read).toBeGreaterThan(0);
    pieces.push(Buffer.from(target.subarray(0, read)));
    offset += read;
  }
  return Buffer.concat(pieces);
}

async function feed(slave: MessageStore, bytes: Buffer, pieceBytes: (i: number) => number): Promise<void> {
  const { appender } = slave.replication;
  await appender.restart();
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = Math.min(pieceBytes(i), bytes.length - at);
    appender.append(appender.nextOffset, bytes.subarray(at, at + length));
    at += length;
    if (i % 50 === 0) await new Promise(setImmediate);
  }
  await appender.restart();
}

function segmentHashes(store: MessageStore): Record<string, string> {
  const folder = join(folderOf(store), 'commitlog');
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name))] as const)
      .filter(([, bytes]) => bytes.some((byte) => byte !== 0))
      .map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]),
  );
}

async function expectSame(master: MessageStore, slave: MessageStore): Promise<void> {
  expect(slave.maxPhysicalOffset).toBe(master.maxPhysicalOffset);
  expect(segmentHashes(slave)).toEqual(segmentHashes(master));
  for (const topic of ['Orders', 'Payments']) {
    for (const queueId of [0, 1]) {
      expect(slave.minOffset(topic, queueId)).toBe(master.minOffset(topic, queueId));
      expect(await readQueue(slave, topic, queueId)).toEqual(await readQueue(master, topic, queueId));
    }
  }
}

describe('the log of a master in the store of a slave', () => {
  it('is the same byte for byte, fillers of segments included, in whatever pieces it comes', async () => {
    const master = await open();
    await fill(master, 150);
    const bytes = await rawLog(master, 0);
    expect(bytes.length).toBe(master.maxPhysicalOffset);
    expect(bytes.length).toBeGreaterThan(4 * SEGMENT_BYTES);
    for (const pieceBytes of [() => 1, () => 7, (i: number) => 1 + ((i * 7919) % 3000), () => 32 * 1024]) {
      const slave = await open();
      await feed(slave, bytes, pieceBytes);
      await expectSame(master, slave);
    }
  });

  it('goes on after a restart and after a killed process', async () => {
    const master = await open();
    await fill(master, 60);
    let slave = await open();
    await feed(slave, await rawLog(master, 0), () => 1000);
    const copy = crashCopy(folderOf(slave));
    cleanUps.push(() => copy.remove());
    await slave.close();
    for (const path of [folderOf(slave), copy.path]) {
      await fill(master, 40, 60);
      slave = await open(path);
      await feed(slave, await rawLog(master, slave.maxPhysicalOffset), () => 5000);
      await expectSame(master, slave);
    }
  });

  it('keeps what stands behind the head of a filler', async () => {
    const master = await open();
    await fill(master, 10);
    const bytes = await rawLog(master, 0);
    const slave = await open();
    const log = Buffer.concat([bytes, filler(SEGMENT_BYTES - bytes.length, 0xab)]);
    expect(log.length).toBe(SEGMENT_BYTES);
    await feed(slave, log, () => 100);
    expect(slave.maxPhysicalOffset).toBe(SEGMENT_BYTES);
    expect(readFileSync(join(folderOf(slave), 'commitlog', '0'.repeat(20))).equals(log)).toBe(true);
  });

  it('begins with a later segment when the slave has nothing', async () => {
    const master = await open();
    await fill(master, 100);
    const start = master.maxPhysicalOffset - (master.maxPhysicalOffset % SEGMENT_BYTES);
    expect(start).toBeGreaterThan(0);
    const folder = tempFolder();
    cleanUps.push(() => folder.remove());
    let slave = await open(folder.path);
    await slave.replication.appender.restart();
    slave.replication.appender.beginAt(start);
    const bytes = await rawLog(master, start);
    await feed(slave, bytes, () => 999);
    expect(slave.minPhysicalOffset).toBe(start);
    expect(slave.maxPhysicalOffset).toBe(master.maxPhysicalOffset);
    await slave.close();
    slave = await open(folder.path);
    expect(slave.minPhysicalOffset).toBe(start);
    const orders = await readQueue(slave, 'Orders', 1);
    const ofMaster = await readQueue(master, 'Orders', 1);
    expect(orders.length).toBeGreaterThan(0);
    expect(orders).toEqual(ofMaster.slice(-orders.length));
  });

  it('begins with nothing again when a power loss took the file it was told to begin with, and brought the one before back', async () => {
    const start = 3 * SEGMENT_BYTES;
    const folder = tempFolder();
    cleanUps.push(() => folder.remove());
    let slave = await open(folder.path);
    await slave.replication.appender.restart();
    slave.replication.appender.beginAt(start);
    await slave.close();
    const log = join(folder.path, 'commitlog');
    expect(readdirSync(log)).toEqual([offsetFileName(start)]);
    rmSync(join(log, offsetFileName(start)));
    writeFileSync(join(log, offsetFileName(0)), '');
    slave = await open(folder.path);
    expect([slave.minPhysicalOffset, slave.maxPhysicalOffset]).toEqual([0, 0]);
    expect(readdirSync(log)).toEqual([offsetFileName(0)]);
    await slave.replication.appender.restart();
    slave.replication.appender.beginAt(start);
    expect(slave.minPhysicalOffset).toBe(start);
  });

  it('makes a queue again of which a kill left part of a filler', async () => {
    const master = await open();
    await fill(master, 100);
    const start = master.maxPhysicalOffset - (master.maxPhysicalOffset % SEGMENT_BYTES);
    const slave = await open();
    await slave.replication.appender.restart();
    slave.replication.appender.beginAt(start);
    await feed(slave, await rawLog(master, start), () => 999);
    const inQueue = join('consumequeue', 'Orders', '1');
    await waitFor(() => existsSync(join(folderOf(slave), inQueue)));
    const copy = crashCopy(folderOf(slave));
    cleanUps.push(() => copy.remove());
    // A kill before the first checkpoint, while the queue wrote the space before its first message.
    rmSync(join(copy.path, 'checkpoint'), { force: true });
    const queue = join(copy.path, inQueue);
    const [name, ...others] = readdirSync(queue);
    expect(others).toEqual([]);
    const bytes = Buffer.alloc(statSync(join(queue, name)).size);
    writeGapEntry(new DataView(bytes.buffer, bytes.byteOffset), 0);
    bytes[11] = 0;
    writeFileSync(join(queue, name), bytes);
    const reopened = await open(copy.path);
    const orders = await readQueue(reopened, 'Orders', 1);
    expect(orders.length).toBeGreaterThan(0);
    expect(orders).toEqual((await readQueue(master, 'Orders', 1)).slice(-orders.length));
    expect(reopened.maxOffset('Orders', 1)).toBe(master.maxOffset('Orders', 1));
  });

  it('wakes who waits for messages, in the order of their queue', async () => {
    const master = await open();
    await fill(master, 20);
    const slave = await open();
    const arrived: number[] = [];
    slave.onArrival((topic, queueId, queueOffset) => {
      if (topic === 'Orders' && queueId === 0) arrived.push(queueOffset);
    });
    await feed(slave, await rawLog(master, 0), () => 300);
    expect(arrived).toEqual(Array.from({ length: master.maxOffset('Orders', 0) }, (_, i) => i));
    expect(arrived.length).toBeGreaterThan(0);
  });

  it('can be queried by key', async () => {
    const master = await open();
    await fill(master, 5);
    const slave = await open();
    await feed(slave, await rawLog(master, 0), () => 300);
    const found = await slave.queryMessage('Orders', 'k1', 32, 0, Date.now());
    expect(found.records).toHaveLength((await master.queryMessage('Orders', 'k1', 32, 0, Date.now())).records.length);
    expect(found.records.length).toBeGreaterThan(0);
  });
});

describe('what is refused', () => {
  it('is a gap', async () => {
    const slave = await open();
    const { appender } = slave.replication;
    await appender.restart();
    expect(() => appender.append(100, Buffer.alloc(10))).toThrow(/goes on at offset 0.*from offset 100/s);
  });

  it('is another beginning once there are messages', async () => {
    const slave = await open();
    await fill(slave, 1);
    await slave.replication.appender.restart();
    expect(() => slave.replication.appender.beginAt(SEGMENT_BYTES)).toThrow(
      expect.objectContaining({ code: 'STORE_REPLICA_GAP' }),
    );
  });

  it('is a beginning where no segment can begin', async () => {
    const slave = await open();
    expect(() => slave.replication.appender.beginAt(SEGMENT_BYTES + 1)).toThrow(/mappedFileSizeCommitLog/);
  });

  it('is a damaged message; those before it are kept', async () => {
    const master = await open();
    await fill(master, 10);
    const bytes = await rawLog(master, 0);
    bytes[bytes.length - 30] ^= 1;
    const slave = await open();
    await expect(feed(slave, bytes, () => 700)).rejects.toMatchObject({ code: 'STORE_REPLICA_DAMAGED' });
    const at = await slave.replication.appender.restart();
    expect(at).toBe(slave.maxPhysicalOffset);
    expect(at).toBeGreaterThan(0);
    const good = await rawLog(master, at);
    await feed(slave, good, () => 100);
    await expectSame(master, slave);
  });

  it('is the log of a master with other segments', async () => {
    const master = await open(undefined, { segmentSizeBytes: 2 * SEGMENT_BYTES });
    await fill(master, 80);
    const slave = await open();
    await expect(feed(slave, await rawLog(master, 0), () => 4096)).rejects.toThrow(/mappedFileSizeCommitLog/);
  });
});

describe('a disk that fails', () => {
  it('of the very first message does not keep a slave from beginning at a later file', async () => {
    const master = await open(undefined, { segmentSizeBytes: SEGMENT_BYTES });
    await fill(master, 60);
    const disk = new FaultyFileSystem();
    const slave = await open(undefined, { segmentSizeBytes: SEGMENT_BYTES, fileSystem: disk });
    const { appender } = slave.replication;
    const failures: string[] = [];
    appender.listen({ written: () => undefined, failed: (error) => failures.push(error.message) });
    disk.onWrite = (path) => (path.includes('commitlog') ? systemError('ENOSPC') : undefined);
    await appender.restart();
    appender.append(0, (await rawLog(master, 0)).subarray(0, SEGMENT_BYTES / 2));
    await waitFor(() => failures.length > 0);
    disk.onWrite = () => undefined;
    expect(await appender.restart()).toBe(0);
    appender.beginAt(SEGMENT_BYTES);
    appender.append(SEGMENT_BYTES, await rawLog(master, SEGMENT_BYTES));
    await waitFor(() => slave.maxPhysicalOffset === master.maxPhysicalOffset);
    expect(failures).toHaveLength(1);
  });

  it('leaves whole messages, tells why, and what failed is taken again', async () => {
    const master = await open();
    await fill(master, 20);
    const fileSystem = new FaultyFileSystem();
    const slave = await open(undefined, { fileSystem });
    const failures: string[] = [];
    slave.replication.appender.listen({ written: () => undefined, failed: (error) => failures.push(error.message) });
    const bytes = await rawLog(master, 0);
    const half = bytes.subarray(0, bytes.length >> 1);
    await feed(slave, half, () => 1000);
    const before = slave.maxPhysicalOffset;
    let fails = true;
    fileSystem.onWrite = (path) => {
      if (!fails || !path.includes('commitlog')) return undefined;
      fails = false;
      return systemError('ENOSPC');
    };
    await feed(slave, (await rawLog(master, before)).subarray(0, 5000), () => 5000);
    expect(failures).toHaveLength(1);
    expect(slave.maxPhysicalOffset).toBe(before);
    await feed(slave, await rawLog(master, before), () => 1000);
    await expectSame(master, slave);
  });
});
