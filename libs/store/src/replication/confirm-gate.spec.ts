import { afterEach, describe, expect, it } from 'vitest';
import type { MessageStore } from '../message-store.js';
import { put, readQueue, smallStore, tempFolder } from '../testing/store-fixture.js';

const cleanUps: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (let clean = cleanUps.pop(); clean !== undefined; clean = cleanUps.pop()) await clean();
});

function newFolder(): string {
  const folder = tempFolder();
  cleanUps.push(() => folder.remove());
  return folder.path;
}

async function open(path = newFolder(), options: Parameters<typeof smallStore>[1] = {}): Promise<MessageStore> {
  const store = smallStore(path, options);
  await store.open();
  cleanUps.push(() => store.close());
  return store;
}

const message = (text: string, fields: object = {}) => ({
  topic: 'Orders',
  queueId: 0,
  body: Buffer.from(text),
  ...fields,
});

/** The state of a promise: its value, or undefined while it waits. */
async function settled<T>(promise: Promise<T>): Promise<T | undefined> {
  await new Promise(setImmediate);
  return Promise.race([promise, new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)))]);
}

async function written(store: MessageStore, offset: number): Promise<void> {
  while (store.maxPhysicalOffset <= offset) await new Promise(setImmediate);
}

describe.each(['ASYNC_FLUSH', 'SYNC_FLUSH'] as const)('what is written and not confirmed (%s)', (flushDiskType) => {
  it('is neither answered nor seen, until it is', async () => {
    const store = await open(undefined, { flushDiskType });
    const gate = store.replication.holdUnconfirmed();
    const arrived: number[] = [];
    store.onArrival((_topic, _queueId, queueOffset) => arrived.push(queueOffset));
    const first = put(store, message('first'));
    await written(store, 0);
    const firstEnd = store.maxPhysicalOffset;
    const second = put(store, message('second'));
    await written(store, firstEnd);
    expect(await settled(first)).toBeUndefined();
    expect(store.maxOffset('Orders', 0)).toBe(0);
    expect(arrived).toEqual([]);

    gate.confirm(firstEnd);
    expect(await first).toMatchObject({ status: 'PUT_OK', queueOffset: 0 });
    expect(await settled(second)).toBeUndefined();
    expect(store.maxOffset('Orders', 0)).toBe(1);
    gate.confirm(firstEnd - 1);
    expect(arrived).toEqual([0]);

    gate.confirm(store.maxPhysicalOffset);
    expect(await second).toMatchObject({ status: 'PUT_OK', queueOffset: 1 });
    expect(arrived).toEqual([0, 1]);
    await gate.idle();
    expect((await readQueue(store, 'Orders', 0)).length).toBe(2);
  });

  it('is answered when its sender waits no more, or never did, and seen only when it is confirmed', async () => {
    const store = await open(undefined, { flushDiskType });
    const gate = store.replication.holdUnconfirmed();
    const patient = put(store, message('patient'));
    const hasty = put(store, message('hasty', { waitStoreOk: false }));
    expect((await hasty).status).toBe('PUT_OK');
    await written(store, 0);
    while (gate.pending < 2) await new Promise(setImmediate);
    gate.giveUp('FLUSH_SLAVE_TIMEOUT', 'too late', -Infinity);
    expect(await settled(patient)).toBeUndefined();
    gate.giveUp('FLUSH_SLAVE_TIMEOUT', 'too late');
    expect(await patient).toMatchObject({ status: 'FLUSH_SLAVE_TIMEOUT', reason: 'too late' });
    expect(gate.pendingAnswers).toBe(0);
    expect(store.maxOffset('Orders', 0)).toBe(0);
    gate.confirm(store.maxPhysicalOffset);
    expect(store.maxOffset('Orders', 0)).toBe(2);
  });

  it('is in the queues of a store that was closed, but was not acknowledged', async () => {
    const path = newFolder();
    const store = await open(path, { flushDiskType });
    store.replication.holdUnconfirmed();
    const waiting = put(store, message('unconfirmed'));
    await written(store, 0);
    await store.close();
    expect((await waiting).status).toBe('SERVICE_NOT_AVAILABLE');
    const reopened = smallStore(path);
    expect((await reopened.open()).cleanStop).toBe(true);
    cleanUps.push(() => reopened.close());
    expect(reopened.maxOffset('Orders', 0)).toBe(1);
  });
});

it('a topic is deleted once what was put into it is confirmed', async () => {
  const store = await open();
  const gate = store.replication.holdUnconfirmed();
  const waiting = put(store, message('last'));
  await written(store, 0);
  const deletion = store.deleteTopic('Orders');
  expect(await settled(deletion.then(() => 'done'))).toBeUndefined();
  gate.confirm(store.maxPhysicalOffset);
  await Promise.all([waiting, deletion]);
  expect(store.topics()).toEqual([]);
});

it('records of a master are seen once they are confirmed', async () => {
  const master = await open();
  for (const text of ['a', 'b', 'c']) await put(master, message(text, { properties: `KEYS\u0001${text}\u0002` }));
  const bytes = Buffer.alloc(master.maxPhysicalOffset);
  await master.replication.reader.readInto(0, bytes, bytes.length);
  const slave = await open();
  const gate = slave.replication.holdUnconfirmed();
  await slave.replication.appender.restart();
  slave.replication.appender.append(0, bytes);
  await slave.replication.appender.restart();
  expect(slave.maxPhysicalOffset).toBe(bytes.length);
  expect(gate.pending).toBe(3);
  expect(slave.maxOffset('Orders', 0)).toBe(0);
  gate.confirm(bytes.length - 1);
  expect(slave.maxOffset('Orders', 0)).toBe(2);
  gate.confirm(bytes.length + 1_000);
  expect(await readQueue(slave, 'Orders', 0)).toEqual(await readQueue(master, 'Orders', 0));
});
