import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bodyCrc32 } from './crc32.js';
import { javaStringHash } from './java-hash.js';
import { MAGIC_V1, MAGIC_V2, MessageLayout, recordSize } from './message-layout.js';
import { decodeMessage, decodeMessages } from './message-decoder.js';
import type { MessageRecord } from './message-encoder.js';
import { encodeMessage } from './message-encoder.js';
import { MessageSysFlag } from './sys-flag.js';

function message(overrides: Partial<MessageRecord> = {}): MessageRecord {
  return {
    topic: 'TopicTest',
    body: Buffer.from('héllo'),
    flag: 7,
    properties: { KEYS: 'k1 k2', TAGS: 'täg', UNIQ_KEY: 'AC110001' },
    queueId: 3,
    queueOffset: 5_000_000_000,
    physicalOffset: 9_007_199_254_740_991,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_123,
    bornHost: '10.1.2.3:54321',
    storeTimestamp: 1_700_000_000_456,
    storeHost: '192.168.0.9:10911',
    reconsumeTimes: 2,
    preparedTransactionOffset: 42,
    ...overrides,
  };
}

describe('encodeMessage and decodeMessage', () => {
  it('round-trip all fields', () => {
    const original = message();
    const record = encodeMessage(original);
    expect(record.readInt32BE(MessageLayout.TOTAL_SIZE)).toBe(record.length);
    expect(record.readInt32BE(MessageLayout.MAGIC)).toBe(MAGIC_V1);
    const decoded = decodeMessage(record);
    expect(decoded).toMatchObject(original);
    expect(decoded.bodyCrc).toBe(bodyCrc32(original.body));
    expect(decoded.msgId).toBe('AC110001');
    expect(decoded.offsetMsgId).toBe('C0A8000900002A9F001FFFFFFFFFFFFF');
    expect(decoded.storeSize).toBe(record.length);
  });

  it('take two bytes for the length of a long topic', () => {
    const original = message({ topic: `%RETRY%${'g'.repeat(200)}` });
    const record = encodeMessage(original);
    expect(record.readInt32BE(MessageLayout.MAGIC)).toBe(MAGIC_V2);
    expect(decodeMessage(record)).toMatchObject(original);
  });

  it('set the host bits for IPv6 hosts', () => {
    const original = message({ bornHost: '[2001:db8::7]:1', storeHost: '[::1]:65535' });
    const record = encodeMessage(original);
    const flags = MessageSysFlag.BORNHOST_V6_FLAG | MessageSysFlag.STOREHOSTADDRESS_V6_FLAG;
    const decoded = decodeMessage(record);
    expect(decoded).toMatchObject({ ...original, sysFlag: flags });
    expect(decoded.offsetMsgId).toHaveLength(56);
    expect(record.length).toBe(
      recordSize(
        flags,
        6,
        9,
        Buffer.byteLength('KEYS\u0001k1 k2\u0002TAGS\u0001täg\u0002UNIQ_KEY\u0001AC110001\u0002'),
      ),
    );
  });

  it('compress and inflate by the flag', () => {
    const body = Buffer.alloc(10_000, 'x');
    const sysFlag = MessageSysFlag.COMPRESSED_FLAG | MessageSysFlag.COMPRESSION_ZLIB_TYPE;
    const record = encodeMessage(message({ body, sysFlag }));
    expect(record.length).toBeLessThan(300);
    expect(decodeMessage(record).body.equals(body)).toBe(true);
    const stored = decodeMessage(record, 0, { inflate: false }).body;
    expect(stored.equals(deflateSync(body, { level: 5 }))).toBe(true);
  });

  it('refuse a zip bomb and unknown compressions', () => {
    const bomb = encodeMessage(message({ body: Buffer.alloc(34_000_000), sysFlag: MessageSysFlag.COMPRESSED_FLAG }));
    expect(() => decodeMessage(bomb)).toThrow(/ZLIB, cannot be decompressed to at most 33554432 bytes/);
    const record = encodeMessage(message());
    record.writeInt32BE(MessageSysFlag.COMPRESSED_FLAG | MessageSysFlag.COMPRESSION_LZ4_TYPE, MessageLayout.SYS_FLAG);
    expect(() => decodeMessage(record)).toThrow(/LZ4/);
    record.writeInt32BE(MessageSysFlag.COMPRESSED_FLAG | 0x400, MessageLayout.SYS_FLAG);
    expect(() => decodeMessage(record)).toThrow(/unknown compression type/);
  });

  it('refuse records whose lengths do not fit', () => {
    const record = encodeMessage(message());
    expect(() => decodeMessage(record.subarray(0, record.length - 1))).toThrow(/size/);
    expect(() => decodeMessage(record.subarray(0, 50))).toThrow(/shortest/);
    for (const [position, value] of [
      [0, 0],
      [0, -1],
      [0, 89],
      [4, 1],
      [MessageLayout.BODY_LENGTH, -1],
      [MessageLayout.BODY_LENGTH, 1_000_000],
      [MessageLayout.BODY_LENGTH, 1],
      [MessageLayout.PHYSICAL_OFFSET, 0x7fffffff],
    ] as const) {
      const broken = Buffer.from(record);
      broken.writeInt32BE(value, position);
      expect(() => decodeMessage(broken)).toThrow(/stored message|int64/);
    }
  });

  it('decode the records of a pull body one after another', () => {
    const bodies = Buffer.concat([
      encodeMessage(message({ queueOffset: 1 })),
      encodeMessage(message({ queueOffset: 2 })),
    ]);
    expect(decodeMessages(bodies).map((m) => m.queueOffset)).toEqual([1, 2]);
    expect(decodeMessages(Buffer.alloc(0))).toEqual([]);
    expect(() => decodeMessages(Buffer.concat([bodies, Buffer.alloc(3)]))).toThrow(/3 bytes/);
  });
});

describe('javaStringHash', () => {
  it.each([
    ['', 0],
    ['a', 97],
    ['Aa', 2112],
    ['BB', 2112],
    ['TagA', 2598919],
    ['hello world', 1794106052],
    ['polygenelubricants', -2147483648],
  ])('of %j is %i', (text, hash) => {
    expect(javaStringHash(text)).toBe(hash);
  });
});
