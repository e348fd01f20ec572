import { deflate, deflateSync } from 'node:zlib';
import { promisify } from 'node:util';
import { compressLz4Frame, MessageSysFlag, type CompressionType } from '@rocknest/protocol';
import { COMPRESS_INLINE_MAX_BYTES } from '../defaults.js';
import { bytesOf, type OutgoingMessage } from './outgoing-message.js';
import { compressZstd } from './zstd-compressor.js';

const deflateLater = promisify(deflate);

const TYPE_FLAG: Readonly<Record<CompressionType, number>> = {
  ZLIB: MessageSysFlag.COMPRESSION_ZLIB_TYPE,
  LZ4: MessageSysFlag.COMPRESSION_LZ4_TYPE,
  ZSTD: MessageSysFlag.COMPRESSION_ZSTD_TYPE,
};

/** How a producer compresses bodies. */
export interface CompressionOptions {
  compressType: CompressionType;
  /** Of zlib and Zstandard; LZ4 has none. */
  compressLevel: number;
  compressMsgBodyOverBytes: number;
}

/**
 * Compresses the body when it is large enough and gets smaller by it; batches never (RocketMQ: `tryToCompressMessage`).
 * Large bodies are compressed outside of the event loop, unless there is no such way (LZ4, and Zstandard before Node 22.15).
 *
 * @returns a promise when the work goes on elsewhere, undefined when it is done.
 */
export function compressBody(message: OutgoingMessage, options: CompressionOptions): Promise<void> | undefined {
  if (message.bodyBytes < options.compressMsgBodyOverBytes || message.isBatch) return undefined;
  const { compressType: type, compressLevel: level } = options;
  const body = bytesOf(message.body);
  if (type === 'ZSTD') return compressZstd(body, level).then((compressed) => takeIfSmaller(message, compressed, type));
  if (type === 'LZ4') {
    takeIfSmaller(message, compressLz4Frame(body), type);
    return undefined;
  }
  if (body.length <= COMPRESS_INLINE_MAX_BYTES) {
    takeIfSmaller(message, deflateSync(body, { level }), type);
    return undefined;
  }
  return deflateLater(body, { level }).then((compressed) => takeIfSmaller(message, compressed, type));
}

function takeIfSmaller(message: OutgoingMessage, compressed: Buffer, type: CompressionType): void {
  if (compressed.length >= message.bodyBytes) return;
  message.body = compressed;
  message.bodyBytes = compressed.length;
  message.sysFlag |= MessageSysFlag.COMPRESSED_FLAG | TYPE_FLAG[type];
}
