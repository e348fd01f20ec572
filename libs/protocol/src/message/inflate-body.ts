import { deflateSync, inflateSync } from 'node:zlib';
import { decompressLz4Frames } from '../compression/lz4-frame.js';
import { decompressZstd } from '../compression/zstd-frame.js';
import { INFLATED_BODY_MAX_BYTES } from '../defaults.js';
import { ProtocolError } from '../errors.js';
import { compressionType } from './sys-flag.js';

/** zlib level that Java clients use by default. */
export const DEFAULT_COMPRESS_LEVEL = 5;

/** Body as a client sends it with COMPRESSED_FLAG | COMPRESSION_ZLIB_TYPE. */
export function deflateBody(body: Buffer, level = DEFAULT_COMPRESS_LEVEL): Buffer {
  return deflateSync(body, { level });
}

/**
 * Original body of a message whose sysFlag says it is compressed, with zlib, LZ4 (frames) or Zstandard.
 *
 * Follows `common/compression/CompressorFactory.java`.
 * @throws ProtocolError PROTOCOL_MESSAGE when it cannot be decompressed: damaged, or larger than `maxBytes`
 */
export function inflateBody(body: Buffer, sysFlag: number, maxBytes = INFLATED_BODY_MAX_BYTES): Buffer {
  const type = compressionType(sysFlag);
  try {
    if (type === 'LZ4') return decompressLz4Frames(body, maxBytes);
    if (type === 'ZSTD') return decompressZstd(body, maxBytes);
    return inflateSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    throw new ProtocolError(
      'PROTOCOL_MESSAGE',
      `A message body of ${body.length} bytes, compressed with ${type}, cannot be decompressed to at most ${maxBytes} bytes` +
        (error instanceof Error ? `: ${error.message}` : ''),
      { bytes: body.length, maxBytes, type },
      error,
    );
  }
}
