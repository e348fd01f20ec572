import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { openMetadata, type Metadata } from '../metadata/index.js';
import { BACKUP_SUFFIX, configFolder, presentConfigFiles, sizeOf, syncFolder } from './config-folder.js';
import { chooseBroker, mayHaveDatabase, withStoreFolder, type ConfigToolOptions } from './config-tools.js';
import { configTexts } from './config-writer.js';
import { ExchangeError } from './exchange-error.js';
import { writeHandOver, writeSynced } from './hand-over.js';

export interface ExportedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** What it holds: `31 topics`. */
  readonly holds: string;
}

export interface ConfigExport {
  readonly brokerKey: string;
  readonly files: readonly ExportedFile[];
  /** Files that were there before, under the names they have now. */
  readonly backups: readonly string[];
}

/**
 * Writes topics, subscription groups, offsets, request modes and states of orderly pops of the database into `config/`, in the form in which Apache
 * RocketMQ's broker reads them, and notes that it hands the store over. What was there stays as `.bak`, as RocketMQ itself does it.
 *
 * @throws ExchangeError EXCHANGE_NO_METADATA, EXCHANGE_WHICH_BROKER, EXCHANGE_FILE_EXISTS; STORE_LOCKED while a broker runs.
 */
export function exportConfig(options: ConfigToolOptions): Promise<ConfigExport> {
  return withStoreFolder(options.storePath, async () => {
    const { storePath, databaseUrl, logger } = options;
    if (!options.force) refuseOverwriting(storePath);
    if (!mayHaveDatabase(options)) throw nothingToExport(options, []);
    const { brokerKey, known } = await chooseBroker(options);
    if (brokerKey === undefined || !known.includes(brokerKey)) throw nothingToExport(options, known);
    const metadata = await openMetadata({ databaseUrl, storePath, brokerKey, logger });
    try {
      return { brokerKey, ...writeFiles(storePath, brokerKey, metadata) };
    } finally {
      await metadata.close();
    }
  });
}

function writeFiles(storePath: string, brokerKey: string, metadata: Metadata): Omit<ConfigExport, 'brokerKey'> {
  const folder = configFolder(storePath);
  mkdirSync(folder, { recursive: true });
  const texts = [...configTexts(metadata)];
  // All of them are on the disk under other names before the first takes its place.
  for (const [name, text] of texts) writeSynced(temporaryOf(join(folder, name)), text);
  const backups: string[] = [];
  for (const [name] of texts) {
    const path = join(folder, name);
    if (sizeOf(path) > 0) {
      renameSync(path, path + BACKUP_SUFFIX);
      backups.push(path + BACKUP_SUFFIX);
    }
    renameSync(temporaryOf(path), path);
  }
  syncFolder(folder);
  // Last: without it, nothing is taken from the files later on.
  writeHandOver(storePath, 'EXPORTED', brokerKey);
  const holds = contentsOf(metadata);
  return {
    files: texts.map(([name], index) => ({
      path: join(folder, name),
      sizeBytes: sizeOf(join(folder, name)),
      holds: holds[index],
    })),
    backups,
  };
}

/** In the order of the files. */
function contentsOf({ topics, groups, offsets, delayOffsets, requestModes, orderInfos }: Metadata): string[] {
  let offsetCount = 0;
  for (const { offsets: queues } of offsets.all()) offsetCount += queues.size;
  return [
    `${topics.all().size} topics`,
    `${groups.all().size} subscription groups`,
    `${offsetCount} consumer offsets`,
    `offsets of ${delayOffsets.all().size} delay levels`,
    `${requestModes.all().length} request modes`,
    `${[...orderInfos.all()].length} states of orderly pops`,
  ];
}

function temporaryOf(path: string): string {
  return `${path}.tmp`;
}

function refuseOverwriting(storePath: string): void {
  const present = presentConfigFiles(storePath);
  if (present.length === 0) return;
  throw new ExchangeError(
    'EXCHANGE_FILE_EXISTS',
    `${configFolder(storePath)} has ${present.join(', ')} already. With --force they are written anew from the database, and what is there now is kept as *${BACKUP_SUFFIX}.`,
    { present },
  );
}

function nothingToExport(
  { storePath, databaseUrl, brokerKey }: ConfigToolOptions,
  known: readonly string[],
): ExchangeError {
  const where = databaseUrl === '' ? `The store folder ${storePath}` : 'The database';
  const others = known.length > 0 ? ` It has ${known.join(', ')}.` : '';
  const whose = brokerKey === undefined ? 'a Rocknest broker' : `the broker ${brokerKey}`;
  const hint = databaseUrl === '' ? ' If the broker has its database elsewhere, name it with --database-url.' : '';
  return new ExchangeError('EXCHANGE_NO_METADATA', `${where} has no metadata of ${whose}.${others}${hint}`, { known });
}
