import { RocknestError } from '@rocknest/protocol';

/** The in-sync set as stored: `1,2,3`. */
export function encodeInSyncIds(ids: readonly number[]): string {
  return [...ids].sort((a, b) => a - b).join(',');
}

export function decodeInSyncIds(text: string): number[] {
  return text === '' ? [] : text.split(',').map(leaseNumber);
}

/** @throws RocknestError `LEASE_RECORD_BAD`: a record that cannot be read must not be followed. */
export function leaseNumber(value: unknown): number {
  const number = typeof value === 'string' && value.trim() === '' ? NaN : Number(value);
  if (value === null || !Number.isSafeInteger(number))
    throw new RocknestError(
      'LEASE_RECORD_BAD',
      `the lease record holds ${JSON.stringify(String(value))} where a whole number should be`,
    );
  return number;
}
