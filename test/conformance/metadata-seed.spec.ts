import { defaultSubscriptionGroupConfig } from '@rocknest/protocol';
import { describe, expect, it } from 'vitest';
import type { MetadataSnapshot } from '../../apps/broker/src/metadata/index.js';
import { backends } from './support/metadata-backends.js';
import { metadataHarness, topic } from './support/metadata-harness.js';

const OFFSETS = 1_200;
const version = (counter: number): { stateVersion: number; timestamp: number; counter: number } => ({
  stateVersion: 0,
  timestamp: 1_795_374_643_616,
  counter,
});

const snapshot: MetadataSnapshot = {
  topics: [topic('Orders', { order: true }), topic('%RETRY%GID_a')],
  groups: [{ ...defaultSubscriptionGroupConfig('GID_a'), retryMaxTimes: 7 }],
  offsets: Array.from({ length: OFFSETS }, (_, queueId) => ({
    group: 'GID_a',
    topic: 'Orders',
    queueId,
    queueOffset: 2 ** 40 + queueId,
  })),
  delayOffsets: new Map([[3, 17]]),
  requestModes: [{ topic: 'Orders', consumerGroup: 'GID_a', mode: 'POP', popShareQueueNum: 2 }],
  orderInfos: [
    {
      topic: 'Orders',
      group: 'GID_a',
      queueId: 1,
      state: { popTime: 5, i: 60_000, o: [7, 1], l: 6, cm: 1, a: 'attempt' },
    },
  ],
  versions: { topics: version(5), groups: version(6), consumerOffsets: version(7), delayOffsets: version(8) },
};

describe.each(backends)('metadata taken from elsewhere, on $name', (backend) => {
  const { open } = metadataHarness(backend);

  it('replaces everything that was there of the broker', async () => {
    const before = await open();
    await before.topics.put(topic('Old'));
    await before.groups.autoCreate('GID_old');
    before.offsets.commit('GID_old', 'Old', 0, 1);
    before.delayOffsets.set(1, 1);
    await before.requestModes.put({ topic: 'Old', consumerGroup: 'GID_old', mode: 'POP', popShareQueueNum: 0 });
    before.orderInfos.put('Old', 'GID_old', 0, { popTime: 1, i: 1, o: [1], l: 1, cm: 0 });
    let wasEmpty: boolean | undefined;
    await before.close();
    const metadata = await open({
      seed: async (isEmpty) => {
        wasEmpty = await isEmpty();
        return snapshot;
      },
    });
    expect(wasEmpty).toBe(false);
    expect([...metadata.topics.all().keys()].sort()).toEqual(['%RETRY%GID_a', 'Orders']);
    expect(metadata.topics.get('Orders')?.order).toBe(true);
    expect([...metadata.groups.all().keys()]).toEqual(['GID_a']);
    expect(metadata.offsets.query('GID_a', 'Orders', OFFSETS - 1)).toBe(2 ** 40 + OFFSETS - 1);
    expect(metadata.offsets.query('GID_old', 'Old', 0)).toBe(-1);
    expect(metadata.delayOffsets.all()).toEqual(new Map([[3, 17]]));
    expect(metadata.requestModes.all()).toEqual(snapshot.requestModes);
    expect([...metadata.orderInfos.all()]).toEqual(snapshot.orderInfos);
    expect(metadata.topics.dataVersion).toEqual(version(5));
    expect(metadata.offsets.dataVersion).toEqual(version(7));
  });

  it('leaves everything as it was when the seed has nothing', async () => {
    let wasEmpty: boolean | undefined;
    const metadata = await open({
      seed: async (isEmpty) => {
        wasEmpty = await isEmpty();
        return undefined;
      },
    });
    expect(wasEmpty).toBe(true);
    expect(metadata.topics.all().size).toBe(0);
  });
});
