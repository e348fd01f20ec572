import { isDeepStrictEqual } from 'node:util';
import type { DatabaseWriter } from '@rocknest/config';
import { defaultSubscriptionGroupConfig, type DataVersion, type SubscriptionGroupConfig } from '@rocknest/protocol';
import { inBatches } from './batches.js';
import { checkInt32, checkJson, checkName } from './checks.js';
import { ConfigTable, type ConfigTableKind } from './config-table.js';
import { subscriptionGroupEntity, subscriptionGroupToRow } from './entities/index.js';

/**
 * The subscription groups of a broker, read from memory. A change is in the database before its promise resolves.
 *
 * Follows `broker/subscription/SubscriptionGroupManager.java`; which group may be created is decided by the callers.
 */
export class SubscriptionGroupManager {
  private readonly table: ConfigTable<SubscriptionGroupConfig>;

  constructor(
    writer: DatabaseWriter,
    brokerKey: string,
    groups: ReadonlyMap<string, SubscriptionGroupConfig>,
    dataVersion: DataVersion,
  ) {
    this.table = new ConfigTable(groupKind, writer, brokerKey, groups, dataVersion);
  }

  /** A new one after each change. */
  get dataVersion(): DataVersion {
    return this.table.dataVersion;
  }

  /** The configuration, frozen; undefined when there is no such group. */
  get(group: string): SubscriptionGroupConfig | undefined {
    return this.table.get(group);
  }

  all(): ReadonlyMap<string, SubscriptionGroupConfig> {
    return this.table.all;
  }

  /**
   * Creates or changes a group.
   *
   * @returns false when it was so already.
   * @throws MetadataError METADATA_UNAVAILABLE when the database is down, METADATA_INVALID for values it cannot hold.
   */
  async put(config: SubscriptionGroupConfig): Promise<boolean> {
    return (await this.table.put([config])) > 0;
  }

  /** Creates those of the groups that do not exist, in one transaction. Returns how many it created. */
  ensure(configs: readonly SubscriptionGroupConfig[]): Promise<number> {
    return this.table.put(configs, true);
  }

  /** A group with RocketMQ's defaults, unless it exists. Resolves with the one there is. */
  async autoCreate(group: string): Promise<SubscriptionGroupConfig> {
    const known = this.table.get(group);
    if (known !== undefined) return known;
    const created = defaultSubscriptionGroupConfig(group);
    await this.table.put([created], true);
    return this.table.get(group) ?? created;
  }

  async delete(group: string): Promise<void> {
    await this.table.remove([group]);
  }
}

/** How subscription groups are checked, compared and stored. */
export const groupKind: ConfigTableKind<SubscriptionGroupConfig> = {
  table: 'groups',
  noun: 'subscription group',
  nameOf: (config) => config.groupName,
  checked: (config) => {
    const { retryQueueNums, retryMaxTimes, groupSysFlag, consumeTimeoutMinute } = config;
    const { groupRetryPolicy, subscriptionDataSet, attributes } = config;
    const owner = `group ${config.groupName}`;
    checkName('group', config.groupName);
    checkInt32(owner, { retryQueueNums, retryMaxTimes, groupSysFlag, consumeTimeoutMinute });
    checkJson(owner, { groupRetryPolicy, subscriptionDataSet, attributes });
    return kept(config);
  },
  equal: (a, b) => isDeepStrictEqual(a, b),
  upsert: (transaction, brokerKey, configs) =>
    inBatches(configs, async (batch) => {
      const rows = batch.map((config) => subscriptionGroupToRow(brokerKey, config));
      await transaction.upsert(subscriptionGroupEntity, rows, ['brokerKey', 'groupName']);
    }),
  remove: (transaction, brokerKey, names) =>
    inBatches(names, async (batch) => {
      const query = transaction.createQueryBuilder().delete().from(subscriptionGroupEntity);
      await query.where('broker_key = :brokerKey AND group_name IN (:...batch)', { brokerKey, batch }).execute();
    }),
};

/** A copy with the members in one order and nothing beside them, so that equal groups compare equal. */
function kept(config: SubscriptionGroupConfig): SubscriptionGroupConfig {
  const { subscriptionDataSet } = config;
  return Object.freeze({
    groupName: config.groupName,
    consumeEnable: config.consumeEnable,
    consumeFromMinEnable: config.consumeFromMinEnable,
    consumeBroadcastEnable: config.consumeBroadcastEnable,
    consumeMessageOrderly: config.consumeMessageOrderly,
    retryQueueNums: config.retryQueueNums,
    retryMaxTimes: config.retryMaxTimes,
    groupRetryPolicy: { ...config.groupRetryPolicy },
    brokerId: config.brokerId,
    whichBrokerWhenConsumeSlowly: config.whichBrokerWhenConsumeSlowly,
    notifyConsumerIdsChangedEnable: config.notifyConsumerIdsChangedEnable,
    groupSysFlag: config.groupSysFlag,
    consumeTimeoutMinute: config.consumeTimeoutMinute,
    ...(subscriptionDataSet && { subscriptionDataSet }),
    attributes: { ...config.attributes },
  });
}
