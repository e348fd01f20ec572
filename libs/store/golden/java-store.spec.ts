import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inflateSync } from 'node:zlib';
import type { MessageExt } from '@rocknest/protocol';
import { bodyPosition, decodeMessages, encodeHost, tagsCodeOf } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../src/io/clock.js';
import { MessageStore } from '../src/message-store.js';
import type { MessageStoreOptions } from '../src/message-store-options.js';
import { CollectingLogger, put, tempFolder } from '../src/testing/store-fixture.js';

/**
 * A store folder that the Java broker 5.4.0 wrote and closed, with segments of 32 KiB: single, batch and delayed messages of several
 * sizes and tags. Made by sending to a broker started with `mappedFileSizeCommitLog=32768`; each file is kept without its zeros at the end.
 */
const golden = JSON.parse(readFileSync(new URL('./java-5.4.0-store.json', import.meta.url), 'utf8')) as Record<
  string,
  { sizeBytes: number; deflated: string }
>;
const SEGMENT = 32_768;

/** Gives records the store times of the golden ones. */
class ReplayClock extends SystemClock {
  now = 0;

  override nowMs(): number {
    return this.now;
  }
}

describe('a store written by the Java broker', () => {
  let folder: ReturnType<typeof tempFolder>;
  let stores: MessageStore[];

  beforeEach(() => {
    folder = tempFolder();
    stores = [];
    for (const [path, { sizeBytes, deflated }] of Object.entries(golden)) {
      const content = Buffer.alloc(sizeBytes);
      inflateSync(Buffer.from(deflated, 'base64')).copy(content);
      mkdirSync(dirname(join(folder.path, path)), { recursive: true });
      writeFileSync(join(folder.path, path), content);
    }
  });

  afterEach(async () => {
    for (const store of stores) await store.close();
    folder.remove();
  });

  async function open(rootPath: string, options: Partial<MessageStoreOptions> = {}) {
    const store = new MessageStore({
      rootPath,
      storeHost: '127.0.0.1:20181',
      segmentSizeBytes: SEGMENT,
      logger: new CollectingLogger(),
      ...options,
    });
    stores.push(store);
    return { store, report: await store.open() };
  }

  /** Every record that a queue entry points at, in the order of the log. */
  async function readAll(store: MessageStore): Promise<{ message: MessageExt; record: Buffer }[]> {
    const found: { message: MessageExt; record: Buffer }[] = [];
    for (const topic of store.topics()) {
      for (let queueId = 0; queueId < 8; queueId++) {
        for (
          let queueOffset = store.minOffset(topic, queueId);
          queueOffset < store.maxOffset(topic, queueId);
          queueOffset++
        ) {
          const result = await store.getMessage({ topic, queueId, queueOffset, maxMessages: 1 });
          const record = Buffer.concat(result.records);
          const [message] = decodeMessages(record);
          expect(message).toMatchObject({ topic, queueId, queueOffset });
          found.push({ message, record });
        }
      }
    }
    return found.sort((a, b) => a.message.physicalOffset - b.message.physicalOffset);
  }

  function expectSameFiles(rootPath: string, under: string): void {
    for (const [path, { sizeBytes, deflated }] of Object.entries(golden)) {
      if (!path.startsWith(`${under}/`)) continue;
      const expected = Buffer.alloc(sizeBytes);
      inflateSync(Buffer.from(deflated, 'base64')).copy(expected);
      // A segment that was only prepared need not be there.
      if (expected.every((byte) => byte === 0) && !readdirSync(dirname(join(rootPath, path))).includes(path.slice(-20)))
        continue;
      const made = readFileSync(join(rootPath, path));
      expect(made.length, path).toBe(sizeBytes);
      // Not toEqual on millions of bytes: the first difference says more.
      const firstDifference = made.equals(expected) ? -1 : made.findIndex((byte, i) => byte !== expected[i]);
      expect(`${path} differs at ${firstDifference}`).toBe(`${path} differs at -1`);
    }
  }

  it('opens, and every message can be read', async () => {
    const { store, report } = await open(folder.path);
    expect(report).toMatchObject({ cleanStop: true, cutBytes: 0, dispatchedRecords: 0, lines: [] });
    const messages = await readAll(store);
    expect(messages.length).toBeGreaterThan(120);
    expect(messages.filter(({ message }) => message.properties['TAGS'] === 'Ünïcode漢').length).toBeGreaterThan(30);
    expect(store.topics().sort()).toEqual(['SCHEDULE_TOPIC_XXXX', 'StoreCheck']);
  });

  it('is what our own store makes of the same messages, byte for byte', async () => {
    const { store } = await open(folder.path);
    const messages = await readAll(store);
    const clock = new ReplayClock();
    const ours = tempFolder();
    const { store: replay } = await open(ours.path, { clock });
    const answers = messages.map(({ message, record }) => {
      clock.now = message.storeTimestamp;
      const propertiesAt =
        bodyPosition(message.sysFlag) + record.readInt32BE(84) + 1 + Buffer.byteLength(message.topic) + 2;
      return put(replay, {
        ...message,
        bornHost: encodeHost(message.bornHost),
        flag: message.flag ?? 0,
        body: record.subarray(88, 88 + record.readInt32BE(84)),
        properties: record.subarray(propertiesAt),
        tagsCode: tagsCodeOf(message.properties['TAGS']),
      });
    });
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set(['PUT_OK']));
    await replay.close();
    expectSameFiles(ours.path, 'commitlog');
    expectSameFiles(ours.path, 'consumequeue');
    ours.remove();
  });

  it('gets the same consume queues when they are made again from the log', async () => {
    rmSync(join(folder.path, 'consumequeue'), { recursive: true });
    rmSync(join(folder.path, 'checkpoint'));
    const { store } = await open(folder.path);
    await store.close();
    expectSameFiles(folder.path, 'consumequeue');
    expectSameFiles(folder.path, 'commitlog');
  });

  it('is recovered by the time stamps of its checkpoint after a crash', async () => {
    writeFileSync(join(folder.path, 'abort'), '');
    const copy = tempFolder();
    cpSync(folder.path, copy.path, { recursive: true });
    const { store, report } = await open(copy.path);
    expect(report).toMatchObject({ cleanStop: false, cutBytes: 0 });
    expect(report.scannedRecords).toBeGreaterThan(0);
    expect((await readAll(store)).length).toBeGreaterThan(120);
    await store.close();
    expectSameFiles(copy.path, 'consumequeue');
    copy.remove();
  });
});
