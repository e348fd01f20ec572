import { describe, expect, it } from 'vitest';
import type { ConsumeFromWhere } from '@rocknest/protocol';
import { silentLogger } from '../logger.js';
import { computePullFromWhere, consumeTimestampMs } from './consume-from-where.js';
import { OFFSET_NOT_FOUND, OFFSET_UNKNOWN } from './offset-store.js';

const api = { maxOffset: async () => 100, searchOffset: async (_: unknown, ms: number) => ms };
const broken = { maxOffset: () => Promise.reject(new Error('x')), searchOffset: () => Promise.reject(new Error('y')) };
const start = (topic: string, stored: number, where: ConsumeFromWhere, ranges: typeof api = api): Promise<number> =>
  computePullFromWhere({ topic, brokerName: 'b', queueId: 0 }, stored, where, () => 42, ranges, silentLogger);

describe('computePullFromWhere', () => {
  it.each<[ConsumeFromWhere, number, number]>([
    ['CONSUME_FROM_LAST_OFFSET', 100, 0],
    ['CONSUME_FROM_FIRST_OFFSET', 0, 0],
    ['CONSUME_FROM_TIMESTAMP', 42, 100],
  ])('%s without an offset: %i, for a retry topic %i', async (where, normal, retry) => {
    expect(await start('t', OFFSET_NOT_FOUND, where)).toBe(normal);
    expect(await start('%RETRY%g', OFFSET_NOT_FOUND, where)).toBe(retry);
  });

  it('goes on where the group was, at offset 0 too', async () => {
    expect(await start('t', 7, 'CONSUME_FROM_LAST_OFFSET')).toBe(7);
    expect(await start('t', 0, 'CONSUME_FROM_LAST_OFFSET')).toBe(0);
  });

  it('leaves the queue alone when the stored offset is not known, or the broker does not answer', async () => {
    expect(await start('t', OFFSET_UNKNOWN, 'CONSUME_FROM_FIRST_OFFSET')).toBe(OFFSET_UNKNOWN);
    expect(await start('t', OFFSET_NOT_FOUND, 'CONSUME_FROM_LAST_OFFSET', broken)).toBe(OFFSET_UNKNOWN);
    expect(await start('t', OFFSET_NOT_FOUND, 'CONSUME_FROM_TIMESTAMP', broken)).toBe(OFFSET_UNKNOWN);
  });
});

describe('consumeTimestampMs', () => {
  it('takes a Date, ms, and the text of RocketMQ; defaults to half an hour ago', () => {
    const date = new Date(2026, 0, 31, 23, 59, 58);
    expect(consumeTimestampMs(date)).toBe(date.getTime());
    expect(consumeTimestampMs(date.getTime())).toBe(date.getTime());
    expect(consumeTimestampMs('20260131235958')).toBe(date.getTime());
    expect(consumeTimestampMs(undefined, 10_000_000)).toBe(10_000_000 - 1_800_000);
  });

  it.each([
    'yesterday',
    '2026-01-31',
    '20260231000000',
    '20261301000000',
    '20260101240000',
    '20260101006000',
    '2026010100000',
    '',
    -1,
    1.5,
    8.65e15,
    Number.NaN,
    new Date('no date'),
  ])('refuses %s', (value) => {
    expect(() => consumeTimestampMs(value)).toThrow(/consumeTimestamp/);
  });
});
