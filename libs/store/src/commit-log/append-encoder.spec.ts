import { decodeMessage, encodeHost, encodeMessage, MAGIC_V1, MAGIC_V2 } from '@rocknest/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeBlank,
  encodeRecord,
  propertiesLengthOf,
  propertiesUpperBound,
  RECORD_FIXED_MAX_BYTES,
} from './append-encoder.js';
import type { RecordFields } from './append-encoder.js';
import { LogChunk } from './log-chunk.js';
import { checkRecord } from './record-check.js';

const V4 = '10.1.2.3:4567';
const V6 = '[2001:db8::7]:10911';

function fields(overrides: Partial<RecordFields> = {}): RecordFields {
  return {
    topicBytes: Buffer.from('Orders'),
    queueId: 3,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_123,
    bornHost: encodeHost(V4),
    storeTimestamp: 1_700_000_000_456,
    storeHost: encodeHost('127.0.0.1:10911'),
    reconsumeTimes: 2,
    preparedTransactionOffset: 9_876_543_210,
    ...overrides,
  };
}

function encode(shared: RecordFields, body: Buffer, properties: string | Buffer, at = 0): Buffer {
  const room = RECORD_FIXED_MAX_BYTES + shared.topicBytes.length + body.length + propertiesUpperBound(properties);
  const chunk = new LogChunk(Buffer.alloc(at + room), 0, 0);
  const size = encodeRecord(chunk, at, shared, -5, body, properties, 41, 8_589_934_592 + at);
  expect(size).toBeLessThanOrEqual(room);
  return chunk.buffer.subarray(at, at + size);
}

describe('encodeRecord', () => {
  const hosts = fc.constantFrom(V4, V6);

  it('makes the bytes that the plain encoder makes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ minLength: 1, maxLength: 180, unit: fc.constantFrom('a', 'Z', '%', '_', 'é', '漢') }),
        fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom('x', 'ü', '漢', '😀') }),
        hosts,
        hosts,
        fc.nat(),
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        (bytes, name, value, bornHost, storeHost, queueId, bornTimestamp) => {
          const topic = name.slice(0, 60);
          const body = Buffer.from(bytes);
          const shared = fields({
            topicBytes: Buffer.from(topic),
            queueId,
            bornTimestamp,
            bornHost: encodeHost(bornHost),
            storeHost: encodeHost(storeHost),
          });
          const expected = encodeMessage({
            topic,
            body,
            flag: -5,
            properties: { KEYS: value },
            queueId,
            queueOffset: 41,
            physicalOffset: 8_589_934_592,
            sysFlag: 0,
            bornTimestamp,
            bornHost,
            storeTimestamp: shared.storeTimestamp,
            storeHost,
            reconsumeTimes: 2,
            preparedTransactionOffset: shared.preparedTransactionOffset,
          });
          const text = `KEYS\u0001${value}\u0002`;
          expect(encode(shared, body, text)).toEqual(expected);
          expect(encode(shared, body, Buffer.from(text))).toEqual(expected);
          const check = checkRecord(expected, 0, expected.length, 1 << 20, 8_589_934_592);
          expect(check).toEqual({ kind: 'record', sizeBytes: expected.length });
        },
      ),
    );
  });

  it('writes V2 when the topic has more than 127 bytes', () => {
    const short = encode(fields({ topicBytes: Buffer.alloc(127, 'a') }), Buffer.from('x'), '');
    const long = encode(fields({ topicBytes: Buffer.alloc(128, 'a') }), Buffer.from('x'), '');
    expect(short.readInt32BE(4)).toBe(MAGIC_V1);
    expect(long.readInt32BE(4)).toBe(MAGIC_V2);
    expect(long.length).toBe(short.length + 2);
    expect(decodeMessage(long).topic).toBe('a'.repeat(128));
  });

  it('sets the host bits from the hosts, whatever the message says', () => {
    const wrong = encode(fields({ sysFlag: 0x30 | 0x1 }), Buffer.from('x'), '');
    expect(wrong.readInt32BE(36)).toBe(0x1);
    const v6 = encode(fields({ bornHost: encodeHost(V6) }), Buffer.from('x'), '');
    expect(v6.readInt32BE(36)).toBe(0x10);
    expect(decodeMessage(v6)).toMatchObject({ bornHost: V6, storeHost: '127.0.0.1:10911' });
  });

  it('tells the true length of properties that the field cannot hold', () => {
    const shared = fields();
    const body = Buffer.from('x');
    const properties = 'é'.repeat(40_000);
    expect(propertiesLengthOf(encode(shared, body, properties).length, shared, body.length)).toBe(80_000);
  });

  it('leaves the bytes around a record alone', () => {
    const chunk = new LogChunk(Buffer.alloc(4096), 0, 0);
    chunk.buffer.fill(0xee);
    const size = encodeRecord(chunk, 100, fields(), 0, Buffer.from('body'), 'A\u0001b\u0002', 0, 100);
    expect(chunk.buffer.subarray(0, 100).every((byte) => byte === 0xee)).toBe(true);
    expect(chunk.buffer.subarray(100 + size).every((byte) => byte === 0xee)).toBe(true);
  });
});

describe('encodeBlank', () => {
  it('writes size and magic, as the end of a segment has them', () => {
    const chunk = new LogChunk(Buffer.alloc(8), 0, 0);
    encodeBlank(chunk, 0, 4242);
    expect(chunk.buffer.toString('hex')).toBe('00001092cbd43194');
    expect(checkRecord(chunk.buffer, 0, 8, 4242, 0)).toEqual({ kind: 'blank' });
    expect(checkRecord(chunk.buffer, 0, 8, 4243, 0).kind).toBe('invalid');
  });
});
