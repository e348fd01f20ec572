import { describe, expect, it } from 'vitest';
import { backends } from './support/metadata-backends.js';
import { metadataHarness } from './support/metadata-harness.js';

describe.each(backends)('metadata of POP on $name', (backend) => {
  const { open, reopen } = metadataHarness(backend);

  it('keeps the request modes of groups until their topic or group goes', async () => {
    const mode = { topic: 'orders', consumerGroup: 'billing', mode: 'POP', popShareQueueNum: -1 } as const;
    let metadata = await open();
    await metadata.requestModes.put(mode);
    await metadata.requestModes.put({ ...mode, consumerGroup: 'Billing', mode: 'PULL', popShareQueueNum: 3 });
    await metadata.requestModes.put({ ...mode, topic: 'Orders' });
    metadata = await reopen(metadata);
    expect(metadata.requestModes.get('orders', 'billing')).toEqual(mode);
    expect(metadata.requestModes.get('orders', 'Billing')).toMatchObject({ mode: 'PULL', popShareQueueNum: 3 });
    expect(metadata.requestModes.get('orders', 'nobody')).toBeUndefined();
    await metadata.requestModes.put({ ...mode, popShareQueueNum: 1 });
    await metadata.requestModes.forget({ topic: 'Orders' });
    await metadata.requestModes.forget({ consumerGroup: 'Billing' });
    metadata = await reopen(metadata);
    expect(metadata.requestModes.all()).toEqual([{ ...mode, popShareQueueNum: 1 }]);
    await expect(metadata.requestModes.put({ ...mode, topic: 'a b' })).rejects.toThrow(/topic name/);
  });

  it('keeps the state of queues popped in order, written behind', async () => {
    const state = { popTime: 1_700_000_000_000, i: 60_000, o: [9_000_000_000, 1], l: 1_700_000_000_001, cm: 1 };
    let metadata = await open();
    const entry = metadata.orderInfos.put('orders', 'billing', 3, state);
    const gone = metadata.orderInfos.put('orders', 'billing', 4, state);
    expect(metadata.orderInfos.pendingCount()).toBe(2);
    await metadata.flush();
    expect(metadata.orderInfos.pendingCount()).toBe(0);
    entry.state.cm = 3;
    entry.state.ot = { 9_000_000_001: 1_700_000_060_000 };
    entry.state.a = 'grün "attempt"';
    metadata.orderInfos.changed(entry);
    metadata.orderInfos.delete(gone);
    metadata = await reopen(metadata);
    expect(metadata.orderInfos.get('orders', 'billing', 3)?.state).toEqual({
      ...state,
      cm: 3,
      ot: { '9000000001': 1_700_000_060_000 },
      a: 'grün "attempt"',
    });
    expect([...metadata.orderInfos.all()]).toHaveLength(1);
  });
});
