import { RocknestError } from '@rocknest/protocol';

/** What to print when the namesrv cannot start: one clear message where the reason is known, otherwise all there is. */
export function startErrorText(error: unknown): string {
  if (error instanceof RocknestError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
