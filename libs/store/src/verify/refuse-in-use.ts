import { join } from 'node:path';
import { LOCK_HEARTBEAT_MS, LOCK_STALE_MS } from '../defaults.js';
import type { Clock } from '../io/clock.js';
import type { FileSystem } from '../io/file-system.js';
import type { Machine } from '../io/machine.js';
import { StoreLock } from '../lock/store-lock.js';

/** Throws `STORE_LOCKED` when a broker uses the store. */
export async function refuseInUse(
  rootPath: string,
  fileSystem: FileSystem,
  clock: Clock,
  machine: Machine,
): Promise<void> {
  const times = { heartbeatMs: LOCK_HEARTBEAT_MS, staleMs: LOCK_STALE_MS };
  await new StoreLock(join(rootPath, 'lock'), times, fileSystem, clock, machine, () => undefined).refuseHeld();
}
