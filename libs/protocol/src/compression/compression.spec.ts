import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inflateBody } from '../message/inflate-body.js';
import { MessageSysFlag } from '../message/sys-flag.js';
import { compressLz4Frame, decompressLz4Frames } from './lz4-frame.js';
import { xxHash32 } from './xxhash32.js';
import { decompressZstd } from './zstd-frame.js';

const TEXT = Buffer.from('rocknest says hello to rocketmq, '.repeat(6));
const LIMIT = 1_000_000;
/** Made by the command line tools lz4 1.9.4 and zstd 1.5.4. */
const BY_TOOLS = {
  lz4: 'BCJNGGRApy0AAADwCHJvY2tuZXN0IHNheXMgaGVsbG8gdG8gFwBRZXRtcSwKAA8hAIlQdG1xLCAAAAAA+TNAAw==',
  lz4WithAllChecksums: 'BCJNGHRAvS0AAADwCHJvY2tuZXN0IHNheXMgaGVsbG8gdG8gFwBRZXRtcSwKAA8hAIlQdG1xLCDcCdUWAAAAAPkzQAM=',
  zstd: 'KLUv/QRYXQEABAJyb2NrbmVzdCBzYXlzIGhlbGxvIHRvIHJvY2tldG1xLAIAHqIIoG15Ap/U7dE=',
  zstdWithoutChecksum: 'KLUv/QBoVQEAFAJyb2NrbmVzdCBzYXlzIGhlbGxvIHRvIHJvY2tldG1xLCABABERSj0B',
};
const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');

const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array)),
  // Repeats, so that there are matches, also such as overlap themselves.
  fc
    .array(fc.tuple(fc.string({ maxLength: 12 }), fc.integer({ min: 1, max: 400 })), { maxLength: 20 })
    .map((parts) => Buffer.from(parts.map(([text, times]) => text.repeat(times)).join(''))),
);

describe('LZ4 frames', () => {
  it('of the reference tool are read, with every checksum and block form', () => {
    expect(decompressLz4Frames(bytes(BY_TOOLS.lz4), LIMIT)).toEqual(TEXT);
    expect(decompressLz4Frames(bytes(BY_TOOLS.lz4WithAllChecksums), LIMIT)).toEqual(TEXT);
  });

  it('come back as what was compressed', () => {
    fc.assert(fc.property(bodies, (body) => decompressLz4Frames(compressLz4Frame(body), LIMIT).equals(body)));
  });

  it('make text smaller, and bytes without a pattern hardly larger', () => {
    expect(compressLz4Frame(TEXT).length).toBeLessThan(TEXT.length / 2);
    const noise = Buffer.from(Uint32Array.from({ length: 5_000 }, (_, i) => xxHash32(Buffer.from(String(i)))).buffer);
    expect(compressLz4Frame(noise).length).toBeLessThan(noise.length + 20);
  });

  it('of several blocks, and several frames in a row', () => {
    const large = Buffer.alloc(9_000_000, 'a block has 4 MiB at most ');
    expect(decompressLz4Frames(compressLz4Frame(large), 10_000_000).equals(large)).toBe(true);
    const skipped = Buffer.from('502a4d1803000000ffffff', 'hex');
    const row = Buffer.concat([compressLz4Frame(TEXT), skipped, bytes(BY_TOOLS.lz4)]);
    expect(decompressLz4Frames(row, LIMIT)).toEqual(Buffer.concat([TEXT, TEXT]));
  });

  it('end in an error when they are damaged, whatever the damage', () => {
    const whole = bytes(BY_TOOLS.lz4WithAllChecksums);
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 0x11;
      expect(() => decompressLz4Frames(damaged, LIMIT)).toThrow(/LZ4|more than/);
      if (at > 0) expect(() => decompressLz4Frames(whole.subarray(0, at), LIMIT)).toThrow(/LZ4/);
    }
  });

  it('stop at the limit', () => {
    const bomb = compressLz4Frame(Buffer.alloc(3_000_000));
    expect(bomb.length).toBeLessThan(20_000);
    expect(() => decompressLz4Frames(bomb, LIMIT)).toThrow('hold more than 1000000 bytes');
  });

  it('xxHash32 has the values of its specification', () => {
    expect(xxHash32(Buffer.alloc(0))).toBe(0x02cc5d05);
    expect(xxHash32(Buffer.from('abc'))).toBe(0x32d153ff);
    expect(xxHash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f);
  });
});

describe('Zstandard frames', () => {
  /** 128 KiB of zeros in four bytes. */
  const rleBlock = (last: boolean): number[] => [(last ? 1 : 0) | 2, 0, 0x10, 0];
  const HEADER = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58];

  it('of the reference tool are read, also several in a row', () => {
    const row = Buffer.concat([
      bytes(BY_TOOLS.zstd),
      Buffer.from('502a4d1801000000ff', 'hex'),
      bytes(BY_TOOLS.zstdWithoutChecksum),
    ]);
    expect(decompressZstd(bytes(BY_TOOLS.zstd), LIMIT, undefined)).toEqual(TEXT);
    expect(decompressZstd(row, LIMIT, undefined)).toEqual(Buffer.concat([TEXT, TEXT]));
  });

  it('stop at the limit', () => {
    const frame = (blocks: number): Buffer =>
      Buffer.from([...HEADER, ...Array.from({ length: blocks - 1 }, () => rleBlock(false)).flat(), ...rleBlock(true)]);
    expect(decompressZstd(frame(7), LIMIT, undefined)).toEqual(Buffer.alloc(7 * 131_072));
    expect(() => decompressZstd(frame(8), LIMIT, undefined)).toThrow('hold more than 1000000 bytes');
    expect(() => decompressZstd(frame(40_000), LIMIT, undefined)).toThrow(/more than 1000000 bytes|window of/);
  });

  it('end in an error when they are cut off, no frame, or in need of a dictionary', () => {
    const whole = bytes(BY_TOOLS.zstd);
    for (let length = 1; length < whole.length; length++) {
      expect(() => decompressZstd(whole.subarray(0, length), LIMIT, undefined)).toThrow(/Zstandard/);
    }
    expect(() => decompressZstd(Buffer.alloc(20), LIMIT, undefined)).toThrow('its magic is 0x0');
    expect(() => decompressZstd(Buffer.from([...HEADER.slice(0, 4), 1, 0x58, 9, 1, 0, 0]), LIMIT, undefined)).toThrow(
      'dictionary',
    );
  });
});

describe('inflateBody', () => {
  const compressed = MessageSysFlag.COMPRESSED_FLAG;

  it('reads what the bits of the flag say', () => {
    expect(inflateBody(bytes(BY_TOOLS.lz4), compressed | MessageSysFlag.COMPRESSION_LZ4_TYPE)).toEqual(TEXT);
    expect(inflateBody(bytes(BY_TOOLS.zstd), compressed | MessageSysFlag.COMPRESSION_ZSTD_TYPE)).toEqual(TEXT);
  });

  it('names kind, sizes and reason of a failure', () => {
    expect(() => inflateBody(bytes(BY_TOOLS.zstd), compressed | MessageSysFlag.COMPRESSION_LZ4_TYPE)).toThrow(
      /compressed with LZ4, cannot be decompressed to at most 33554432 bytes: .*magic/,
    );
    expect(() => inflateBody(bytes(BY_TOOLS.lz4), compressed | MessageSysFlag.COMPRESSION_LZ4_TYPE, 100)).toThrow(
      'hold more than 100 bytes',
    );
  });
});
