import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { asInteger, asObject, entriesOf } from '../json/json-value.js';
import { readQueueTable, writeQueueTable, type QueueEntry } from './message-queue-json.js';

/** What a client says of its offsets (GET_CONSUMER_STATUS_FROM_CLIENT). Source: `GetConsumerStatusBody.java`. */
export interface ClientConsumerStatus {
  messageQueueTable: QueueEntry<number>[];
}

export function decodeClientConsumerStatus(body: Buffer | string): ClientConsumerStatus {
  return {
    messageQueueTable: readQueueTable(
      asObject(parseFastjson(body), 'a consumer status'),
      'messageQueueTable',
      (value) => asInteger(value, 'messageQueueTable'),
    ),
  };
}

export function encodeClientConsumerStatus(status: ClientConsumerStatus): Buffer {
  return encodeFastjson({ messageQueueTable: writeQueueTable(status.messageQueueTable, (offset) => offset) });
}

/** What the broker answers of all clients of a group (INVOKE_BROKER_TO_GET_CONSUMER_STATUS). */
export interface GroupConsumerStatus {
  /** client id -> its offsets. */
  consumerTable: ReadonlyMap<string, QueueEntry<number>[]>;
}

export function decodeGroupConsumerStatus(body: Buffer | string): GroupConsumerStatus {
  const entries = entriesOf(asObject(parseFastjson(body), 'a group status'), 'consumerTable');
  return {
    consumerTable: new Map(
      entries.map(([clientId, table]) => [
        String(clientId),
        readQueueTable({ table }, 'table', (value) => asInteger(value, 'consumerTable')),
      ]),
    ),
  };
}

export function encodeGroupConsumerStatus(status: GroupConsumerStatus): Buffer {
  return encodeFastjson({
    consumerTable: new Map(
      [...status.consumerTable].map(([clientId, table]) => [clientId, writeQueueTable(table, (offset) => offset)]),
    ),
  });
}
