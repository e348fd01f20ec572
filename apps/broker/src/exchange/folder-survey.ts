import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LMQ_PREFIX, parseFastjson } from '@rocknest/protocol';
import { SMALL_FILE_MAX_BYTES } from './defaults.js';
import { BACKUP_SUFFIX, CONFIG_FILE_NAMES, configFolder, listFolder, sizeOf } from './config-folder.js';
import { ExchangeError } from './exchange-error.js';
import { HAND_OVER_FILE } from './hand-over.js';
import { namesForLine } from './notes.js';

/** A file of `config/` that Rocknest does not read, the member that holds its entries, and what is missing without them. */
const UNREAD_FILES: Readonly<Record<string, { table: string; loss: string }>> = {
  'consumerFilter.json': {
    table: 'filterDataByTopic',
    loss: 'the SQL filters of consumers that are offline; they are sent again when a consumer connects',
  },
  'lmqConsumerOffset.json': { table: 'lmqOffsetTable', loss: 'the offsets of light queues' },
  'topicQueueMapping.json': {
    table: 'topicQueueMappingInfoMap',
    loss: 'the queue mappings of static topics, which are ordinary topics now',
  },
};

/** Files without entries of their own. */
const SILENT_FILES = new Set<string>([
  ...CONFIG_FILE_NAMES,
  HAND_OVER_FILE,
  'timercheck',
  'timermetrics',
  'transactionMetrics',
  'broker.properties',
]);

/** RocksDB folders in `config/`, which hold what the JSON files hold otherwise (`configManagerVersion`, `storeType=defaultRocksDB`). */
const ROCKSDB_FOLDERS = ['topics', 'subscriptionGroups', 'consumerOffsets', 'rdb'];
/** Where `PopConsumerService` keeps its records with `popConsumerKVServiceEnable`. */
const POP_ROCKSDB_FOLDER = 'kvStore';
/** Every RocksDB has this file. */
const ROCKSDB_FILE = 'CURRENT';

/**
 * @throws ExchangeError EXCHANGE_ROCKSDB_CONFIG when the topics, groups or offsets of the folder are in RocksDB: an import of the JSON files
 * beside them would take what was true long ago, or nothing.
 */
export function refuseRocksDbConfig(storePath: string): void {
  const folder = configFolder(storePath);
  const found = ROCKSDB_FOLDERS.filter((name) => sizeOf(join(folder, name, ROCKSDB_FILE)) > 0);
  if (found.length === 0) return;
  const paths = found.map((name) => join(folder, name));
  throw new ExchangeError(
    'EXCHANGE_ROCKSDB_CONFIG',
    `This store was written by an Apache RocketMQ broker that keeps topics, groups and offsets in RocksDB (${paths.join(', ')}), which Rocknest ` +
      `does not read. Write them as JSON with "mqadmin rocksDBConfigToJson", put the files into ${folder} as ${CONFIG_FILE_NAMES.join(', ')}, ` +
      'and move the RocksDB folders away.',
    { paths },
  );
}

/** What the folder holds beside messages and the files that are read, as lines: what Rocknest does not go on with. */
export function surveyFolder(storePath: string): string[] {
  return [...unreadFiles(storePath), ...unreadPops(storePath), ...unreadQueues(storePath)];
}

function unreadFiles(storePath: string): string[] {
  const folder = configFolder(storePath);
  const lines: string[] = [];
  const unknown: string[] = [];
  for (const name of listFolder(folder)) {
    if (name.endsWith(BACKUP_SUFFIX) || name.endsWith('.tmp') || SILENT_FILES.has(name)) continue;
    const known = Object.hasOwn(UNREAD_FILES, name) ? UNREAD_FILES[name] : undefined;
    if (known === undefined) {
      unknown.push(name);
      continue;
    }
    const keys = keysOf(join(folder, name), known.table);
    if (keys === undefined) lines.push(`config/${name} cannot be read, and is left as it is. It holds ${known.loss}`);
    else if (keys.length > 0)
      lines.push(`config/${name} is not taken over (${namesForLine(keys)}). It holds ${known.loss}`);
  }
  if (unknown.length > 0) lines.push(`left as they are, and not read: ${namesForLine(unknown)} in ${folder}`);
  return lines;
}

/**
 * Check points of POP that are not in the log: the group's offset is past their messages, so nothing else would bring these back
 * (`broker/pop/PopConsumerService.java`, with `popConsumerKVServiceEnable`). Those that wait in the timer wheel come by themselves.
 */
function unreadPops(storePath: string): string[] {
  const folder = join(storePath, POP_ROCKSDB_FOLDER);
  if (sizeOf(join(folder, ROCKSDB_FILE)) === 0) return [];
  return [
    `POP check points are in RocksDB (${folder}), which is not read: messages popped and not acknowledged do not come again: to have them, stop the consumers and let their invisible times pass before the store changes hands`,
  ];
}

/** Names of a table's entries; undefined when the file makes no sense. */
function keysOf(path: string, table: string): string[] | undefined {
  const sizeBytes = sizeOf(path);
  if (sizeBytes === 0) return [];
  if (sizeBytes > SMALL_FILE_MAX_BYTES) return undefined;
  try {
    const root = parseFastjson(readFileSync(path)) as Record<string, unknown>;
    const entries = root[table];
    return typeof entries === 'object' && entries !== null ? Object.keys(entries) : [];
  } catch {
    return undefined;
  }
}

function unreadQueues(storePath: string): string[] {
  const lines: string[] = [];
  const light = listFolder(join(storePath, 'consumequeue')).filter((name) => name.startsWith(LMQ_PREFIX));
  if (light.length > 0) lines.push(`light queues are left as they are, and not served: ${namesForLine(light)}`);
  const batch = listFolder(join(storePath, 'batchconsumequeue'));
  if (batch.length > 0)
    lines.push(`topics with queues of batches are left as they are, and not served: ${namesForLine(batch)}`);
  return lines;
}
