import { ProtocolError } from '../errors.js';
import type { OutputBuffer } from './output-buffer.js';

/** Shortest match; a token says how much longer one is. */
const MIN_MATCH = 4;
/** The last match begins at least so many bytes before the end, and so many bytes at the end are literals (LZ4 block format). */
const MATCH_LIMIT = 12;
const LAST_LITERALS = 5;
const MAX_DISTANCE = 65_535;
/** Places of earlier sequences: 2^13 of four bytes, all in the processor's nearest cache. */
const HASH_BITS = 13;
/** Every so many steps without a match the search takes longer strides: what can't be compressed is passed over quickly. */
const SKIP_SHIFT = 6;

const places = new Int32Array(1 << HASH_BITS);

/** Bytes that a block of `length` bytes has at most, compressed. */
export function lz4BlockBound(length: number): number {
  return length + Math.floor(length / 255) + 16;
}

function writeLength(target: Buffer, position: number, rest: number): number {
  let p = position;
  let left = rest;
  for (; left >= 255; left -= 255) target[p++] = 255;
  target[p++] = left;
  return p;
}

function writeLiterals(
  source: Buffer,
  from: number,
  to: number,
  matchNibble: number,
  target: Buffer,
  at: number,
): number {
  const count = to - from;
  let p = at + 1;
  target[at] = (Math.min(count, 15) << 4) | matchNibble;
  if (count >= 15) p = writeLength(target, p, count - 15);
  source.copy(target, p, from, to);
  return p + count;
}

/**
 * Compresses `source[start, end)` as one block that refers to nothing before it (LZ4 block format: a greedy search with one table of
 * places, as the reference's fast mode).
 *
 * @param target has {@link lz4BlockBound} bytes of room from `at` on
 * @returns the position after the block
 */
export function compressLz4Block(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  let p = at;
  let anchor = start;
  if (end - start > MATCH_LIMIT) {
    places.fill(-1);
    const lastStart = end - MATCH_LIMIT;
    const matchEnd = end - LAST_LITERALS;
    let misses = 0;
    let position = start;
    while (position <= lastStart) {
      const sequence = source.readInt32LE(position);
      const slot = Math.imul(sequence, 0x9e3779b1) >>> (32 - HASH_BITS);
      const candidate = places[slot];
      places[slot] = position;
      if (candidate < 0 || position - candidate > MAX_DISTANCE || source.readInt32LE(candidate) !== sequence) {
        position += 1 + (misses++ >> SKIP_SHIFT);
        continue;
      }
      misses = 0;
      let length = MIN_MATCH;
      while (position + length < matchEnd && source[candidate + length] === source[position + length]) length++;
      const extra = length - MIN_MATCH;
      p = writeLiterals(source, anchor, position, Math.min(extra, 15), target, p);
      target[p++] = (position - candidate) & 0xff;
      target[p++] = (position - candidate) >>> 8;
      if (extra >= 15) p = writeLength(target, p, extra - 15);
      position += length;
      anchor = position;
    }
  }
  return writeLiterals(source, anchor, end, 0, target, p);
}

function cutOff(): ProtocolError {
  return new ProtocolError('PROTOCOL_MESSAGE', 'An LZ4 block is cut off');
}

/**
 * Appends what a block holds. Its matches may refer to what the output already has.
 *
 * @throws ProtocolError PROTOCOL_MESSAGE for a broken block, PROTOCOL_LIMIT when the output gets too large
 */
export function decompressLz4Block(source: Buffer, start: number, end: number, output: OutputBuffer): void {
  let p = start;
  const readLength = (nibble: number): number => {
    let length = nibble;
    if (nibble !== 15) return length;
    for (;;) {
      if (p >= end) throw cutOff();
      const more = source[p++];
      length += more;
      if (more !== 255) return length;
    }
  };
  while (p < end) {
    const token = source[p++];
    const literals = readLength(token >>> 4);
    if (literals > end - p) throw cutOff();
    output.append(source, p, p + literals);
    p += literals;
    if (p === end) return;
    if (end - p < 2) throw cutOff();
    const distance = source[p] | (source[p + 1] << 8);
    p += 2;
    const length = readLength(token & 15) + MIN_MATCH;
    if (distance === 0 || distance > output.length) {
      throw new ProtocolError('PROTOCOL_MESSAGE', `An LZ4 block refers ${distance} bytes back, to nothing`, {
        distance,
      });
    }
    copyMatch(output, distance, length);
  }
}

function copyMatch(output: OutputBuffer, distance: number, length: number): void {
  output.reserve(length);
  const { bytes } = output;
  let to = output.length;
  if (distance >= length) {
    bytes.copyWithin(to, to - distance, to - distance + length);
  } else {
    // It overlaps itself: what was copied is copied again.
    for (const stop = to + length; to < stop; to++) bytes[to] = bytes[to - distance];
  }
  output.length += length;
}
