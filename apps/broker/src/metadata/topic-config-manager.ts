import { isDeepStrictEqual } from 'node:util';
import type { DatabaseWriter } from '@rocknest/config';
import type { DataVersion, TopicConfig } from '@rocknest/protocol';
import { checkInt32, checkJson, checkName } from './checks.js';
import { ConfigTable, type ConfigTableKind } from './config-table.js';
import { inBatches } from './batches.js';
import { topicConfigEntity, topicConfigToRow } from './entities/index.js';

/**
 * The topics of a broker, read from memory. A change is in the database before its promise resolves.
 *
 * Follows `broker/topic/TopicConfigManager.java`; who may create which topic is decided by the callers.
 */
export class TopicConfigManager {
  private readonly table: ConfigTable<TopicConfig>;

  constructor(
    writer: DatabaseWriter,
    brokerKey: string,
    topics: ReadonlyMap<string, TopicConfig>,
    dataVersion: DataVersion,
  ) {
    this.table = new ConfigTable(topicKind, writer, brokerKey, topics, dataVersion);
  }

  /** A new one after each change. */
  get dataVersion(): DataVersion {
    return this.table.dataVersion;
  }

  /** The configuration, frozen; undefined when there is no such topic. */
  get(topic: string): TopicConfig | undefined {
    return this.table.get(topic);
  }

  all(): ReadonlyMap<string, TopicConfig> {
    return this.table.all;
  }

  /**
   * Creates or changes a topic.
   *
   * @returns false when it was so already (nothing is written then, and the version stays).
   * @throws MetadataError METADATA_UNAVAILABLE when the database is down, METADATA_INVALID for values it cannot hold.
   */
  async put(config: TopicConfig): Promise<boolean> {
    return (await this.table.put([config])) > 0;
  }

  /** Creates or changes several topics in one transaction: all or none. Returns how many differ from what was there. */
  putAll(configs: readonly TopicConfig[]): Promise<number> {
    return this.table.put(configs);
  }

  /** Creates those of the topics that do not exist, in one transaction. Returns how many it created. */
  ensure(configs: readonly TopicConfig[]): Promise<number> {
    return this.table.put(configs, true);
  }

  async delete(topic: string): Promise<void> {
    await this.table.remove([topic]);
  }

  /** A new version without a change of topics: the broker's permission changed, or a controller its epoch. */
  nextDataVersion(stateVersion = this.dataVersion.stateVersion): Promise<void> {
    return this.table.touch(stateVersion);
  }
}

/** How topics are checked, compared and stored. */
export const topicKind: ConfigTableKind<TopicConfig> = {
  table: 'topics',
  noun: 'topic',
  nameOf: (config) => config.topicName,
  checked: (config) => {
    const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType, topicSysFlag, order, attributes } = config;
    const owner = `topic ${topicName}`;
    checkName('topic', topicName);
    checkName('filter type', topicFilterType);
    checkInt32(owner, { readQueueNums, writeQueueNums, perm, topicSysFlag });
    checkJson(owner, { attributes });
    return Object.freeze({
      topicName,
      readQueueNums,
      writeQueueNums,
      perm,
      topicFilterType,
      topicSysFlag,
      order,
      attributes: Object.freeze({ ...attributes }),
    });
  },
  equal: (a, b) => isDeepStrictEqual(a, b),
  upsert: (transaction, brokerKey, configs) =>
    inBatches(configs, async (batch) => {
      const rows = batch.map((config) => topicConfigToRow(brokerKey, config));
      await transaction.upsert(topicConfigEntity, rows, ['brokerKey', 'topicName']);
    }),
  remove: (transaction, brokerKey, names) =>
    inBatches(names, async (batch) => {
      const query = transaction.createQueryBuilder().delete().from(topicConfigEntity);
      await query.where('broker_key = :brokerKey AND topic_name IN (:...batch)', { brokerKey, batch }).execute();
    }),
};
