import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BLANK_MAGIC, encodeHost } from '@rocknest/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { MessageStore } from '../message-store.js';
import { BORN_HOST, get, message, put, putBatch, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';

const SEGMENT = 16 * 1024;
/** A record with this many bytes of body more than its other fields take. */
const OVERHEAD = 91 + 'Orders'.length;

describe('the commit log', () => {
  let folder: ReturnType<typeof tempFolder>;
  let store: MessageStore;

  beforeEach(async () => {
    folder = tempFolder();
    store = smallStore(folder.path, { maxMessageSizeBytes: 8_400 });
    await store.open();
  });

  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  const segmentBytes = (start: number): Buffer =>
    readFileSync(join(folder.path, 'commitlog', String(start).padStart(20, '0')));

  function plain(sizeBytes: number): Promise<{ physicalOffset: number; status: string }> {
    return put(store, { properties: '', body: Buffer.alloc(sizeBytes - OVERHEAD, 'b') });
  }

  it('makes segments of the full size at once, as sparse files', () => {
    const { size, blocks } = statSync(join(folder.path, 'commitlog', '0'.repeat(20)));
    expect(size).toBe(SEGMENT);
    expect(blocks).toBe(0);
  });

  it('prepares the next segment when the current one is half full', async () => {
    await plain(7_000);
    expect(readdirSync(join(folder.path, 'commitlog'))).toHaveLength(1);
    await plain(7_000);
    await waitFor(() => readdirSync(join(folder.path, 'commitlog')).length === 2);
  });

  it('fills a segment to the last 8 bytes before it rolls', async () => {
    await plain(8_000);
    const fits = await plain(SEGMENT - 8 - 8_000);
    expect(fits.physicalOffset).toBe(8_000);
    const next = await plain(200);
    expect(next.physicalOffset).toBe(SEGMENT);
    const first = segmentBytes(0);
    expect(first.readInt32BE(SEGMENT - 8)).toBe(8);
    expect(first.readInt32BE(SEGMENT - 4)).toBe(BLANK_MAGIC);
    expect(await readQueue(store)).toHaveLength(3);
  });

  it('rolls when less than 8 bytes would be left, and fills the rest with a blank', async () => {
    await plain(8_000);
    const rolled = await plain(SEGMENT - 7 - 8_000);
    expect(rolled.physicalOffset).toBe(SEGMENT);
    const first = segmentBytes(0);
    expect(first.readInt32BE(8_000)).toBe(SEGMENT - 8_000);
    expect(first.readInt32BE(8_004)).toBe(BLANK_MAGIC);
    expect(first.subarray(8_008).every((byte) => byte === 0)).toBe(true);
    expect(store.stats()).toMatchObject({ dispatchBehindBytes: 0, maxPhysicalOffset: 2 * SEGMENT - 7 - 8_000 });
  });

  it('keeps a batch in one segment', async () => {
    await plain(8_000);
    const items = Array.from({ length: 10 }, (_, i) => ({
      flag: i,
      body: Buffer.alloc(780, 'b'),
      properties: Buffer.from(`TAGS\u0001T${i}\u0002`),
    }));
    const shared = { topic: 'Orders', queueId: 0, sysFlag: 0, bornTimestamp: 1, bornHost: BORN_HOST };
    const result = await putBatch(store, { ...shared, reconsumeTimes: 0, waitStoreOk: true, items });
    expect(result).toMatchObject({ status: 'PUT_OK', queueOffset: 1, physicalOffset: SEGMENT, messageCount: 10 });
    expect(segmentBytes(0).readInt32BE(8_000)).toBe(SEGMENT - 8_000);
    const messages = await readQueue(store);
    expect(
      messages.slice(1).map(({ queueOffset, flag, properties }) => [queueOffset, flag, properties['TAGS']]),
    ).toEqual(items.map((_, i) => [i + 1, i, `T${i}`]));
    expect(result.offsetMsgIds().split(',')).toEqual(messages.slice(1).map(({ offsetMsgId }) => offsetMsgId));
    const tagged = await get(store, {
      queueOffset: 1,
      matches: (code) => code === 'T'.charCodeAt(0) * 31 + '4'.charCodeAt(0),
    });
    expect(tagged).toMatchObject({ messageCount: 1, nextBeginOffset: 11 });
  });

  it('refuses what cannot be stored, and goes on where it was', async () => {
    const refusals: [Partial<ReturnType<typeof message>>, string][] = [
      [{ body: Buffer.alloc(0) }, 'MESSAGE_ILLEGAL'],
      [{ body: Buffer.alloc(8_401) }, 'MESSAGE_ILLEGAL'],
      [{ topic: 't'.repeat(128) }, 'MESSAGE_ILLEGAL'],
      [{ topic: '%RETRY%' + 'g'.repeat(249) }, 'MESSAGE_ILLEGAL'],
      [{ topic: '../evil' }, 'MESSAGE_ILLEGAL'],
      [{ topic: '..' }, 'MESSAGE_ILLEGAL'],
      [{ topic: '' }, 'MESSAGE_ILLEGAL'],
      [{ queueId: -1 }, 'MESSAGE_ILLEGAL'],
      [{ properties: 'a'.repeat(32_768) }, 'PROPERTIES_SIZE_EXCEEDED'],
      [{ properties: 'é'.repeat(16_384) }, 'PROPERTIES_SIZE_EXCEEDED'],
      [{ properties: 'p'.repeat(17_000) }, 'MESSAGE_ILLEGAL'],
    ];
    await put(store);
    for (const [overrides, status] of refusals) {
      const result = await put(store, overrides);
      expect(result).toMatchObject({ status, queueOffset: -1, messageCount: 0 });
      expect(result.reason).not.toBe('');
    }
    expect(await put(store)).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
    expect(store.stats()).toMatchObject({ putMessages: 2, failedPuts: refusals.length });
    expect(existsSync(join(folder.path, 'evil'))).toBe(false);
  });

  it('takes retry topics of up to 255 bytes, in V2 records', async () => {
    const topic = '%RETRY%' + 'g'.repeat(248);
    expect(await put(store, { topic })).toMatchObject({ status: 'PUT_OK' });
    expect((await readQueue(store, topic))[0].topic).toBe(topic);
  });

  it('stores IPv6 hosts', async () => {
    store.setStoreHost('[2001:db8::1]:10911');
    const result = await put(store, { bornHost: encodeHost('[::1]:99') });
    expect(result.offsetMsgIds()).toHaveLength(56);
    const [stored] = await readQueue(store);
    expect(stored).toMatchObject({
      bornHost: '[::1]:99',
      storeHost: '[2001:db8::1]:10911',
      offsetMsgId: result.offsetMsgIds(),
    });
  });

  it('gives prepared and rolled-back messages no place in the queue', async () => {
    const PREPARED = 0x4;
    const COMMIT = 0x8;
    const ROLLBACK = 0xc;
    const arrived: number[] = [];
    store.onArrival((_topic, _queueId, queueOffset) => arrived.push(queueOffset));
    expect(await put(store, { sysFlag: PREPARED })).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
    expect(await put(store, { sysFlag: COMMIT, preparedTransactionOffset: 77 })).toMatchObject({ queueOffset: 0 });
    expect(await put(store, { sysFlag: ROLLBACK })).toMatchObject({ queueOffset: 0 });
    expect(await put(store)).toMatchObject({ queueOffset: 1 });
    const stored = await readQueue(store);
    expect(stored.map(({ sysFlag, preparedTransactionOffset }) => [sysFlag, preparedTransactionOffset])).toEqual([
      [COMMIT, 77],
      [0, 0],
    ]);
    expect(arrived).toEqual([0, 1]);
  });

  it('writes all puts of one loop turn at once, and answers them in order', async () => {
    const order: number[] = [];
    await new Promise<void>((resolve) => {
      for (let i = 0; i < 20; i++) {
        store.putMessage(message({ queueId: i % 3, body: Buffer.from(String(i)) }), () => {
          order.push(i);
          if (order.length === 20) resolve();
        });
      }
      expect(order).toEqual([]);
    });
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(store.stats().commits).toBe(1);
  });
});
