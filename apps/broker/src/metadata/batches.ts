import { UPSERT_BATCH_ROWS } from './defaults.js';

/** Hands the items over in batches, one after the other. Between two of them sockets are served. */
export async function inBatches<T>(
  items: readonly T[],
  handle: (batch: T[]) => Promise<void>,
  size = UPSERT_BATCH_ROWS,
): Promise<void> {
  for (let start = 0; start < items.length; start += size) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    await handle(items.slice(start, start + size));
  }
}
