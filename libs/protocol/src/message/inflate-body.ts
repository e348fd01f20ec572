import { deflateSync, inflateSync } from 'node:zlib';
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
 * Original body of a message whose sysFlag says it is compressed.
 * @throws ProtocolError PROTOCOL_MESSAGE when it cannot be inflated (damaged, larger than `maxBytes`, or LZ4 / ZSTD, for which this
 *   build has no decoder)
 */
export function inflateBody(body: Buffer, sysFlag: number, maxBytes = INFLATED_BODY_MAX_BYTES): Buffer {
  const type = compressionType(sysFlag);
  if (type !== 'ZLIB') {
    throw new ProtocolError(
      'PROTOCOL_MESSAGE',
      `A message body is compressed with ${type}, which Rocknest cannot read: let the producer use ZLIB`,
      { type },
    );
  }
  try {
    return inflateSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    throw new ProtocolError(
      'PROTOCOL_MESSAGE',
      `A compressed message body of ${body.length} bytes cannot be inflated to at most ${maxBytes} bytes`,
      { bytes: body.length, maxBytes },
      error,
    );
  }
}
