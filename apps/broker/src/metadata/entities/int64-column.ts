import { RocknestError } from '@rocknest/protocol';
import type { ValueTransformer } from '@rocknest/config';

/**
 * 64-bit columns as JS numbers. Drivers hand them over as numbers, texts or bigints; every one of them is exact up to 2^53 only as far as
 * JavaScript is, so that is checked on the way in and on the way out.
 */
export const int64Column: ValueTransformer = {
  to: (value: unknown): unknown => (value === undefined ? value : readInt64(value)),
  from: readInt64,
};

/** @throws RocknestError `METADATA_BAD_NUMBER` for what is not a whole number below 2^53. */
export function readInt64(value: unknown): number {
  const number = Number(value);
  if (value === null || !Number.isSafeInteger(number)) {
    throw new RocknestError(
      'METADATA_BAD_NUMBER',
      `The database holds ${String(value)} where a 64-bit number should be`,
    );
  }
  return number;
}
