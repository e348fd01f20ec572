const ZEROS = Buffer.alloc(64 * 1024);

/** Whether all bytes are zero. */
export function isZeros(bytes: Buffer): boolean {
  return lastNonZero(bytes) < 0;
}

/** Index of the last byte that is not zero, or -1. */
export function lastNonZero(bytes: Buffer): number {
  for (let end = bytes.length; end > 0;) {
    const start = Math.max(0, end - ZEROS.length);
    if (bytes.compare(ZEROS, 0, end - start, start, end) !== 0) {
      for (let i = end - 1; i >= start; i--) if (bytes[i] !== 0) return i;
    }
    end = start;
  }
  return -1;
}
