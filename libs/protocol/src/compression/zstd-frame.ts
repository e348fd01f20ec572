import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { ProtocolError } from '../errors.js';
import { OutputBuffer } from './output-buffer.js';

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Most bytes of one block, compressed or not. */
const BLOCK_MAX_BYTES = 131_072;
/** Least window that a header can name: 2^10 bytes. */
const MIN_WINDOW_LOG = 10;

const BlockType = { RAW: 0, RLE: 1, COMPRESSED: 2 } as const;

/** Node's own decoder, there from 22.15 on. */
const native = (zlib as { zstdDecompressSync?: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer })
  .zstdDecompressSync;

function broken(what: string): ProtocolError {
  return new ProtocolError('PROTOCOL_MESSAGE', `A Zstandard frame cannot be read: ${what}`);
}

interface Frame {
  /** Position of its first block, of what follows the last one, and of what follows the frame. */
  blocksAt: number;
  blocksEnd: number;
  end: number;
  /** Bytes that it holds at most, and how far back its matches reach. */
  mostBytes: number;
  windowBytes: number;
}

/**
 * What Zstandard frames hold: by Node's decoder where it has one, else by fzstd, block by block, so that a small frame never makes more
 * than `maxBytes`.
 *
 * @throws ProtocolError PROTOCOL_MESSAGE for a broken frame, PROTOCOL_LIMIT when it holds more than `maxBytes`
 */
export function decompressZstd(source: Buffer, maxBytes: number, decoder = native): Buffer {
  if (decoder !== undefined) return decoder(source, { maxOutputLength: maxBytes });
  const output = new OutputBuffer(source.length * 4, maxBytes);
  let p = 0;
  while (p < source.length) {
    if (source.length - p < 8) throw broken('it is cut off');
    const magic = source.readUInt32LE(p);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      p += 8 + source.readUInt32LE(p + 4);
      if (p > source.length) throw broken('a frame to be passed over is cut off');
      continue;
    }
    if (magic !== MAGIC) throw broken(`its magic is 0x${magic.toString(16)}`);
    const frame = scanFrame(source, p);
    decodeFrame(source, frame, output, maxBytes);
    p = frame.end;
  }
  return output.result();
}

/** Reads headers only. The order of the fields: RFC 8878, 3.1.1. */
function scanFrame(source: Buffer, start: number): Frame {
  const descriptor = source[start + 4];
  const single = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const contentSizeBytes = descriptor >>> 6 === 0 ? (single ? 1 : 0) : 1 << (descriptor >>> 6);
  const sizeAt = start + (single ? 5 : 6) + dictionaryBytes;
  const blocksAt = sizeAt + contentSizeBytes;
  if (blocksAt + 3 > source.length) throw broken('its header is cut off');
  for (let i = sizeAt - dictionaryBytes; i < sizeAt; i++) if (source[i] !== 0) throw broken('it needs a dictionary');
  let mostBytes = 0;
  let p = blocksAt;
  for (let last = false; !last;) {
    if (p + 3 > source.length) throw broken('a block is cut off');
    const header = source.readUIntLE(p, 3);
    last = (header & 1) === 1;
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type > BlockType.COMPRESSED || size > BLOCK_MAX_BYTES) throw broken('a block has an impossible header');
    mostBytes += type === BlockType.COMPRESSED ? BLOCK_MAX_BYTES : size;
    p += 3 + (type === BlockType.RLE ? 1 : size);
  }
  const end = p + ((descriptor & 4) === 0 ? 0 : 4);
  if (end > source.length) throw broken('a block is cut off');
  const exponent = source[start + 5] >>> 3;
  const base = 2 ** (MIN_WINDOW_LOG + exponent);
  const windowBytes = single ? mostBytes : base + (base / 8) * (source[start + 5] & 7);
  return { blocksAt, blocksEnd: p, end, mostBytes, windowBytes };
}

/**
 * The frame gets a header of its own with a window no larger than what the frame can hold: fzstd allocates it for each frame, and writers of
 * streams name megabytes for a few KiB.
 */
function decodeFrame(source: Buffer, frame: Frame, output: OutputBuffer, maxBytes: number): void {
  const neededBytes = Math.min(frame.windowBytes, frame.mostBytes);
  let exponent = 0;
  while (2 ** (MIN_WINDOW_LOG + exponent) < neededBytes) exponent++;
  if (2 ** (MIN_WINDOW_LOG + exponent) > 2 * maxBytes) {
    throw new ProtocolError('PROTOCOL_LIMIT', `A Zstandard frame needs a window of ${neededBytes} bytes`, { maxBytes });
  }
  const rewritten = Buffer.allocUnsafe(6 + source.length);
  rewritten.writeUInt32LE(MAGIC, 0);
  rewritten[4] = 0;
  rewritten[5] = exponent << 3;
  const length = 6 + source.copy(rewritten, 6, frame.blocksAt, frame.blocksEnd);
  try {
    new Decompress((chunk) => output.append(chunk)).push(rewritten.subarray(0, length), true);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw broken(error instanceof Error ? error.message : String(error));
  }
}
