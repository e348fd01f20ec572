import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import {
  arrayOf,
  asObject,
  booleanOf,
  entriesOf,
  integerOf,
  objectOf,
  requiredStringOf,
  stringTableOf,
  type JsonObject,
} from '../json/json-value.js';
import { readDataVersion, type DataVersion } from './data-version.js';

/** Source: `remoting/protocol/subscription/SubscriptionGroupConfig.java`. */
export interface SubscriptionGroupConfig {
  groupName: string;
  consumeEnable: boolean;
  consumeFromMinEnable: boolean;
  consumeBroadcastEnable: boolean;
  consumeMessageOrderly: boolean;
  retryQueueNums: number;
  /** Redeliveries of a failed message before it rests in the dead letter topic. */
  retryMaxTimes: number;
  /** `{"type":"CUSTOMIZED"}` and the policy's own members, carried along. */
  groupRetryPolicy: Readonly<Record<string, unknown>>;
  brokerId: number;
  whichBrokerWhenConsumeSlowly: number;
  notifyConsumerIdsChangedEnable: boolean;
  groupSysFlag: number;
  consumeTimeoutMinute: number;
  /** Subscriptions kept with the group, carried as they came; absent in nearly all installations. */
  subscriptionDataSet?: readonly unknown[];
  attributes: Readonly<Record<string, string>>;
}

/** A group with RocketMQ's defaults. */
export function defaultSubscriptionGroupConfig(groupName: string): SubscriptionGroupConfig {
  return readSubscriptionGroupConfig({ groupName });
}

export function readSubscriptionGroupConfig(object: JsonObject): SubscriptionGroupConfig {
  const subscriptionDataSet =
    object['subscriptionDataSet'] == null ? undefined : arrayOf(object, 'subscriptionDataSet');
  return {
    groupName: requiredStringOf(object, 'groupName', 'a subscription group'),
    consumeEnable: booleanOf(object, 'consumeEnable', true),
    consumeFromMinEnable: booleanOf(object, 'consumeFromMinEnable', true),
    consumeBroadcastEnable: booleanOf(object, 'consumeBroadcastEnable', true),
    consumeMessageOrderly: booleanOf(object, 'consumeMessageOrderly', false),
    retryQueueNums: integerOf(object, 'retryQueueNums', 1),
    retryMaxTimes: integerOf(object, 'retryMaxTimes', 16),
    groupRetryPolicy: objectOf(object, 'groupRetryPolicy') ?? { type: 'CUSTOMIZED' },
    brokerId: integerOf(object, 'brokerId', 0),
    whichBrokerWhenConsumeSlowly: integerOf(object, 'whichBrokerWhenConsumeSlowly', 1),
    notifyConsumerIdsChangedEnable: booleanOf(object, 'notifyConsumerIdsChangedEnable', true),
    groupSysFlag: integerOf(object, 'groupSysFlag', 0),
    consumeTimeoutMinute: integerOf(object, 'consumeTimeoutMinute', 15),
    ...(subscriptionDataSet && { subscriptionDataSet }),
    attributes: stringTableOf(object, 'attributes'),
  };
}

export function decodeSubscriptionGroupConfig(body: Buffer | string): SubscriptionGroupConfig {
  return readSubscriptionGroupConfig(asObject(parseFastjson(body), 'a subscription group'));
}

export function encodeSubscriptionGroupConfig(config: SubscriptionGroupConfig): Buffer {
  return encodeFastjson(config);
}

/** The body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST. */
export function decodeSubscriptionGroupList(body: Buffer | string): SubscriptionGroupConfig[] {
  return arrayOf(asObject(parseFastjson(body), 'a list of groups'), 'groupConfigList').map((value) =>
    readSubscriptionGroupConfig(asObject(value, 'groupConfigList')),
  );
}

export function encodeSubscriptionGroupList(groupConfigList: readonly SubscriptionGroupConfig[]): Buffer {
  return encodeFastjson({ groupConfigList });
}

/** The answer to GET_ALL_SUBSCRIPTIONGROUP_CONFIG. Source: `remoting/protocol/body/SubscriptionGroupWrapper.java`. */
export interface SubscriptionGroupWrapper {
  subscriptionGroupTable: Readonly<Record<string, SubscriptionGroupConfig>>;
  /** group -> topic -> forbidden bits. */
  forbiddenTable: Readonly<Record<string, Readonly<Record<string, number>>>>;
  dataVersion: DataVersion;
}

export function decodeSubscriptionGroupWrapper(body: Buffer | string): SubscriptionGroupWrapper {
  const object = asObject(parseFastjson(body), 'a table of groups');
  const forbiddenTable: Record<string, Record<string, number>> = {};
  for (const [group, topics] of entriesOf(object, 'forbiddenTable')) {
    const table = asObject(topics, 'forbiddenTable');
    forbiddenTable[String(group)] = Object.fromEntries(
      Object.keys(table).map((topic) => [topic, integerOf(table, topic, 0)]),
    );
  }
  return {
    subscriptionGroupTable: Object.fromEntries(
      entriesOf(object, 'subscriptionGroupTable').map(([group, config]) => [
        String(group),
        readSubscriptionGroupConfig({ groupName: String(group), ...asObject(config, 'subscriptionGroupTable') }),
      ]),
    ),
    forbiddenTable,
    dataVersion: readDataVersion(objectOf(object, 'dataVersion')),
  };
}

export function encodeSubscriptionGroupWrapper(wrapper: SubscriptionGroupWrapper): Buffer {
  return encodeFastjson(wrapper);
}
