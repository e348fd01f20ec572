import type { DatabaseKind, DataSource, Transaction } from '@rocknest/config';
import type {
  DataVersion,
  SetMessageRequestModeRequestBody,
  SubscriptionGroupConfig,
  TopicConfig,
} from '@rocknest/protocol';
import { inBatches } from './batches.js';
import { checkInt32, checkJson, checkName } from './checks.js';
import { orderInfoUpsert, type OrderInfoEntry } from './consumer-order-info-table.js';
import {
  consumerOffsetEntity,
  consumerOrderInfoEntity,
  dataVersionEntity,
  delayOffsetEntity,
  messageRequestModeEntity,
  metadataEntities,
  subscriptionGroupEntity,
  topicConfigEntity,
  type VersionedTable,
} from './entities/index.js';
import { toJsonColumn } from './entities/json-column.js';
import { requestModeKind } from './message-request-mode-manager.js';
import { MetadataError } from './metadata-error.js';
import { groupKind } from './subscription-group-manager.js';
import { topicKind } from './topic-config-manager.js';
import { UpsertStatement } from './upsert-statement.js';
import { saveVersion } from './versions.js';

/** How far a group has consumed a queue: `queueOffset` is that of the next message. */
export interface CommittedOffset {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** All metadata of a broker at one moment. */
export interface MetadataSnapshot {
  readonly topics: readonly TopicConfig[];
  readonly groups: readonly SubscriptionGroupConfig[];
  readonly offsets: readonly CommittedOffset[];
  /** delay level -> queue offset of the next message to deliver */
  readonly delayOffsets: ReadonlyMap<number, number>;
  readonly requestModes: readonly SetMessageRequestModeRequestBody[];
  /** What groups popped in order and had not acknowledged. */
  readonly orderInfos: readonly OrderInfoEntry[];
  /** Of those tables that a snapshot can hold. */
  readonly versions: Readonly<Record<Exclude<VersionedTable, 'requestModes'>, DataVersion>>;
}

/** @throws MetadataError METADATA_INVALID when the database cannot hold it. */
export function checkTopicConfig(config: TopicConfig): void {
  topicKind.checked(config);
}

/** @throws MetadataError METADATA_INVALID when the database cannot hold it. */
export function checkGroupConfig(config: SubscriptionGroupConfig): void {
  groupKind.checked(config);
}

/** @throws MetadataError METADATA_INVALID when the database cannot hold it. */
export function checkCommittedOffset({ group, topic, queueId, queueOffset }: CommittedOffset): void {
  checkName('group', group);
  checkName('topic', topic);
  checkInt32(`group ${group} on topic ${topic}`, { queueId });
  if (Number.isSafeInteger(queueOffset) && queueOffset >= 0 && queueId >= 0) return;
  throw new MetadataError(
    'METADATA_INVALID',
    `Group ${group} has offset ${queueOffset} on queue ${queueId} of topic ${topic}`,
  );
}

/** @throws MetadataError METADATA_INVALID when the database cannot hold it. */
export function checkRequestMode(mode: SetMessageRequestModeRequestBody): void {
  requestModeKind.checked(mode);
}

/** @throws MetadataError METADATA_INVALID when the database cannot hold it. */
export function checkOrderInfo({ topic, group, queueId, state }: OrderInfoEntry): void {
  checkName('group', group);
  checkName('topic', topic);
  const owner = `group ${group} on topic ${topic}`;
  checkInt32(owner, { queueId });
  checkJson(owner, { state });
}

/** True when the database has no row of this broker. */
export async function hasNoRows({ manager }: DataSource, brokerKey: string): Promise<boolean> {
  for (const entity of metadataEntities) if (await manager.existsBy(entity, { brokerKey })) return false;
  return true;
}

/** The brokers that have metadata in the database, as `cluster/brokerName/brokerId`. */
export async function brokerKeysOf(dataSource: DataSource): Promise<string[]> {
  const rows = await dataSource.query<{ broker_key: string }[]>(
    'SELECT DISTINCT broker_key FROM rocknest_topic_config ORDER BY broker_key',
  );
  return rows.map((row) => row.broker_key);
}

/** Puts a snapshot in the place of everything that the database has of this broker, in one transaction. */
export async function replaceMetadata(
  dataSource: DataSource,
  database: DatabaseKind,
  brokerKey: string,
  snapshot: MetadataSnapshot,
): Promise<void> {
  await dataSource.transaction(async (transaction) => {
    await transaction.delete(topicConfigEntity, { brokerKey });
    await transaction.delete(subscriptionGroupEntity, { brokerKey });
    await transaction.delete(consumerOffsetEntity, { brokerKey });
    await transaction.delete(delayOffsetEntity, { brokerKey });
    await transaction.delete(dataVersionEntity, { brokerKey });
    await transaction.delete(messageRequestModeEntity, { brokerKey });
    await transaction.delete(consumerOrderInfoEntity, { brokerKey });
    await topicKind.upsert(transaction, brokerKey, snapshot.topics);
    await groupKind.upsert(transaction, brokerKey, snapshot.groups);
    await insertOffsets(transaction, database, brokerKey, snapshot.offsets);
    await insertDelayOffsets(transaction, brokerKey, snapshot.delayOffsets);
    await requestModeKind.upsert(transaction, brokerKey, snapshot.requestModes);
    await insertOrderInfos(transaction, database, brokerKey, snapshot.orderInfos);
    for (const [table, version] of Object.entries(snapshot.versions)) {
      await saveVersion(transaction, brokerKey, table as VersionedTable, version);
    }
  });
}

function insertOffsets(
  transaction: Transaction,
  database: DatabaseKind,
  brokerKey: string,
  offsets: readonly CommittedOffset[],
): Promise<void> {
  const upsert = new UpsertStatement(
    database,
    'rocknest_consumer_offset',
    ['broker_key', 'group_name', 'topic_name', 'queue_id'],
    ['queue_offset'],
  );
  return inBatches(offsets, async (batch) => {
    const parameters = batch.flatMap(({ group, topic, queueId, queueOffset }) => [
      brokerKey,
      group,
      topic,
      queueId,
      queueOffset,
    ]);
    await transaction.query(upsert.sql(batch.length), parameters);
  });
}

function insertOrderInfos(
  transaction: Transaction,
  database: DatabaseKind,
  brokerKey: string,
  orderInfos: readonly OrderInfoEntry[],
): Promise<void> {
  const upsert = orderInfoUpsert(database);
  return inBatches(orderInfos, async (batch) => {
    const parameters = batch.flatMap(({ group, topic, queueId, state }) => [
      brokerKey,
      group,
      topic,
      queueId,
      toJsonColumn(state),
    ]);
    await transaction.query(upsert.sql(batch.length), parameters);
  });
}

async function insertDelayOffsets(
  transaction: Transaction,
  brokerKey: string,
  delayOffsets: ReadonlyMap<number, number>,
): Promise<void> {
  const rows = [...delayOffsets].map(([delayLevel, queueOffset]) => ({ brokerKey, delayLevel, queueOffset }));
  if (rows.length > 0) await transaction.upsert(delayOffsetEntity, rows, ['brokerKey', 'delayLevel']);
}
