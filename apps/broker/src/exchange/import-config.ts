import { settingsFrom } from '@rocknest/config';
import { brokerSettings } from '../config/broker-settings.js';
import { hasNoRows, openMetadata, openMetadataDatabase, type MetadataSnapshot } from '../metadata/index.js';
import { CONFIG_FILE_NAMES, configFolder, presentConfigFiles } from './config-folder.js';
import { readConfig } from './config-reader.js';
import { chooseBroker, withStoreFolder, type ConfigToolOptions } from './config-tools.js';
import { ExchangeError } from './exchange-error.js';
import { refuseRocksDbConfig, surveyFolder } from './folder-survey.js';
import { writeHandOver } from './hand-over.js';
import { countsOf } from './notes.js';

export interface ConfigImportResult {
  readonly brokerKey: string;
  readonly files: readonly string[];
  /** `31 topics, ...`. */
  readonly counts: string;
  /** What was not taken over, one thing a line. */
  readonly notes: readonly string[];
}

/**
 * Takes the files of `config/` into the database by hand, whatever a broker would decide at its start. With `force` they replace what the
 * database has of the broker.
 *
 * @throws ExchangeError EXCHANGE_NO_CONFIG, EXCHANGE_NOT_EMPTY, EXCHANGE_CONFIG_UNREADABLE, EXCHANGE_ROCKSDB_CONFIG, EXCHANGE_WHICH_BROKER;
 * STORE_LOCKED while a broker runs.
 */
export function importConfig(options: ConfigToolOptions): Promise<ConfigImportResult> {
  return withStoreFolder(options.storePath, async () => {
    const { storePath, databaseUrl, logger } = options;
    const files = presentConfigFiles(storePath);
    if (files.length === 0) throw nothingToImport(storePath);
    refuseRocksDbConfig(storePath);
    const { snapshot, notes } = readConfig(storePath);
    const brokerKey = (await chooseBroker(options)).brokerKey ?? defaultBrokerKey();
    if (!options.force) await refuseReplacing(options, brokerKey);
    const seed = (): Promise<MetadataSnapshot> => Promise.resolve(snapshot);
    const metadata = await openMetadata({ databaseUrl, storePath, brokerKey, logger, seed });
    await metadata.close();
    writeHandOver(storePath, 'KNOWN', brokerKey);
    return { brokerKey, files, counts: countsOf(snapshot), notes: [...notes, ...surveyFolder(storePath)] };
  });
}

/** The broker that a store belongs to when nothing was configured. */
function defaultBrokerKey(): string {
  const { brokerClusterName, brokerName, brokerId } = settingsFrom(brokerSettings, {});
  return `${brokerClusterName}/${brokerName}/${brokerId}`;
}

async function refuseReplacing(options: ConfigToolOptions, brokerKey: string): Promise<void> {
  const { dataSource, name } = await openMetadataDatabase(options);
  try {
    if (await hasNoRows(dataSource, brokerKey)) return;
  } finally {
    await dataSource.destroy();
  }
  throw new ExchangeError(
    'EXCHANGE_NOT_EMPTY',
    `The database (${name}) has metadata of the broker ${brokerKey} already. With --force, all of it is replaced by what the files say.`,
    { brokerKey },
  );
}

function nothingToImport(storePath: string): ExchangeError {
  return new ExchangeError(
    'EXCHANGE_NO_CONFIG',
    `${configFolder(storePath)} has none of ${CONFIG_FILE_NAMES.join(', ')}: nothing was imported. DIR is the folder that holds commitlog and config (storePathRootDir).`,
    { storePath },
  );
}
