import {
  encodeSubscriptionGroupWrapper,
  encodeTopicConfigSerializeWrapper,
  stringifyFastjson,
  type DataVersion,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocknest/protocol';
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
}

/** The four files in the form that RocketMQ's configuration managers write and read: bare numeric keys, one value a line. */
export function configTexts({ topics, groups, offsets, delayOffsets }: ConfigSource): Map<ConfigFile, string> {
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
  ];
  return new Map(compact.map(([name, text]) => [name, indentJson(text)]));
}

/** `topic@group` -> queue id -> offset; Maps, so that the queue ids are written bare. */
function offsetTable(offsets: ConfigSource['offsets']): Map<string, ReadonlyMap<number, number>> {
  const table = new Map<string, ReadonlyMap<number, number>>();
  for (const { group, topic, offsets: queues } of offsets.all()) table.set(`${topic}@${group}`, queues);
  return table;
}
