import { RocknestError } from '@rocknest/protocol';

/** One line for an error that was expected, its stack for one that was not. */
export function describeError(error: unknown): string {
  if (error instanceof RocknestError) return error.message;
  if (error instanceof Error) return error.stack ?? error.message;
  return String(error);
}
