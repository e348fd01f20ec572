import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { MessageStoreOptions } from '../message-store-options.js';
import { systemError } from '../testing/faulty-file-system.js';
import { RetentionHarness, SEGMENT_BYTES } from '../testing/retention-harness.js';
import { put, readQueue } from '../testing/store-fixture.js';

describe('the watermarks of the disk', () => {
  let harness: RetentionHarness;

  beforeEach(() => {
    harness = new RetentionHarness();
  });

  afterEach(() => harness.end());
  const watermarks: Partial<MessageStoreOptions> = {
    diskMaxUsedSpaceRatio: 75,
    diskSpaceCleanForciblyRatio: 85,
    diskSpaceWarningLevelRatio: 90,
  };
  const full = (percent: number): void => {
    harness.disk.usage = { usedBytes: percent * 100, availableBytes: (100 - percent) * 100 };
  };

  it('below diskMaxUsedSpaceRatio nothing is deleted at another hour', async () => {
    full(75);
    await harness.open(watermarks);
    await harness.fill(40);
    harness.expire();
    await harness.runs(3);
    expect(harness.store.minPhysicalOffset).toBe(0);
  });

  it('above diskMaxUsedSpaceRatio expired segments go at any hour, others stay', async () => {
    full(76);
    await harness.open(watermarks);
    await harness.fill(40);
    await harness.runs(3);
    expect(harness.store.minPhysicalOffset).toBe(0);
    expect(harness.logged('none is older than fileReservedTime')).toHaveLength(1);
    harness.expire();
    await waitFor(() => harness.store.minPhysicalOffset > 0);
  });

  it('above diskSpaceCleanForciblyRatio the oldest segments go, no more of them than needed', async () => {
    full(50);
    await harness.open(watermarks);
    await harness.fill(80);
    const before = harness.segmentNames.length;
    // Each removed file makes 1 % of space.
    let percent = 87;
    harness.disk.onRemove = (path) => {
      if (path.includes('commitlog')) full(--percent);
      return undefined;
    };
    full(percent);
    await waitFor(() => harness.store.minPhysicalOffset === 2 * SEGMENT_BYTES);
    await harness.runs(3);
    expect(harness.segmentNames).toHaveLength(before - 2);
    expect(harness.logged('before fileReservedTime')).not.toEqual([]);
    expect((await put(harness.store)).status).toBe('PUT_OK');
  });

  it('cleanFileForciblyEnable=false keeps them', async () => {
    full(88);
    await harness.open({ ...watermarks, cleanFileForciblyEnable: false });
    await harness.fill(40);
    await harness.runs(3);
    expect(harness.store.minPhysicalOffset).toBe(0);
  });

  it('above diskSpaceWarningLevelRatio sends are refused and reads go on, until the disk is at the lower mark', async () => {
    full(50);
    await harness.open(watermarks);
    await put(harness.store, { body: Buffer.from('before') });
    full(91);
    await waitFor(() => harness.store.stats().notWritable);
    const refused = await put(harness.store);
    expect(refused.status).toBe('SERVICE_NOT_AVAILABLE');
    expect(refused.reason).toContain('91.0 % full');
    expect((await readQueue(harness.store)).map(({ body }) => body.toString())).toEqual(['before']);
    full(88);
    await harness.runs(3);
    expect(harness.store.stats().notWritable).toContain('disk');
    full(85);
    await waitFor(() => harness.store.stats().notWritable === undefined);
    expect((await put(harness.store)).status).toBe('PUT_OK');
  });

  it('refuses from the start when the disk is full already', async () => {
    full(95);
    await harness.open(watermarks);
    expect(await put(harness.store)).toMatchObject({ status: 'SERVICE_NOT_AVAILABLE' });
  });

  it('a disk that does not tell is reported once, and nothing is refused', async () => {
    harness.disk.usage = systemError('ENOSYS');
    await harness.open(watermarks);
    await harness.runs(3);
    expect(harness.logged('cannot see how full')).toHaveLength(1);
    expect((await put(harness.store)).status).toBe('PUT_OK');
    expect(await harness.store.diskRatios()).toEqual({ commitLog: -1, consumeQueue: -1 });
  });
});
