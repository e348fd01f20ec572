const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function round(lane: number, input: number): number {
  return Math.imul(rotateLeft((lane + Math.imul(input, PRIME_2)) | 0, 13), PRIME_1);
}

/** xxHash of 32 bits with seed 0, unsigned: the checksum of LZ4 frames (specification: github.com/Cyan4973/xxHash). */
export function xxHash32(bytes: Buffer, start = 0, end = bytes.length): number {
  let p = start;
  let hash: number;
  if (end - start >= 16) {
    let a = (PRIME_1 + PRIME_2) | 0;
    let b = PRIME_2 | 0;
    let c = 0;
    let d = -PRIME_1 | 0;
    for (; p + 16 <= end; p += 16) {
      a = round(a, bytes.readInt32LE(p));
      b = round(b, bytes.readInt32LE(p + 4));
      c = round(c, bytes.readInt32LE(p + 8));
      d = round(d, bytes.readInt32LE(p + 12));
    }
    hash = (rotateLeft(a, 1) + rotateLeft(b, 7) + rotateLeft(c, 12) + rotateLeft(d, 18)) | 0;
  } else {
    hash = PRIME_5 | 0;
  }
  hash = (hash + (end - start)) | 0;
  for (; p + 4 <= end; p += 4) {
    hash = Math.imul(rotateLeft((hash + Math.imul(bytes.readInt32LE(p), PRIME_3)) | 0, 17), PRIME_4);
  }
  for (; p < end; p++) hash = Math.imul(rotateLeft((hash + Math.imul(bytes[p], PRIME_5)) | 0, 11), PRIME_1);
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}
