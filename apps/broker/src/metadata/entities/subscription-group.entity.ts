import { EntitySchema } from '@rocknest/config';
import type { SubscriptionGroupConfig } from '@rocknest/protocol';
import { NAME_MAX_LENGTH } from '../defaults.js';
import { int64Column } from './int64-column.js';
import { listFromJsonColumn, objectFromJsonColumn, textsFromJsonColumn, toJsonColumn } from './json-column.js';

/** A subscription group of one broker. The policy, the subscriptions and the attributes are JSON. */
export type SubscriptionGroupRow = Omit<SubscriptionGroupConfig, JsonMember> & {
  brokerKey: string;
  groupRetryPolicy: string;
  subscriptionDataSet: string;
  attributes: string;
};

type JsonMember = 'groupRetryPolicy' | 'subscriptionDataSet' | 'attributes';

export const subscriptionGroupEntity = new EntitySchema<SubscriptionGroupRow>({
  name: 'SubscriptionGroup',
  tableName: 'rocknest_subscription_group',
  columns: {
    brokerKey: { name: 'broker_key', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    groupName: { name: 'group_name', type: 'varchar', length: NAME_MAX_LENGTH, primary: true },
    consumeEnable: { name: 'consume_enable', type: Boolean },
    consumeFromMinEnable: { name: 'consume_from_min_enable', type: Boolean },
    consumeBroadcastEnable: { name: 'consume_broadcast_enable', type: Boolean },
    consumeMessageOrderly: { name: 'consume_message_orderly', type: Boolean },
    retryQueueNums: { name: 'retry_queue_nums', type: 'integer' },
    retryMaxTimes: { name: 'retry_max_times', type: 'integer' },
    groupRetryPolicy: { name: 'group_retry_policy', type: 'text' },
    brokerId: { name: 'broker_id', type: 'bigint', transformer: int64Column },
    whichBrokerWhenConsumeSlowly: {
      name: 'which_broker_when_consume_slowly',
      type: 'bigint',
      transformer: int64Column,
    },
    notifyConsumerIdsChangedEnable: { name: 'notify_consumer_ids_changed_enable', type: Boolean },
    groupSysFlag: { name: 'group_sys_flag', type: 'integer' },
    consumeTimeoutMinute: { name: 'consume_timeout_minute', type: 'integer' },
    subscriptionDataSet: { name: 'subscription_data_set', type: 'text' },
    attributes: { name: 'attributes', type: 'text' },
  },
});

export function subscriptionGroupToRow(brokerKey: string, config: SubscriptionGroupConfig): SubscriptionGroupRow {
  const { groupRetryPolicy, subscriptionDataSet, attributes } = config;
  return {
    ...config,
    brokerKey,
    groupRetryPolicy: toJsonColumn(groupRetryPolicy),
    subscriptionDataSet: toJsonColumn(subscriptionDataSet ?? null),
    attributes: toJsonColumn(attributes),
  };
}

export function subscriptionGroupFromRow({ brokerKey: _, ...row }: SubscriptionGroupRow): SubscriptionGroupConfig {
  const { subscriptionDataSet: list, ...members } = row;
  const subscriptionDataSet = listFromJsonColumn(list);
  return {
    ...members,
    groupRetryPolicy: objectFromJsonColumn(row.groupRetryPolicy),
    ...(subscriptionDataSet && { subscriptionDataSet }),
    attributes: textsFromJsonColumn(row.attributes),
  };
}
