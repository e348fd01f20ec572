import { join } from 'node:path';
import { DatabaseWriter, openDatabase, type DatabaseKind, type DataSource, type OpenDatabase } from '@rocknest/config';
import type {
  DataVersion,
  SetMessageRequestModeRequestBody,
  SubscriptionGroupConfig,
  TopicConfig,
} from '@rocknest/protocol';
import { checkName } from './checks.js';
import { ConsumerOffsetManager } from './consumer-offset-manager.js';
import { ConsumerOffsetTable } from './consumer-offset-table.js';
import {
  FLUSH_CONSUMER_OFFSET_INTERVAL_MS,
  FLUSH_DELAY_OFFSET_INTERVAL_MS,
  FLUSH_ORDER_INFO_INTERVAL_MS,
} from './defaults.js';
import { ConsumerOrderInfoTable, orderInfoStateOf, type OrderInfoEntry } from './consumer-order-info-table.js';
import { DelayOffsetManager } from './delay-offset-manager.js';
import {
  consumerOrderInfoEntity,
  dataVersionEntity,
  delayOffsetEntity,
  messageRequestModeEntity,
  metadataEntities,
  subscriptionGroupEntity,
  subscriptionGroupFromRow,
  topicConfigEntity,
  topicConfigFromRow,
  type VersionedTable,
} from './entities/index.js';
import { readInt64 } from './entities/int64-column.js';
import { MessageRequestModeManager } from './message-request-mode-manager.js';
import type { MetadataLogger } from './metadata-logger.js';
import { hasNoRows, replaceMetadata, type MetadataSnapshot } from './metadata-snapshot.js';
import { metadataMigrations } from './migrations/index.js';
import { takeOldNumber } from './renumbered-broker.js';
import { SubscriptionGroupManager } from './subscription-group-manager.js';
import { TopicConfigManager } from './topic-config-manager.js';
import { firstVersion } from './versions.js';
import type { WriteBehind, WriteBehindOptions } from './write-behind.js';

export interface MetadataOptions {
  /** `postgres://`, `mysql://`, `mariadb://` or `sqlite:`; empty: `metadata.db` in the store folder. */
  readonly databaseUrl?: string;
  readonly storePath: string;
  /** `cluster/brokerName/brokerId`: several brokers may share one database. */
  readonly brokerKey: string;
  readonly logger: MetadataLogger;
  readonly flushConsumerOffsetIntervalMs?: number;
  readonly flushDelayOffsetIntervalMs?: number;
  readonly maxConsumerOffsets?: number;
  /** First and longest pause before another try while the database is down, ms. */
  readonly retryMinMs?: number;
  readonly retryMaxMs?: number;
  /** What to put in the place of this broker's rows before they are read; see {@link MetadataSeed}. */
  readonly seed?: MetadataSeed;
  /** How long `close()` tries to write what is pending while the database is down, ms. */
  readonly closeTimeoutMs?: number;
}

/**
 * Decides whether a broker's metadata is taken from elsewhere. Asked once, before the tables are read; what it returns replaces all rows
 * of this broker in one transaction.
 *
 * @param isEmpty asks the database whether it has no row of this broker.
 */
export type MetadataSeed = (isEmpty: () => Promise<boolean>) => Promise<MetadataSnapshot | undefined>;

/** What a broker knows beside its messages. */
export interface Metadata {
  readonly topics: TopicConfigManager;
  readonly groups: SubscriptionGroupManager;
  readonly offsets: ConsumerOffsetManager;
  readonly delayOffsets: DelayOffsetManager;
  readonly requestModes: MessageRequestModeManager;
  readonly orderInfos: ConsumerOrderInfoTable;
  /** The database for messages; has no password. */
  readonly databaseName: string;
  /** True while the database does not take writes. */
  readonly isDatabaseDown: boolean;
  /** Writes all offsets that are pending. Throws when the database does not take them; they stay pending. */
  flush(): Promise<void>;
  /** Writes what is pending and closes the database. Never throws for a database that is down: it logs what was lost. */
  close(): Promise<void>;
}

