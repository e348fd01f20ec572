import { join } from 'node:path';
import { LOCK_HEARTBEAT_MS, LOCK_STALE_MS } from '../defaults.js';
import { SystemClock } from '../io/clock.js';
import { LocalMachine } from '../io/machine.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import { StoreLock } from './store-lock.js';

/**
 * Keeps brokers out of a store folder while a tool works on what lies beside the messages.
 *
 * @returns what gives the folder free again.
 * @throws StoreError STORE_LOCKED when a broker uses it.
 */
export async function lockStoreFolder(rootPath: string): Promise<() => void> {
  const options = { heartbeatMs: LOCK_HEARTBEAT_MS, staleMs: LOCK_STALE_MS };
  const lock = new StoreLock(
    join(rootPath, 'lock'),
    options,
    new NodeFileSystem(),
    new SystemClock(),
    new LocalMachine(),
    () => undefined,
  );
  await lock.acquire();
  return () => lock.release();
}
