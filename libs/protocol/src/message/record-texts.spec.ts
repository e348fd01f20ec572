import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHost, encodeHost } from './host.js';
import { createOffsetMsgId } from './message-id.js';
import { hostTextAt, offsetMsgIdAt, topicAt } from './record-texts.js';

const host = fc.oneof(
  fc.tuple(fc.constantFrom('127.0.0.1', '10.0.0.1', '255.255.255.255', '0.0.0.0'), fc.nat(65_535)),
  fc.tuple(fc.ipV4(), fc.nat(65_535)),
  fc.tuple(
    fc.ipV6().map((ip) => `[${ip}]`),
    fc.nat(65_535),
  ),
);
const offset = fc.oneof(
  fc.nat(70_000),
  fc.maxSafeNat(),
  fc.nat(100).map((n) => n * 0x1_0000 + 0xffff),
);

describe('texts of records that are remembered', () => {
  it('are those that are made anew, in whatever order hosts and offsets come', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(host, offset), { maxLength: 50 }), (records) => {
        for (const [[ip, port], physicalOffset] of records) {
          const bytes = Buffer.concat([Buffer.from([1, 2, 3]), encodeHost(`${ip}:${port}`)]);
          const length = bytes.length - 3;
          expect(hostTextAt(bytes, 3, length)).toBe(decodeHost(bytes, 3, length));
          expect(offsetMsgIdAt(bytes, 3, length, physicalOffset)).toBe(
            createOffsetMsgId(bytes.subarray(3), physicalOffset),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('hosts whose port is none, and negative offsets, are made anew', () => {
    const bytes = Buffer.from([127, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 127, 0, 0, 1, 0, 1, 0, 0]);
    for (const at of [0, 8, 0]) {
      expect(hostTextAt(bytes, at, 8)).toBe(decodeHost(bytes, at, 8));
      expect(offsetMsgIdAt(bytes, at, 8, 5)).toBe(createOffsetMsgId(bytes.subarray(at, at + 8), 5));
    }
    const good = encodeHost('1.2.3.4:5');
    expect(offsetMsgIdAt(good, 0, 8, -1)).toBe(createOffsetMsgId(good, -1));
  });

  it('topics', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('', 'a', 'é', 'orders', 'orderz', 'тема', 'x'.repeat(127))), (topics) => {
        for (const topic of topics) {
          const bytes = Buffer.from(`..${topic}..`);
          expect(topicAt(bytes, 2, bytes.length - 2)).toBe(topic);
          expect(topicAt(Buffer.from([0xe9]), 0, 1)).toBe('\ufffd');
        }
      }),
    );
  });
});
