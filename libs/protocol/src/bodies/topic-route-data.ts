import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import {
  arrayOf,
  asInteger,
  asObject,
  booleanOf,
  entriesOf,
  integerOf,
  objectOf,
  requiredStringOf,
  stringOf,
  type JsonObject,
} from '../json/json-value.js';

/** How many queues of a topic a broker group has, and what may be done with them. */
export interface QueueData {
  brokerName: string;
  readQueueNums: number;
  writeQueueNums: number;
  /** Bits of PermName. */
  perm: number;
  topicSysFlag: number;
}

/** A broker group: the addresses of its members by broker id, 0 being the master. */
export interface BrokerData {
  cluster: string;
  brokerName: string;
  /** broker id -> `ip:port`. */
  brokerAddrs: ReadonlyMap<number, string>;
  enableActingMaster: boolean;
  zoneName?: string;
}

/**
 * The answer to GET_ROUTEINFO_BY_TOPIC. Source: `remoting/protocol/route/TopicRouteData.java`.
 */
export interface TopicRouteData {
  /** `broker:queues;broker:queues`, for order topics of namesrvs which have that switched on. */
  orderTopicConf?: string;
  queueDatas: QueueData[];
  brokerDatas: BrokerData[];
  /** broker address -> filter servers; empty with every broker of today. */
  filterServerTable: Readonly<Record<string, string[]>>;
  /** Static topics, carried as they came. */
  topicQueueMappingByBroker?: Readonly<Record<string, unknown>>;
}

export function decodeTopicRouteData(body: Buffer | string): TopicRouteData {
  const object = asObject(parseFastjson(body), 'a topic route');
  const filterServerTable: Record<string, string[]> = {};
  for (const [address, servers] of entriesOf(object, 'filterServerTable')) {
    filterServerTable[String(address)] = Array.isArray(servers) ? servers.map(String) : [];
  }
  const orderTopicConf = stringOf(object, 'orderTopicConf');
  const mapping = objectOf(object, 'topicQueueMappingByBroker');
  return {
    ...(orderTopicConf === undefined ? {} : { orderTopicConf }),
    queueDatas: arrayOf(object, 'queueDatas').map((value) => readQueueData(asObject(value, 'queueDatas'))),
    brokerDatas: arrayOf(object, 'brokerDatas').map((value) => readBrokerData(asObject(value, 'brokerDatas'))),
    filterServerTable,
    ...(mapping === undefined ? {} : { topicQueueMappingByBroker: mapping }),
  };
}

/**
 * @param options.standardJson true: all keys quoted (clients from version 401 on); false: bare broker ids, without which the
 *   Go client takes each id for 0.
 */
export function encodeTopicRouteData(route: TopicRouteData, options: { standardJson: boolean }): Buffer {
  return encodeFastjson(
    { ...route, brokerDatas: route.brokerDatas.map(writeBrokerData) },
    { standard: options.standardJson },
  );
}

function readQueueData(object: JsonObject): QueueData {
  return {
    brokerName: requiredStringOf(object, 'brokerName', 'queueDatas'),
    readQueueNums: integerOf(object, 'readQueueNums', 0),
    writeQueueNums: integerOf(object, 'writeQueueNums', 0),
    perm: integerOf(object, 'perm', 0),
    topicSysFlag: integerOf(object, 'topicSysFlag', 0),
  };
}

export function readBrokerData(object: JsonObject): BrokerData {
  const zoneName = stringOf(object, 'zoneName');
  return {
    cluster: stringOf(object, 'cluster', ''),
    brokerName: requiredStringOf(object, 'brokerName', 'brokerDatas'),
    brokerAddrs: readBrokerAddrs(object),
    enableActingMaster: booleanOf(object, 'enableActingMaster', false),
    ...(zoneName === undefined ? {} : { zoneName }),
  };
}

export function readBrokerAddrs(object: JsonObject): Map<number, string> {
  return new Map(
    entriesOf(object, 'brokerAddrs').map(([id, address]) => [asInteger(id, 'a broker id'), String(address)] as const),
  );
}

export function writeBrokerData(broker: BrokerData): Record<string, unknown> {
  return { ...broker };
}
