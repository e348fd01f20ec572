import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { asObject, stringOf, stringsOf, stringTableOf } from '../json/json-value.js';

/** Topic names. Source: `remoting/protocol/body/TopicList.java`. */
export interface TopicList {
  topicList: string[];
  brokerAddr?: string;
}

export function decodeTopicList(body: Buffer | string): TopicList {
  const object = asObject(parseFastjson(body), 'a topic list');
  const brokerAddr = stringOf(object, 'brokerAddr');
  return { topicList: stringsOf(object, 'topicList'), ...(brokerAddr === undefined ? {} : { brokerAddr }) };
}

export function encodeTopicList(list: TopicList): Buffer {
  return encodeFastjson(list);
}

/** Group names. Source: `remoting/protocol/body/GroupList.java`. */
export interface GroupList {
  groupList: string[];
}

export function decodeGroupList(body: Buffer | string): GroupList {
  return { groupList: stringsOf(asObject(parseFastjson(body), 'a group list'), 'groupList') };
}

export function encodeGroupList(list: GroupList): Buffer {
  return encodeFastjson(list);
}

/** Keys and values. Source: `remoting/protocol/body/KVTable.java`. */
export interface KVTable {
  table: Readonly<Record<string, string>>;
}

export function decodeKVTable(body: Buffer | string): KVTable {
  return { table: stringTableOf(asObject(parseFastjson(body), 'a table'), 'table') };
}

export function encodeKVTable(table: KVTable): Buffer {
  return encodeFastjson(table);
}

/** The client ids of a group, the answer to GET_CONSUMER_LIST_BY_GROUP. Source: `GetConsumerListByGroupResponseBody.java`. */
export interface GetConsumerListByGroupResponseBody {
  consumerIdList: string[];
}

export function decodeGetConsumerListByGroupResponseBody(body: Buffer | string): GetConsumerListByGroupResponseBody {
  return { consumerIdList: stringsOf(asObject(parseFastjson(body), 'a consumer list'), 'consumerIdList') };
}

export function encodeGetConsumerListByGroupResponseBody(body: GetConsumerListByGroupResponseBody): Buffer {
  return encodeFastjson(body);
}
