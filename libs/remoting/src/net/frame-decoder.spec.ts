import { ProtocolError } from '@rocknest/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder } from './frame-decoder.js';

const MAX = 16_777_216;

function frame(payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(payload.length);
  return Buffer.concat([head, payload]);
}

function decodeAll(decoder: FrameDecoder, chunks: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) frames.push(next);
  }
  return frames;
}

/** Cuts bytes at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...[...places].sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

describe('FrameDecoder', () => {
  it('finds all frames of one chunk as slices of it', () => {
    const payloads = ['aaaa', 'bbbbbb', 'cccccccc'].map((text) => Buffer.from(text));
    const chunk = Buffer.concat(payloads.map(frame));
    const frames = decodeAll(new FrameDecoder(MAX), [chunk]);
    expect(frames.map(String)).toEqual(payloads.map(String));
    for (const one of frames) expect(one.buffer).toBe(chunk.buffer);
  });

  it('puts frames together however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 4, maxLength: 300 }), { maxLength: 12 }),
        fc.array(fc.nat(4_000), { maxLength: 40 }),
        (payloads, places) => {
          const bytes = Buffer.concat(payloads.map((payload) => frame(Buffer.from(payload))));
          const chunks = cut(
            bytes,
            places.filter((place) => place < bytes.length),
          ).filter((chunk) => chunk.length > 0);
          const decoder = new FrameDecoder(MAX);
          const frames = decodeAll(decoder, chunks);
          expect(frames.map((one) => one.toString('hex'))).toEqual(
            payloads.map((one) => Buffer.from(one).toString('hex')),
          );
          expect(decoder.hasPartialFrame).toBe(false);
          expect(decoder.hasChunk).toBe(false);
          expect(decoder.frames).toBe(payloads.length);
        },
      ),
    );
  });

  it('can be left in the middle of a chunk', () => {
    const decoder = new FrameDecoder(MAX);
    decoder.push(Buffer.concat([frame(Buffer.from('first')), frame(Buffer.from('second'))]));
    expect(String(decoder.next())).toBe('first');
    expect(decoder.hasChunk).toBe(true);
    expect(String(decoder.next())).toBe('second');
    expect(decoder.hasChunk).toBe(false);
  });

  it('reports a frame that has begun', () => {
    const decoder = new FrameDecoder(MAX);
    decoder.push(Buffer.from([0, 0]));
    expect(decoder.next()).toBeUndefined();
    expect([decoder.hasPartialFrame, decoder.partialFrameBytes]).toEqual([true, 0]);
    decoder.push(Buffer.from([0, 9, 1]));
    expect(decoder.next()).toBeUndefined();
    expect([decoder.hasPartialFrame, decoder.partialFrameBytes]).toEqual([true, 9]);
  });

  it.each([
    ['zero', 0],
    ['below the mark', 3],
    ['negative', -1],
    ['the least int32', -2147483648],
    ['one above the limit', MAX - 4 + 1],
    ['the greatest int32', 0x7fffffff],
  ])('refuses a length that is %s, in one chunk or byte by byte', (_what, length) => {
    const head = Buffer.alloc(4);
    head.writeInt32BE(length);
    expect(() => decodeAll(new FrameDecoder(MAX), [head])).toThrow(ProtocolError);
    expect(() => decodeAll(new FrameDecoder(MAX), cut(head, [1, 2, 3]))).toThrow(
      /frame length -?\d+ is outside 4 to 16777212/,
    );
  });

  it('accepts a frame of exactly the limit', () => {
    const decoder = new FrameDecoder(1_000);
    expect(decodeAll(decoder, [frame(Buffer.alloc(996))])).toHaveLength(1);
    expect(() => decodeAll(decoder, [frame(Buffer.alloc(997))])).toThrow(ProtocolError);
  });

  it('tells a TLS client what is wrong', () => {
    const hello = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1]);
    expect(() => decodeAll(new FrameDecoder(MAX), [hello])).toThrow(/speaks TLS/);
    expect(() => decodeAll(new FrameDecoder(MAX), [frame(Buffer.from('good')), hello])).toThrow(/frame length/);
  });

  it('takes memory for what has come, not for what a length claims', () => {
    const decoders: FrameDecoder[] = [];
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 200; i++) {
      const head = Buffer.alloc(14);
      head.writeInt32BE(MAX - 4);
      const decoder = new FrameDecoder(MAX);
      expect(decodeAll(decoder, [head])).toEqual([]);
      expect(decoder.partialFrameBytes).toBe(MAX - 4);
      decoders.push(decoder);
    }
    // 200 frames of 16 MiB were announced: 64 KiB each is what the decoder takes for a start.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 80 * 1024);
  });

  it('copies a huge frame a bounded number of times', () => {
    const payload = Buffer.alloc(MAX - 4, 7);
    const bytes = frame(payload);
    const chunks: Buffer[] = [];
    for (let offset = 0; offset < bytes.length; offset += 1_000) chunks.push(bytes.subarray(offset, offset + 1_000));
    const copy = Buffer.prototype.copy;
    let copied = 0;
    Buffer.prototype.copy = function (...args: Parameters<typeof copy>): number {
      const count = copy.apply(this, args);
      copied += count;
      return count;
    };
    try {
      const [one] = decodeAll(new FrameDecoder(MAX), chunks);
      expect(one.equals(payload)).toBe(true);
    } finally {
      Buffer.prototype.copy = copy;
    }
    expect(copied).toBeLessThan(3 * MAX);
  });
});
