import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHost } from './host.js';
import { readInt64, writeInt64 } from './int64.js';
import { createOffsetMsgId, createOffsetMsgIds, decodeOffsetMsgId } from './message-id.js';
import { UniqKeyGenerator, uniqKeyTimeMs } from './uniq-key.js';

describe('offset message ids', () => {
  it('say where a message stands', () => {
    const address = fc.oneof(fc.ipV4(), fc.constantFrom('[::1]', '[2001:db8::7]')).map((ip) => `${ip}:10911`);
    fc.assert(
      fc.property(address, fc.maxSafeNat(), (where, physicalOffset) => {
        const host = encodeHost(where);
        const id = createOffsetMsgId(host, physicalOffset);
        expect(decodeOffsetMsgId(id)).toEqual({ address: where, physicalOffset });
      }),
    );
  });

  it('of a batch are those of its messages', () => {
    const host = fc.constantFrom('10.1.2.3:10911', '[2001:db8::7]:10911').map((address) => encodeHost(address));
    const sizes = fc.array(fc.integer({ min: 91, max: 2 ** 22 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(host, fc.nat(2 ** 52), sizes, (bytes, first, lengths) => {
        let physicalOffset = first;
        const ids = lengths.map((length) => {
          const id = createOffsetMsgId(bytes, physicalOffset);
          physicalOffset += length;
          return id;
        });
        expect(createOffsetMsgIds(bytes, first, lengths)).toBe(ids.join(','));
      }),
    );
  });

  it.each(['', 'x'.repeat(32), '0'.repeat(31), '0'.repeat(40)])('refuse %j', (id) => {
    expect(() => decodeOffsetMsgId(id)).toThrow(/not an offset message id/);
  });
});

describe('int64', () => {
  it('comes back as Java writes it', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const bytes = Buffer.alloc(8);
        expect(writeInt64(bytes, value, 0)).toBe(8);
        expect(bytes.readBigInt64BE()).toBe(BigInt(value));
        expect(readInt64(bytes, 0)).toBe(value);
      }),
    );
    expect(() => readInt64(Buffer.from('7fffffffffffffff', 'hex'), 0)).toThrow(/2\^53/);
  });
});

describe('UniqKeyGenerator', () => {
  const source = (now: () => number, ip = '0a000001') => ({
    ip: Buffer.from(ip, 'hex'),
    pid: 0x12345,
    processHash: -2,
    now,
  });

  it('lays ids out as Java does', () => {
    const nowMs = new Date(2026, 4, 3, 2, 1, 0, 7).getTime();
    const keys = new UniqKeyGenerator(source(() => nowMs));
    const sinceMs = nowMs - new Date(2026, 4, 1).getTime();
    const time = sinceMs.toString(16).toUpperCase().padStart(8, '0');
    expect(keys.next()).toBe(`0A0000012345FFFFFFFE${time}0001`);
    expect(keys.next()).toBe(`0A0000012345FFFFFFFE${time}0002`);
    expect(uniqKeyTimeMs(keys.next(), nowMs)).toBe(nowMs);
  });

  it('starts again with each month, and survives a clock that is set back', () => {
    let nowMs = new Date(2026, 0, 31, 23, 59, 59).getTime();
    const keys = new UniqKeyGenerator(source(() => nowMs, 'fe800000000000000000000000000001'));
    expect(keys.next()).toHaveLength(56);
    nowMs = new Date(2026, 1, 1, 0, 0, 0, 5).getTime();
    expect(keys.next().slice(-12)).toBe('000000050002');
    nowMs -= 1000;
    expect(keys.next().slice(-12)).toBe('000000000003');
    expect(uniqKeyTimeMs(keys.next(), nowMs)).toBe(new Date(2026, 0, 1).getTime());
  });

  it('gives 65536 different ids within one millisecond', () => {
    const keys = new UniqKeyGenerator(source(() => 1_700_000_000_000));
    expect(new Set(Array.from({ length: 65_536 }, () => keys.next())).size).toBe(65_536);
  });

  it('refuses addresses of other lengths, and reads no time from other text', () => {
    expect(() => new UniqKeyGenerator(source(() => 0, '0a'))).toThrow(/1 bytes/);
    expect(uniqKeyTimeMs('no id', 0)).toBeUndefined();
  });
});
