import { ProtocolError } from '../errors.js';
import { compressLz4Block, decompressLz4Block, lz4BlockBound } from './lz4-block.js';
import { OutputBuffer } from './output-buffer.js';
import { xxHash32 } from './xxhash32.js';

const MAGIC = 0x184d2204;
/** Magics of frames that carry something else and are passed over: this one and the 15 above it. */
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Version 1, blocks that refer to nothing before them: Java's reader knows no others. */
const FLAGS = 0x60;
const VERSION_MASK = 0xc0;
const VERSION_1 = 0x40;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY_ID = 0x01;
/** Sizes of blocks that the second byte of the header names. */
const BLOCK_SIZE_4_MIB = 7;
const MIN_BLOCK_SIZE_ID = 4;
const STORED_BLOCK = 0x80000000;

function blockBytes(id: number): number {
  return 1 << (8 + 2 * id);
}

function broken(what: string): ProtocolError {
  return new ProtocolError('PROTOCOL_MESSAGE', `An LZ4 frame cannot be read: ${what}`);
}

/** One frame, as Java's `LZ4FrameOutputStream` writes it by default: blocks of 4 MiB, no checksum but the header's. */
export function compressLz4Frame(source: Buffer): Buffer {
  const blockSize = blockBytes(BLOCK_SIZE_4_MIB);
  const blocks = Math.ceil(source.length / blockSize);
  const target = Buffer.allocUnsafe(11 + blocks * 4 + lz4BlockBound(source.length) + blocks * 16);
  target.writeUInt32LE(MAGIC, 0);
  target[4] = FLAGS;
  target[5] = BLOCK_SIZE_4_MIB << 4;
  target[6] = (xxHash32(target, 4, 6) >>> 8) & 0xff;
  let p = 7;
  for (let start = 0; start < source.length; start += blockSize) {
    const end = Math.min(source.length, start + blockSize);
    const blockEnd = compressLz4Block(source, start, end, target, p + 4);
    const size = blockEnd - p - 4;
    if (size < end - start) {
      target.writeUInt32LE(size, p);
      p = blockEnd;
    } else {
      target.writeUInt32LE((STORED_BLOCK | (end - start)) >>> 0, p);
      p += 4 + source.copy(target, p + 4, start, end);
    }
  }
  target.writeUInt32LE(0, p);
  return target.subarray(0, p + 4);
}

/**
 * What frames, one after another, hold.
 *
 * @throws ProtocolError PROTOCOL_MESSAGE for a broken frame, PROTOCOL_LIMIT when it holds more than `maxBytes`
 */
export function decompressLz4Frames(source: Buffer, maxBytes: number): Buffer {
  const output = new OutputBuffer(source.length * 3, maxBytes);
  let p = 0;
  while (p < source.length) {
    if (source.length - p < 7) throw broken(`${source.length - p} bytes are no frame`);
    const magic = source.readUInt32LE(p);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      if (source.length - p < 8) throw broken('a frame to be passed over is cut off');
      p += 8 + source.readUInt32LE(p + 4);
      if (p > source.length) throw broken('a frame to be passed over is cut off');
    } else if (magic === MAGIC) {
      p = readFrame(source, p, output);
    } else {
      throw broken(`its magic is 0x${magic.toString(16)}`);
    }
  }
  return output.result();
}

function readFrame(source: Buffer, start: number, output: OutputBuffer): number {
  const flags = source[start + 4];
  if ((flags & VERSION_MASK) !== VERSION_1) throw broken(`its version is ${flags >>> 6}`);
  if ((flags & DICTIONARY_ID) !== 0) throw broken('it needs a dictionary');
  const sizeId = (source[start + 5] >>> 4) & 7;
  if (sizeId < MIN_BLOCK_SIZE_ID) throw broken(`its block size has the unknown number ${sizeId}`);
  const headerEnd = start + 6 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8);
  if (headerEnd >= source.length) throw broken('its header is cut off');
  if (source[headerEnd] !== ((xxHash32(source, start + 4, headerEnd) >>> 8) & 0xff)) {
    throw broken('the checksum of its header is wrong');
  }
  const contentStart = output.length;
  let p = headerEnd + 1;
  for (;;) {
    if (source.length - p < 4) throw broken('it has no end');
    const word = source.readUInt32LE(p);
    p += 4;
    if (word === 0) break;
    const size = word & 0x7fffffff;
    const checksumBytes = (flags & BLOCK_CHECKSUM) === 0 ? 0 : 4;
    if (size > blockBytes(sizeId) || size + checksumBytes > source.length - p) {
      throw broken(`a block has the impossible size ${size}`);
    }
    const before = output.length;
    if (word >= STORED_BLOCK) output.append(source, p, p + size);
    else decompressLz4Block(source, p, p + size, output);
    if (output.length - before > blockBytes(sizeId)) throw broken('a block holds more than the header says');
    if (checksumBytes > 0 && source.readUInt32LE(p + size) !== xxHash32(source, p, p + size)) {
      throw broken('the checksum of a block is wrong');
    }
    p += size + checksumBytes;
  }
  const contentBytes = output.length - contentStart;
  if ((flags & CONTENT_SIZE) !== 0 && source.readBigUInt64LE(start + 6) !== BigInt(contentBytes)) {
    throw broken(`it says that it holds ${source.readBigUInt64LE(start + 6)} bytes and holds ${contentBytes}`);
  }
  if ((flags & CONTENT_CHECKSUM) === 0) return p;
  if (source.length - p < 4) throw broken('its checksum is cut off');
  if (source.readUInt32LE(p) !== xxHash32(output.bytes, contentStart, output.length)) {
    throw broken('the checksum of its content is wrong');
  }
  return p + 4;
}
