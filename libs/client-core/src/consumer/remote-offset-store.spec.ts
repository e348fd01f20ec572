import { describe, expect, it } from 'vitest';
import { ResponseCode } from '@rocknest/protocol';
import { MQBrokerError } from '../errors.js';
import { silentLogger } from '../logger.js';
import { OFFSET_NOT_FOUND, OFFSET_UNKNOWN } from './offset-store.js';
import { ConsumeQueueRef } from './queue-ref.js';
import { RemoteBrokerOffsetStore } from './remote-offset-store.js';

const queue = new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId: 0 });
const other = new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId: 1 });

function harness() {
  const written: string[] = [];
  const state: { read: number | Error; fails: boolean; hasMaster: boolean } = {
    read: 0,
    fails: false,
    hasMaster: true,
  };
  let underWay = 0;
  const sideBySide: number[] = [];
  const store = new RemoteBrokerOffsetStore(
    'g',
    {
      queryConsumerOffset: async () => {
        if (state.read instanceof Error) throw state.read;
        return state.read;
      },
      updateConsumerOffset: async (_group, { queueId }, offset) => {
        sideBySide.push(++underWay);
        await Promise.resolve();
        underWay--;
        if (state.fails) throw new Error('down');
        written.push(`${queueId}:${offset}`);
        return state.hasMaster;
      },
    },
    silentLogger,
  );
  return { store, written, state, sideBySide };
}

describe('RemoteBrokerOffsetStore', () => {
  it('tells "none" from "not known"', async () => {
    const { store, state } = harness();
    state.read = new MQBrokerError('offset', 'a:1', ResponseCode.QUERY_NOT_FOUND, undefined);
    expect(await store.read(queue)).toBe(OFFSET_NOT_FOUND);
    state.read = new MQBrokerError('offset', 'a:1', ResponseCode.SYSTEM_ERROR, undefined);
    expect(await store.read(queue)).toBe(OFFSET_UNKNOWN);
    state.read = new Error('connection lost');
    expect(await store.read(queue)).toBe(OFFSET_UNKNOWN);
    expect(store.inMemory(queue)).toBeUndefined();
    state.read = 12;
    expect(await store.read(queue)).toBe(12);
    expect(store.inMemory(queue)).toBe(12);
  });

  it('raises only, unless told otherwise', () => {
    const { store } = harness();
    store.update(queue, 10, true);
    store.update(queue, 5, true);
    expect(store.inMemory(queue)).toBe(10);
    store.update(queue, 5, false);
    expect(store.inMemory(queue)).toBe(5);
  });

  it('writes what changed, and everything now and then', async () => {
    const { store, written } = harness();
    store.update(queue, 1, true);
    store.update(other, 2, true);
    await store.persistAll();
    store.update(other, 3, true);
    await store.persistAll();
    expect(written.sort()).toEqual(['0:1', '1:2', '1:3']);
    written.length = 0;
    for (let round = 0; round < 12; round++) await store.persistAll();
    expect(written.sort()).toEqual(['0:1', '1:3']);
  });

  it('writes again what the broker did not take', async () => {
    const { store, written, state } = harness();
    store.update(queue, 1, true);
    state.fails = true;
    await store.persistAll();
    expect(await store.persist(queue)).toBe(false);
    state.fails = false;
    await store.persistAll();
    expect(written).toEqual(['0:1']);
  });

  it('writes to the master what a slave took in its place, also when nothing more was consumed', async () => {
    const { store, written, state } = harness();
    state.hasMaster = false;
    store.update(queue, 1, true);
    await store.persistAll();
    expect(store.notPersisted(queue)).toBe(1);
    state.hasMaster = true;
    await store.persistAll();
    await store.persistAll();
    expect(written).toEqual(['0:1', '0:1']);
  });

  it('counts an offset that changes while it is written as not written', async () => {
    const { store, written } = harness();
    store.update(queue, 1, true);
    const writing = store.persistAll();
    store.update(queue, 2, true);
    await writing;
    await store.persistAll();
    expect(written).toEqual(['0:1', '0:2']);
  });

  it('writes the first offset of a topic alone, also when the one before it failed, and the others side by side', async () => {
    const { store, written, state, sideBySide } = harness();
    const queues = [0, 1, 2, 3].map((queueId) => new ConsumeQueueRef({ topic: 't', brokerName: 'b', queueId }));
    for (const one of queues) store.update(one, 5, true);
    state.fails = true;
    await store.persistAll();
    state.fails = false;
    expect(sideBySide).toEqual([1, 1, 1, 1]);
    await store.persistAll();
    expect(sideBySide.slice(4)).toEqual([1, 1, 2, 3]);
    expect(written.sort()).toEqual(['0:5', '1:5', '2:5', '3:5']);
  });

  it('lets no pull carry the first offset of a topic, and writes it then', async () => {
    const { store, written } = harness();
    store.update(queue, 5, true);
    store.update(other, 6, true);
    expect(store.notPersisted(queue)).toBeUndefined();
    expect(store.notPersisted(other)).toBeUndefined();
    await expect.poll(() => written).toEqual(['0:5']);
    expect(store.notPersisted(queue)).toBeUndefined();
    expect(store.notPersisted(other)).toBe(6);

    const known = harness();
    known.state.read = 12;
    await known.store.read(queue);
    known.store.update(queue, 13, true);
    expect(known.store.notPersisted(queue)).toBe(13);
  });

  it('forgets a queue and shows the rest', async () => {
    const { store, written } = harness();
    store.update(queue, 1, true);
    store.update(other, 2, true);
    store.remove(queue);
    expect(store.table('t')).toEqual([[{ topic: 't', brokerName: 'b', queueId: 1 }, 2]]);
    expect(store.table('u')).toEqual([]);
    expect(await store.persist(queue)).toBe(true);
    expect(written).toEqual([]);
  });
});
