import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../errors.js';
import { encodeBatchBody, splitBatchBody } from './batch-body.js';
import { decodeProperties } from './properties.js';

const message = fc.record({
  topic: fc.constant('t'),
  body: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  flag: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  properties: fc.dictionary(fc.stringMatching(/^[A-Z]{1,8}$/), fc.stringMatching(/^[a-zé😀]{1,8}$/u), { maxKeys: 4 }),
});

describe('a batch body', () => {
  it('comes back as slices', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), (messages) => {
        const items = splitBatchBody(encodeBatchBody(messages));
        expect(
          items.map((item) => ({
            flag: item.flag,
            body: [...item.body],
            properties: decodeProperties(item.properties),
          })),
        ).toEqual(messages.map((m) => ({ flag: m.flag, body: [...m.body], properties: { ...m.properties } })));
      }),
    );
  });

  it('is refused with a ProtocolError wherever its bytes are wrong', () => {
    const batch = encodeBatchBody([
      { topic: 't', body: Buffer.from('one'), properties: { K: 'v' } },
      { topic: 't', body: Buffer.alloc(0), properties: {} },
    ]);
    expect(splitBatchBody(Buffer.alloc(0))).toEqual([]);
    for (let length = 1; length < batch.length; length++) {
      if (length !== 29) expect(() => splitBatchBody(batch.subarray(0, length))).toThrow(ProtocolError);
    }
    fc.assert(
      fc.property(fc.nat(batch.length - 1), fc.nat(255), (at, value) => {
        const broken = Buffer.from(batch);
        broken[at] = value;
        try {
          splitBatchBody(broken);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });

  it('has limits for messages and properties', () => {
    const tiny = { topic: 't', body: Buffer.alloc(0), properties: {} };
    expect(() => encodeBatchBody(new Array(65_537).fill(tiny))).toThrow(/at most 65536/);
    const many = Buffer.concat(new Array<Buffer>(65_537).fill(encodeBatchBody([tiny])));
    expect(() => splitBatchBody(many)).toThrow(/at most 65536/);
    expect(() => encodeBatchBody([{ ...tiny, properties: { K: 'x'.repeat(40_000) } }])).toThrow(/at most 32767/);
  });
});
