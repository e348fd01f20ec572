import { describe, expect, it } from 'vitest';
import { resolvePopOptions, type PopOptions } from './pop-options.js';

const resolve = (options: PopOptions & { mode?: 'pull' | 'pop' }) =>
  resolvePopOptions(options, 'CONSUME_FROM_LAST_OFFSET', 'AVG');

describe('resolvePopOptions', () => {
  it('has the defaults of the Java client, and renews', () => {
    expect(resolve({})).toBeUndefined();
    expect(resolve({ mode: 'pop' })).toEqual({
      invisibleTimeMs: 60_000,
      batchNums: 32,
      threshold: 96,
      renewForMs: 900_000,
      shareQueueNum: -1,
      setRequestMode: true,
      initMode: 1,
    });
    expect(resolvePopOptions({ mode: 'pop' }, 'CONSUME_FROM_FIRST_OFFSET', 'AVG_BY_CIRCLE')).toMatchObject({
      initMode: 0,
    });
  });

  it.each<[PopOptions & { mode?: 'pull' | 'pop' }, RegExp]>([
    [{ mode: 'push' as 'pop' }, /option mode is "push"/],
    [{ invisibleTimeMs: 60_000 }, /invisibleTimeMs is for consumers with mode: 'pop'/],
    [{ mode: 'pop', invisibleTimeMs: 4_999 }, /from 5000 to 300000/],
    [{ mode: 'pop', invisibleTimeMs: 300_001 }, /from 5000 to 300000/],
    [{ mode: 'pop', popBatchNums: 33 }, /from 1 to 32/],
    [{ mode: 'pop', popThresholdForQueue: 0 }, /from 1 to 65535/],
    [{ mode: 'pop', renewInvisibleTimeForMs: -1 }, /from 0/],
  ])('refuses %j', (options, message) => {
    expect(() => resolve(options)).toThrow(message);
  });

  it('refuses what brokers can’t do for pops', () => {
    expect(() => resolvePopOptions({ mode: 'pop' }, 'CONSUME_FROM_TIMESTAMP', 'AVG')).toThrow(/resetOffsetByTimestamp/);
    expect(() => resolvePopOptions({ mode: 'pop' }, 'CONSUME_FROM_LAST_OFFSET', 'CONSISTENT_HASH')).toThrow(
      /AVG and AVG_BY_CIRCLE only/,
    );
  });
});
