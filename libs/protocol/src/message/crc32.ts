import { crc32 } from 'node:zlib';

/**
 * CRC-32 without its top bit, the form in which RocketMQ stores it (BODYCRC, `bodyCrc32` of REGISTER_BROKER); 0 for
 * no bytes. Follows `UtilAll.crc32`.
 */
export function bodyCrc32(bytes: Buffer): number {
  return bytes.length === 0 ? 0 : crc32(bytes) & 0x7fffffff;
}
