import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { asObject, integerOf, numberOf, type JsonObject } from '../json/json-value.js';
import { readQueueTable, writeQueueTable, type QueueEntry } from './message-queue-json.js';

/** Source: `remoting/protocol/admin/TopicOffset.java`. */
export interface TopicOffset {
  minOffset: number;
  maxOffset: number;
  /** Store time of the newest message, milliseconds; 0 in an empty queue. */
  lastUpdateTimestamp: number;
}

/** The answer to GET_TOPIC_STATS_INFO. Source: `remoting/protocol/admin/TopicStatsTable.java`. */
export interface TopicStatsTable {
  topicPutTps: number;
  offsetTable: QueueEntry<TopicOffset>[];
}

export function decodeTopicStatsTable(body: Buffer | string): TopicStatsTable {
  const object = asObject(parseFastjson(body), 'topic statistics');
  return {
    topicPutTps: numberOf(object, 'topicPutTps', 0),
    offsetTable: readQueueTable(object, 'offsetTable', (value) => {
      const offset = asObject(value, 'offsetTable');
      return {
        minOffset: integerOf(offset, 'minOffset', 0),
        maxOffset: integerOf(offset, 'maxOffset', 0),
        lastUpdateTimestamp: integerOf(offset, 'lastUpdateTimestamp', 0),
      };
    }),
  };
}

export function encodeTopicStatsTable(stats: TopicStatsTable): Buffer {
  return encodeFastjson({ ...stats, offsetTable: writeQueueTable(stats.offsetTable, (offset) => offset) });
}

/** Source: `remoting/protocol/admin/OffsetWrapper.java`. */
export interface OffsetWrapper {
  brokerOffset: number;
  consumerOffset: number;
  pullOffset: number;
  /** Store time of the message the group consumed last, milliseconds. */
  lastTimestamp: number;
}

/** The answer to GET_CONSUME_STATS. Source: `remoting/protocol/admin/ConsumeStats.java`. */
export interface ConsumeStats {
  consumeTps: number;
  offsetTable: QueueEntry<OffsetWrapper>[];
}

export function decodeConsumeStats(body: Buffer | string): ConsumeStats {
  const object = asObject(parseFastjson(body), 'consume statistics');
  return {
    consumeTps: numberOf(object, 'consumeTps', 0),
    offsetTable: readQueueTable(object, 'offsetTable', (value) => {
      const offset = asObject(value, 'offsetTable');
      return {
        brokerOffset: integerOf(offset, 'brokerOffset', 0),
        consumerOffset: integerOf(offset, 'consumerOffset', 0),
        pullOffset: integerOf(offset, 'pullOffset', 0),
        lastTimestamp: integerOf(offset, 'lastTimestamp', 0),
      };
    }),
  };
}

export function encodeConsumeStats(stats: ConsumeStats): Buffer {
  return encodeFastjson(consumeStatsJson(stats));
}

export function consumeStatsJson(stats: ConsumeStats): JsonObject {
  return { ...stats, offsetTable: writeQueueTable(stats.offsetTable, (offset) => offset) };
}