/**
 * Opens a broker's metadata: brings the tables to their newest form and reads everything into memory.
 *
 * @throws DatabaseError that says what is wrong with the database and what to do.
 */
export async function openMetadata(options: MetadataOptions): Promise<Metadata> {
  checkName('broker', options.brokerKey);
  const database = await openMetadataDatabase(options);
  try {
    const isOwnFile = options.databaseUrl === undefined || options.databaseUrl === '';
    if (isOwnFile) await takeOldNumber(database.dataSource, options.brokerKey, options.logger);
    if (options.seed !== undefined) await seed(database, options.brokerKey, options.seed);
    return await load(database, options);
  } catch (error) {
    await database.dataSource.destroy().catch(() => undefined);
    throw error;
  }
}

/** The SQLite file of a store folder, for brokers without a `databaseUrl`. */
export function metadataFile(storePath: string): string {
  return join(storePath, 'metadata.db');
}

/** Opens the database alone, with its tables in their newest form. */
export function openMetadataDatabase(
  options: Pick<MetadataOptions, 'databaseUrl' | 'storePath'>,
): Promise<OpenDatabase> {
  return openDatabase(
    {
      url: options.databaseUrl,
      sqliteFile: metadataFile(options.storePath),
      entities: metadataEntities,
      migrations: metadataMigrations,
      migrationsTable: 'rocknest_broker_migrations',
    },
    "The database of the broker's metadata",
  );
}

async function seed({ dataSource, target }: OpenDatabase, brokerKey: string, from: MetadataSeed): Promise<void> {
  const snapshot = await from(() => hasNoRows(dataSource, brokerKey));
  if (snapshot !== undefined) await replaceMetadata(dataSource, target.kind, brokerKey, snapshot);
}

