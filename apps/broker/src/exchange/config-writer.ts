import {
  encodeMessageRequestModeTable,
  encodeSubscriptionGroupWrapper,
  encodeTopicConfigSerializeWrapper,
  stringifyFastjson,
  type DataVersion,
  type SetMessageRequestModeRequestBody,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocknest/protocol';
import type { OrderInfoEntry, OrderInfoState } from '../metadata/index.js';
import { CONFIG_FILES, type ConfigFile } from './config-folder.js';
import { indentJson } from './indent-json.js';

/** What the files are made from: the broker's metadata managers have this shape. */
export interface ConfigSource {
  readonly topics: { all(): ReadonlyMap<string, TopicConfig>; readonly dataVersion: DataVersion };
  readonly groups: { all(): ReadonlyMap<string, SubscriptionGroupConfig>; readonly dataVersion: DataVersion };
  readonly offsets: {
    all(): Iterable<{ readonly group: string; readonly topic: string; readonly offsets: ReadonlyMap<number, number> }>;
    readonly dataVersion: DataVersion;
  };
  readonly delayOffsets: { all(): ReadonlyMap<number, number>; readonly dataVersion: DataVersion };
  readonly requestModes: { all(): readonly SetMessageRequestModeRequestBody[] };
  readonly orderInfos: { all(): Iterable<OrderInfoEntry> };
}

/** The files in the form that RocketMQ's configuration managers write and read: bare numeric keys, one value a line. */
export function configTexts(source: ConfigSource): Map<ConfigFile, string> {
  const { topics, groups, offsets, delayOffsets, requestModes, orderInfos } = source;
  const topicConfigTable = Object.fromEntries(topics.all());
  const subscriptionGroupTable = Object.fromEntries(groups.all());
  const compact: [ConfigFile, string][] = [
    [
      CONFIG_FILES.topics,
      encodeTopicConfigSerializeWrapper({ topicConfigTable, dataVersion: topics.dataVersion }).toString(),
    ],
    [
      CONFIG_FILES.groups,
      encodeSubscriptionGroupWrapper({
        subscriptionGroupTable,
        forbiddenTable: {},
        dataVersion: groups.dataVersion,
      }).toString(),
    ],
    [
      CONFIG_FILES.consumerOffsets,
      stringifyFastjson({ dataVersion: offsets.dataVersion, offsetTable: offsetTable(offsets) }),
    ],
    [
      CONFIG_FILES.delayOffsets,
      stringifyFastjson({ dataVersion: delayOffsets.dataVersion, offsetTable: delayOffsets.all() }),
    ],
    [CONFIG_FILES.requestModes, encodeMessageRequestModeTable({ modes: requestModes.all() }).toString()],
    [CONFIG_FILES.orderInfos, stringifyFastjson({ table: orderInfoTable(orderInfos.all()) })],
  ];
  return new Map(compact.map(([name, text]) => [name, indentJson(text)]));
}

/** `topic@group` -> queue id -> offset; Maps, so that the queue ids are written bare. */
function offsetTable(offsets: ConfigSource['offsets']): Map<string, ReadonlyMap<number, number>> {
  const table = new Map<string, ReadonlyMap<number, number>>();
  for (const { group, topic, offsets: queues } of offsets.all()) table.set(`${topic}@${group}`, queues);
  return table;
}

/** `topic@group` -> queue id -> state, as `ConsumerOrderInfoManager` keeps it. */
function orderInfoTable(entries: Iterable<OrderInfoEntry>): Map<string, Map<number, unknown>> {
  const table = new Map<string, Map<number, unknown>>();
  for (const { topic, group, queueId, state } of entries) {
    const key = `${topic}@${group}`;
    const queues = table.get(key) ?? new Map<number, unknown>();
    table.set(key, queues.set(queueId, orderInfoOf(state)));
  }
  return table;
}

function orderInfoOf({ popTime, i, o, ot, oc, l, cm, a }: OrderInfoState): Record<string, unknown> {
  return {
    ...(a !== undefined && { a }),
    cm,
    i,
    l,
    o,
    ...(oc !== undefined && { oc: byOffset(oc) }),
    ...(ot !== undefined && { ot: byOffset(ot) }),
    popTime,
  };
}

/** A Map, so that the offsets are written bare. */
function byOffset(table: Readonly<Record<string, number>>): Map<number, number> {
  return new Map(Object.entries(table).map(([offset, value]) => [Number(offset), value]));
}
