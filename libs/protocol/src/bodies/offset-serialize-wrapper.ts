import { encodeFastjson } from '../json/fastjson-stringify.js';
import { parseFastjson } from '../json/fastjson-parse.js';
import { asInteger, asObject } from '../json/json-value.js';
import { readQueueTable, writeQueueTable, type QueueEntry } from './message-queue-json.js';

/**
 * Offsets of a broadcasting consumer in its file `offsets.json`: `{"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:5}}`.
 * Source: `client/consumer/store/OffsetSerializeWrapper.java`.
 */
export interface OffsetSerializeWrapper {
  offsetTable: QueueEntry<number>[];
}

/** @throws ProtocolError for what is no such table, a torn file included. */
export function decodeOffsetSerializeWrapper(content: Buffer | string): OffsetSerializeWrapper {
  const object = asObject(parseFastjson(content), 'local offsets');
  return { offsetTable: readQueueTable(object, 'offsetTable', (value) => asInteger(value, 'offsetTable')) };
}

export function encodeOffsetSerializeWrapper({ offsetTable }: OffsetSerializeWrapper): Buffer {
  return encodeFastjson({ offsetTable: writeQueueTable(offsetTable, (offset) => offset) });
}
