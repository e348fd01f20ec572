import { statSync } from 'node:fs';
import { lockStoreFolder } from '@rocknest/store';
import type { BrokerLogger } from '../logger.js';
import { brokerKeysOf, metadataFile, openMetadataDatabase } from '../metadata/index.js';
import { sizeOf } from './config-folder.js';
import { ExchangeError } from './exchange-error.js';

/** What `rocknest store export-config` and `import-config` are told. */
export interface ConfigToolOptions {
  readonly storePath: string;
  /** Empty: `metadata.db` in the store folder. */
  readonly databaseUrl: string;
  /** `cluster/brokerName/brokerId`; undefined: the only one that the database has. */
  readonly brokerKey: string | undefined;
  readonly force: boolean;
  readonly logger: BrokerLogger;
}

/** Runs a tool while no broker can use the folder. Throws ENOENT for a folder that is not there, STORE_LOCKED for one in use. */
export async function withStoreFolder<T>(storePath: string, work: () => Promise<T>): Promise<T> {
  // Not made by accident: the path may be misspelt.
  statSync(storePath);
  const release = await lockStoreFolder(storePath);
  try {
    return await work();
  } finally {
    release();
  }
}

/** True when a database can be there at all: opening SQLite would make the file. */
export function mayHaveDatabase({ storePath, databaseUrl }: ConfigToolOptions): boolean {
  return databaseUrl !== '' || sizeOf(metadataFile(storePath)) > 0;
}

/**
 * The broker that is meant: the one that was named, or the only one of the database. Undefined: the database has none.
 *
 * @throws ExchangeError EXCHANGE_WHICH_BROKER
 */
export async function chooseBroker(
  options: ConfigToolOptions,
): Promise<{ brokerKey: string | undefined; known: string[] }> {
  const database = await openMetadataDatabase(options);
  try {
    const known = await brokerKeysOf(database.dataSource);
    const { brokerKey } = options;
    if (brokerKey !== undefined || known.length < 2) return { brokerKey: brokerKey ?? known.at(0), known };
    throw new ExchangeError(
      'EXCHANGE_WHICH_BROKER',
      `The database has ${known.length} brokers: ${known.join(', ')}. Name the one that is meant with --broker.`,
      { known },
    );
  } finally {
    await database.dataSource.destroy();
  }
}
