import type { Transaction } from '@rocknest/config';
import type { DataVersion } from '@rocknest/protocol';
import { dataVersionEntity, type VersionedTable } from './entities/index.js';

/** The version of a table that never changed. RocketMQ starts with the time of its first start, too. */
export function firstVersion(): DataVersion {
  return { stateVersion: 0, timestamp: Date.now(), counter: 0 };
}

/**
 * The version after a change. A new object each time: whoever holds one keeps what was true then.
 * Follows `nextVersion` of `remoting/protocol/DataVersion.java`.
 *
 * @param stateVersion epoch of a controller, 0 without one.
 */
export function nextVersion(version: DataVersion, stateVersion = version.stateVersion): DataVersion {
  return { stateVersion, timestamp: Date.now(), counter: version.counter + 1 };
}

export async function saveVersion(
  transaction: Transaction,
  brokerKey: string,
  tableKind: VersionedTable,
  version: DataVersion,
): Promise<void> {
  await transaction.upsert(dataVersionEntity, { brokerKey, tableKind, ...version }, ['brokerKey', 'tableKind']);
}
