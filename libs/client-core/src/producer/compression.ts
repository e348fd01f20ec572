import { deflate, deflateSync } from 'node:zlib';
import { promisify } from 'node:util';
import { MessageSysFlag } from '@rocknest/protocol';
import { COMPRESS_INLINE_MAX_BYTES, COMPRESS_LEVEL } from '../defaults.js';
import { bytesOf, type OutgoingMessage } from './outgoing-message.js';

const deflateLater = promisify(deflate);
const ZLIB = MessageSysFlag.COMPRESSED_FLAG | MessageSysFlag.COMPRESSION_ZLIB_TYPE;

/**
 * Compresses the body when it has at least `overBytes` and gets smaller by it; batches never (RocketMQ: `tryToCompressMessage`).
 * Large bodies are compressed outside of the event loop.
 *
 * @returns a promise when the work goes on elsewhere, undefined when it is done.
 */
export function compressBody(message: OutgoingMessage, overBytes: number): Promise<void> | undefined {
  if (message.bodyBytes < overBytes || message.isBatch) return undefined;
  const body = bytesOf(message.body);
  if (body.length <= COMPRESS_INLINE_MAX_BYTES) {
    takeIfSmaller(message, deflateSync(body, { level: COMPRESS_LEVEL }));
    return undefined;
  }
  return deflateLater(body, { level: COMPRESS_LEVEL }).then((compressed) => takeIfSmaller(message, compressed));
}

function takeIfSmaller(message: OutgoingMessage, compressed: Buffer): void {
  if (compressed.length >= message.bodyBytes) return;
  message.body = compressed;
  message.bodyBytes = compressed.length;
  message.sysFlag |= ZLIB;
}
