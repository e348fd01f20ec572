import { describe, expect, it } from 'vitest';
import { defaultSubscriptionGroupConfig, type SubscriptionGroupConfig } from '@rocknest/protocol';
import { MetadataError } from '../../apps/broker/src/metadata/index.js';
import { waitFor } from '../support/wait-for.js';
import { backends } from './support/metadata-backends.js';
import { metadataHarness, topic } from './support/metadata-harness.js';

describe.each(backends)('metadata on $name', (backend) => {
  const harness = metadataHarness(backend);
  const { open, reopen } = harness;

  it('begins empty', async () => {
    const metadata = await open();
    expect(metadata.topics.all().size).toBe(0);
    expect(metadata.groups.get('nobody')).toBeUndefined();
    expect(metadata.offsets.query('g', 't', 0)).toBe(-1);
    expect(metadata.delayOffsets.get(3)).toBe(0);
    expect(metadata.topics.dataVersion).toMatchObject({ stateVersion: 0, counter: 0 });
  });

  it('keeps every field of a topic', async () => {
    const full = topic('orders', {
      readQueueNums: 8,
      writeQueueNums: 16,
      perm: 7,
      topicFilterType: 'MULTI_TAG',
      topicSysFlag: 3,
      order: true,
      attributes: { 'message.type': 'DELAY', note: 'grün 日本 \u{1F680} " \\ \n' },
    });
    let metadata = await open();
    expect(await metadata.topics.put(full)).toBe(true);
    expect(metadata.topics.get('orders')).toEqual(full);
    metadata = await reopen(metadata);
    expect(metadata.topics.get('orders')).toEqual(full);
    expect(await metadata.topics.put(full)).toBe(false);
    expect(await metadata.topics.put({ ...full, perm: 4, attributes: {} })).toBe(true);
    metadata = await reopen(metadata);
    expect(metadata.topics.get('orders')).toEqual({ ...full, perm: 4, attributes: {} });
  });

  it('keeps every field of a subscription group', async () => {
    const full: SubscriptionGroupConfig = {
      ...defaultSubscriptionGroupConfig('billing'),
      consumeEnable: false,
      consumeFromMinEnable: false,
      consumeBroadcastEnable: false,
      consumeMessageOrderly: true,
      retryQueueNums: 3,
      retryMaxTimes: -1,
      groupRetryPolicy: { type: 'EXPONENTIAL', exponentialRetryPolicy: { initial: 5000, max: 7200000 } },
      brokerId: 2 ** 40,
      whichBrokerWhenConsumeSlowly: 2,
      notifyConsumerIdsChangedEnable: false,
      groupSysFlag: 1,
      consumeTimeoutMinute: 30,
      subscriptionDataSet: [{ topic: 'orders', expression: '*' }],
      attributes: { a: 'b' },
    };
    let metadata = await open();
    expect(await metadata.groups.put(full)).toBe(true);
    expect(await metadata.groups.autoCreate('plain')).toEqual(defaultSubscriptionGroupConfig('plain'));
    metadata = await reopen(metadata);
    expect(metadata.groups.get('billing')).toEqual(full);
    expect(metadata.groups.get('plain')).toEqual(defaultSubscriptionGroupConfig('plain'));
    expect(await metadata.groups.put(full)).toBe(false);
    const { subscriptionDataSet: _, ...without } = full;
    expect(await metadata.groups.put(without)).toBe(true);
    metadata = await reopen(metadata);
    expect(metadata.groups.get('billing')).toEqual(without);
  });

  it('gives the table a new version with each change, and keeps it', async () => {
    let metadata = await open();
    const first = metadata.topics.dataVersion;
    await metadata.topics.put(topic('a'));
    const second = metadata.topics.dataVersion;
    expect(first.counter).toBe(0);
    expect(second.counter).toBe(1);
    await metadata.topics.put(topic('a'));
    await metadata.topics.delete('never-there');
    expect(metadata.topics.dataVersion).toBe(second);
    await metadata.topics.nextDataVersion(7);
    expect(metadata.topics.dataVersion).toMatchObject({ counter: 2, stateVersion: 7 });
    await metadata.topics.delete('a');
    const last = metadata.topics.dataVersion;
    expect(last).toMatchObject({ counter: 3, stateVersion: 7 });
    const groups = metadata.groups.dataVersion.counter;
    metadata = await reopen(metadata);
    expect(metadata.topics.dataVersion).toEqual(last);
    expect(metadata.groups.dataVersion.counter).toBe(groups);
  });

  it('creates missing topics in one go and leaves the others alone', async () => {
    let metadata = await open();
    await metadata.topics.put(topic('b', { perm: 4 }));
    expect(await metadata.topics.ensure([topic('a'), topic('b'), topic('c')])).toBe(2);
    expect(metadata.topics.dataVersion.counter).toBe(2);
    metadata = await reopen(metadata);
    expect([...metadata.topics.all().keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(metadata.topics.get('b')?.perm).toBe(4);
  });

  it('removes topics and groups', async () => {
    let metadata = await open();
    await metadata.topics.ensure([topic('a'), topic('b')]);
    await metadata.groups.autoCreate('g');
    await metadata.topics.delete('a');
    await metadata.groups.delete('g');
    expect(metadata.topics.get('a')).toBeUndefined();
    metadata = await reopen(metadata);
    expect([...metadata.topics.all().keys()]).toEqual(['b']);
    expect(metadata.groups.all().size).toBe(0);
  });

  it('takes many changes at once, in few transactions, and tells each its own result', async () => {
    let metadata = await open();
    const names = Array.from({ length: 1_200 }, (_, index) => `topic-${index}`);
    const results = await Promise.all(
      [...names, ...names.slice(0, 10)].map((name) => metadata.topics.put(topic(name))),
    );
    expect(results.filter((changed) => changed)).toHaveLength(1_200);
    expect(metadata.topics.dataVersion.counter).toBeLessThan(5);
    metadata = await reopen(metadata);
    expect(metadata.topics.all().size).toBe(1_200);
  });

  it('applies changes of one topic in the order in which they came', async () => {
    let metadata = await open();
    const changes = [
      metadata.topics.put(topic('a')),
      metadata.topics.put(topic('a', { perm: 4 })),
      metadata.topics.delete('a'),
      metadata.topics.put(topic('a', { perm: 2 })),
    ];
    await Promise.all(changes);
    metadata = await reopen(metadata);
    expect(metadata.topics.get('a')?.perm).toBe(2);
  });

  it('tells names apart that differ in letter case only', async () => {
    let metadata = await open();
    await metadata.topics.put(topic('Orders', { perm: 2 }));
    await metadata.topics.put(topic('orders', { perm: 4 }));
    metadata.offsets.commit('Group', 'Orders', 0, 1);
    metadata.offsets.commit('group', 'orders', 0, 2);
    metadata = await reopen(metadata);
    expect(metadata.topics.get('Orders')?.perm).toBe(2);
    expect(metadata.topics.get('orders')?.perm).toBe(4);
    expect(metadata.offsets.query('Group', 'Orders', 0)).toBe(1);
    expect(metadata.offsets.query('group', 'orders', 0)).toBe(2);
  });

  it('refuses what it cannot store, without harm to changes beside it', async () => {
    const metadata = await open();
    const bad = [
      metadata.topics.put(topic('x'.repeat(256))),
      metadata.topics.put(topic('')),
      metadata.topics.put(topic('a', { readQueueNums: 2 ** 40 })),
      metadata.topics.put(topic('a', { attributes: { long: 'x'.repeat(60_001) } })),
    ];
    const good = metadata.topics.put(topic('good'));
    for (const change of bad)
      await expect(change).rejects.toMatchObject({ code: 'METADATA_INVALID', retriable: false });
    await expect(good).resolves.toBe(true);
    expect(() => metadata.offsets.commit('g', 't', 0, 2 ** 53)).toThrow(MetadataError);
    expect(() => metadata.offsets.commit('g', 't', 2 ** 33, 0)).toThrow(MetadataError);
    expect(metadata.offsets.query('g', 't', 0)).toBe(-1);
  });

  it('writes offsets behind, in batches, and reads them back exactly', async () => {
    let metadata = await open();
    for (let queueId = 0; queueId < 1_300; queueId++) metadata.offsets.commit('g', 't', queueId, queueId * 3);
    metadata.offsets.commit('g', 'large', 0, Number.MAX_SAFE_INTEGER);
    metadata.offsets.commit('g', 'large', 1, 2 ** 40 + 1);
    expect(metadata.offsets.pendingCount()).toBe(1_302);
    await metadata.flush();
    expect(metadata.offsets.pendingCount()).toBe(0);
    metadata.offsets.commit('g', 't', 7, 5);
    metadata.offsets.commit('g', 't', 8, 24);
    expect(metadata.offsets.pendingCount()).toBe(1);
    metadata = await reopen(metadata);
    expect(metadata.offsets.query('g', 't', 1_299)).toBe(3_897);
    expect(metadata.offsets.query('g', 't', 7)).toBe(5);
    expect(metadata.offsets.query('g', 'large', 0)).toBe(Number.MAX_SAFE_INTEGER);
    expect(metadata.offsets.query('g', 'large', 1)).toBe(2 ** 40 + 1);
    expect(metadata.offsets.offsetsOf('g', 't')?.size).toBe(1_300);
  });

  it('writes offsets by itself after the interval', async () => {
    const writer = await open({ flushConsumerOffsetIntervalMs: 10, flushDelayOffsetIntervalMs: 10 });
    writer.offsets.commit('g', 't', 0, 12);
    writer.delayOffsets.set(3, 34);
    await waitFor(
      () => writer.offsets.pendingCount() + writer.delayOffsets.pendingCount() === 0,
      'the offsets to be written',
    );
    const reader = await waitFor(async () => {
      const other = await open();
      if (other.offsets.query('g', 't', 0) === 12 && other.delayOffsets.get(3) === 34) return other;
      await other.close();
      return undefined;
    }, 'the offsets in the database');
    expect(reader.offsets.query('g', 't', 0)).toBe(12);
  });

  it('raises the version of the offsets every 500 commits', async () => {
    let metadata = await open();
    for (let offset = 1; offset <= 1_000; offset++) metadata.offsets.commit('g', 't', 0, offset);
    expect(metadata.offsets.dataVersion.counter).toBe(2);
    metadata = await reopen(metadata);
    expect(metadata.offsets.dataVersion.counter).toBe(2);
  });

  it('forgets the offsets of a group or a topic, but not what is committed afterwards', async () => {
    let metadata = await open();
    for (const group of ['g1', 'g2']) for (const name of ['t1', 't2']) metadata.offsets.commit(group, name, 0, 5);
    await metadata.flush();
    expect(metadata.offsets.topicsOf('g1').sort()).toEqual(['t1', 't2']);
    expect(metadata.offsets.groupsOf('t1').sort()).toEqual(['g1', 'g2']);
    metadata.offsets.deleteGroup('g1');
    metadata.offsets.commit('g1', 't2', 0, 1);
    metadata.offsets.deleteTopic('t1');
    expect(metadata.offsets.query('g1', 't1', 0)).toBe(-1);
    expect(metadata.offsets.query('g1', 't2', 0)).toBe(1);
    metadata.offsets.commit('g1', 't2', 0, 2);
    metadata.offsets.deleteGroup('g2');
    metadata = await reopen(metadata);
    expect(metadata.offsets.query('g1', 't1', 0)).toBe(-1);
    expect(metadata.offsets.query('g1', 't2', 0)).toBe(2);
    expect([...metadata.offsets.all()].map(({ group }) => group)).toEqual(['g1']);
  });

  it('keeps the offsets of the delay levels', async () => {
    let metadata = await open();
    for (let level = 1; level <= 18; level++) metadata.delayOffsets.set(level, level * 10);
    metadata.delayOffsets.set(18, Number.MAX_SAFE_INTEGER);
    metadata = await reopen(metadata);
    expect(metadata.delayOffsets.get(1)).toBe(10);
    expect(metadata.delayOffsets.get(18)).toBe(Number.MAX_SAFE_INTEGER);
    expect(metadata.delayOffsets.all().size).toBe(18);
  });

  it('keeps brokers apart that share a database, and lets them start at the same moment', async () => {
    // A SQLite file belongs to one process, which would wait for itself.
    const keys = ['c/a/0', 'c/b/0'];
    const [a, b] =
      backend.name === 'SQLite'
        ? [await open({ brokerKey: keys[0] }), await open({ brokerKey: keys[1] })]
        : await Promise.all([open({ brokerKey: keys[0] }), open({ brokerKey: keys[1] })]);
    await a.topics.put(topic('t', { perm: 2 }));
    await b.topics.put(topic('t', { perm: 4 }));
    a.offsets.commit('g', 't', 0, 1);
    b.offsets.commit('g', 't', 0, 2);
    b.offsets.deleteTopic('t');
    await a.close();
    await b.close();
    const [a2, b2] = await Promise.all([open({ brokerKey: 'c/a/0' }), open({ brokerKey: 'c/b/0' })]);
    expect([a2.topics.get('t')?.perm, b2.topics.get('t')?.perm]).toEqual([2, 4]);
    expect([a2.offsets.query('g', 't', 0), b2.offsets.query('g', 't', 0)]).toEqual([1, -1]);
  });
});
