import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import {
  arrayOf,
  asObject,
  booleanOf,
  entriesOf,
  integerOf,
  objectOf,
  stringOf,
  stringTableOf,
  type JsonObject,
} from '../json/json-value.js';
import { readDataVersion, type DataVersion } from './data-version.js';

/** Source: `common/TopicConfig.java`. */
export interface TopicConfig {
  topicName: string;
  readQueueNums: number;
  writeQueueNums: number;
  /** Bits of PermName. */
  perm: number;
  /** `SINGLE_TAG` or `MULTI_TAG`. */
  topicFilterType: string;
  topicSysFlag: number;
  order: boolean;
  attributes: Readonly<Record<string, string>>;
}

export type TopicConfigTable = Readonly<Record<string, TopicConfig>>;

/** TopicConfig's own defaults where a member is absent: 16 queues, read and write. */
export function readTopicConfig(object: JsonObject, name?: string): TopicConfig {
  return {
    topicName: stringOf(object, 'topicName', name ?? ''),
    readQueueNums: integerOf(object, 'readQueueNums', 16),
    writeQueueNums: integerOf(object, 'writeQueueNums', 16),
    perm: integerOf(object, 'perm', 6),
    topicFilterType: stringOf(object, 'topicFilterType', 'SINGLE_TAG'),
    topicSysFlag: integerOf(object, 'topicSysFlag', 0),
    order: booleanOf(object, 'order', false),
    attributes: stringTableOf(object, 'attributes'),
  };
}

export function readTopicConfigTable(object: JsonObject, key: string): Record<string, TopicConfig> {
  return Object.fromEntries(
    entriesOf(object, key).map(([name, config]) => [
      String(name),
      readTopicConfig(asObject(config, key), String(name)),
    ]),
  );
}

/** The answer to GET_TOPIC_CONFIG. */
export function decodeTopicConfig(body: Buffer | string): TopicConfig {
  return readTopicConfig(asObject(parseFastjson(body), 'a topic configuration'));
}

export function encodeTopicConfig(config: TopicConfig): Buffer {
  return encodeFastjson(config);
}

/** The body of UPDATE_AND_CREATE_TOPIC_LIST. */
export function decodeTopicConfigList(body: Buffer | string): TopicConfig[] {
  return arrayOf(asObject(parseFastjson(body), 'a list of topics'), 'topicConfigList').map((value) =>
    readTopicConfig(asObject(value, 'topicConfigList')),
  );
}

export function encodeTopicConfigList(topicConfigList: readonly TopicConfig[]): Buffer {
  return encodeFastjson({ topicConfigList });
}

/**
 * All topics of a broker, as it registers them and as GET_ALL_TOPIC_CONFIG answers.
 * Source: `remoting/protocol/body/TopicConfigAndMappingSerializeWrapper.java`.
 */
export interface TopicConfigSerializeWrapper {
  topicConfigTable: TopicConfigTable;
  dataVersion: DataVersion;
  mappingDataVersion?: DataVersion;
  /** Static topics, carried as they came. */
  topicQueueMappingInfoMap?: Readonly<Record<string, unknown>>;
  topicQueueMappingDetailMap?: Readonly<Record<string, unknown>>;
}

export function readTopicConfigSerializeWrapper(object: JsonObject): TopicConfigSerializeWrapper {
  const mappingDataVersion = objectOf(object, 'mappingDataVersion');
  const infoMap = objectOf(object, 'topicQueueMappingInfoMap');
  const detailMap = objectOf(object, 'topicQueueMappingDetailMap');
  return {
    topicConfigTable: readTopicConfigTable(object, 'topicConfigTable'),
    dataVersion: readDataVersion(objectOf(object, 'dataVersion')),
    ...(mappingDataVersion && { mappingDataVersion: readDataVersion(mappingDataVersion) }),
    ...(infoMap && { topicQueueMappingInfoMap: infoMap }),
    ...(detailMap && { topicQueueMappingDetailMap: detailMap }),
  };
}

export function decodeTopicConfigSerializeWrapper(body: Buffer | string): TopicConfigSerializeWrapper {
  return readTopicConfigSerializeWrapper(asObject(parseFastjson(body), 'a table of topics'));
}

export function encodeTopicConfigSerializeWrapper(wrapper: TopicConfigSerializeWrapper): Buffer {
  return encodeFastjson(wrapper);
}