async function load(database: OpenDatabase, options: MetadataOptions): Promise<Metadata> {
  const { brokerKey, logger } = options;
  const { dataSource, target } = database;
  const writer = new DatabaseWriter(database, {
    what: 'The metadata database',
    whileDown:
      'The broker goes on from memory; offsets are kept and written when it is back, new topics and groups are refused until then.',
    logger,
    // Whoever was the first to get through: what waits for its next try need not.
    onBack: () => {
      for (const writeBehind of writeBehinds) writeBehind.flushSoon();
    },
  });
  const writeBehinds: WriteBehind[] = [];
  const versions = await loadVersions(dataSource, brokerKey);
  const versionOf = (table: VersionedTable): DataVersion => versions.get(table) ?? firstVersion();

  const topics = new TopicConfigManager(
    writer,
    brokerKey,
    await loadTopics(dataSource, brokerKey),
    versionOf('topics'),
  );
  const groups = new SubscriptionGroupManager(
    writer,
    brokerKey,
    await loadGroups(dataSource, brokerKey),
    versionOf('groups'),
  );
  const behind = (intervalMs: number): WriteBehindOptions & { brokerKey: string; database: DatabaseKind } => ({
    brokerKey,
    database: target.kind,
    intervalMs,
    logger,
    ...(options.retryMinMs !== undefined && { retryMinMs: options.retryMinMs }),
    ...(options.retryMaxMs !== undefined && { retryMaxMs: options.retryMaxMs }),
    ...(options.closeTimeoutMs !== undefined && { closeTimeoutMs: options.closeTimeoutMs }),
  });
  const offsets = new ConsumerOffsetManager(
    writer,
    await loadConsumerOffsets(dataSource, target.kind, brokerKey),
    versionOf('consumerOffsets'),
    {
      ...behind(options.flushConsumerOffsetIntervalMs ?? FLUSH_CONSUMER_OFFSET_INTERVAL_MS),
      ...(options.maxConsumerOffsets !== undefined && { maxOffsets: options.maxConsumerOffsets }),
    },
  );
  const delayOffsets = new DelayOffsetManager(
    writer,
    await loadDelayOffsets(dataSource, brokerKey),
    versionOf('delayOffsets'),
    behind(options.flushDelayOffsetIntervalMs ?? FLUSH_DELAY_OFFSET_INTERVAL_MS),
  );
  const requestModes = new MessageRequestModeManager(
    writer,
    brokerKey,
    await loadRequestModes(dataSource, brokerKey),
    versionOf('requestModes'),
  );
  const orderInfos = new ConsumerOrderInfoTable(
    writer,
    await loadOrderInfos(dataSource, brokerKey),
    behind(FLUSH_ORDER_INFO_INTERVAL_MS),
  );
  writeBehinds.push(...[offsets, delayOffsets, orderInfos].map(({ writeBehind }) => writeBehind));
  for (const writeBehind of writeBehinds) writeBehind.start();

  let closing: Promise<void> | undefined;
  return {
    topics,
    groups,
    offsets,
    delayOffsets,
    requestModes,
    orderInfos,
    databaseName: database.name,
    get isDatabaseDown() {
      return writer.isDown;
    },
    async flush() {
      // All are tried to their end, whatever becomes of the others.
      const results = await Promise.allSettled(writeBehinds.map((writeBehind) => writeBehind.flush()));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
    close() {
      closing ??= Promise.all(writeBehinds.map((writeBehind) => writeBehind.close())).then(() => writer.close());
      return closing;
    },
  };
}

async function loadVersions(dataSource: DataSource, brokerKey: string): Promise<Map<string, DataVersion>> {
  const rows = await dataSource.manager.findBy(dataVersionEntity, { brokerKey });
  return new Map(
    rows.map(({ tableKind, stateVersion, timestamp, counter }) => [tableKind, { stateVersion, timestamp, counter }]),
  );
}

async function loadTopics(dataSource: DataSource, brokerKey: string): Promise<Map<string, TopicConfig>> {
  const rows = await dataSource.manager.findBy(topicConfigEntity, { brokerKey });
  return new Map(rows.map((row) => [row.topicName, Object.freeze(topicConfigFromRow(row))]));
}

async function loadGroups(dataSource: DataSource, brokerKey: string): Promise<Map<string, SubscriptionGroupConfig>> {
  const rows = await dataSource.manager.findBy(subscriptionGroupEntity, { brokerKey });
  return new Map(rows.map((row) => [row.groupName, Object.freeze(subscriptionGroupFromRow(row))]));
}

/** Read without entities: there may be hundreds of thousands of them. */
async function loadConsumerOffsets(
  dataSource: DataSource,
  database: DatabaseKind,
  brokerKey: string,
): Promise<ConsumerOffsetTable> {
  const rows = await dataSource.query<Record<string, unknown>[]>(
    'SELECT group_name, topic_name, queue_id, queue_offset FROM rocknest_consumer_offset WHERE broker_key = ' +
      (database === 'postgres' ? '$1' : '?'),
    [brokerKey],
  );
  const table = new ConsumerOffsetTable();
  for (const row of rows) {
    table.load(
      String(row['group_name']),
      String(row['topic_name']),
      Number(row['queue_id']),
      readInt64(row['queue_offset']),
    );
  }
  return table;
}

async function loadDelayOffsets(dataSource: DataSource, brokerKey: string): Promise<Map<number, number>> {
  const rows = await dataSource.manager.findBy(delayOffsetEntity, { brokerKey });
  return new Map(rows.map(({ delayLevel, queueOffset }) => [delayLevel, queueOffset]));
}

async function loadRequestModes(
  dataSource: DataSource,
  brokerKey: string,
): Promise<SetMessageRequestModeRequestBody[]> {
  const rows = await dataSource.manager.findBy(messageRequestModeEntity, { brokerKey });
  return rows.map(({ groupName, topicName, mode, popShareQueueNum }) =>
    Object.freeze({ topic: topicName, consumerGroup: groupName, mode, popShareQueueNum }),
  );
}

async function loadOrderInfos(dataSource: DataSource, brokerKey: string): Promise<OrderInfoEntry[]> {
  const rows = await dataSource.manager.findBy(consumerOrderInfoEntity, { brokerKey });
  return rows.flatMap(({ groupName, topicName, queueId, orderInfo }) => {
    const state = orderInfoStateOf(JSON.parse(orderInfo));
    return state === undefined ? [] : [{ topic: topicName, group: groupName, queueId, state }];
  });
}
