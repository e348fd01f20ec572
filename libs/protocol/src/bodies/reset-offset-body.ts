import { encodeFastjson } from '../json/fastjson-stringify.js';
import { parseFastjson } from '../json/fastjson-parse.js';
import { arrayOf, asInteger, asObject } from '../json/json-value.js';
import { readMessageQueue, readQueueTable, writeMessageQueue, writeQueueTable } from './message-queue-json.js';
import type { QueueEntry } from './message-queue-json.js';

/**
 * Offsets by queue: the body of RESET_CONSUMER_CLIENT_OFFSET and the answer to INVOKE_BROKER_TO_RESET_OFFSET.
 * Source: `remoting/protocol/body/ResetOffsetBody.java`, `ResetOffsetBodyForC.java`.
 */
export interface ResetOffsetBody {
  offsetTable: QueueEntry<number>[];
}

/** Reads either form. */
export function decodeResetOffsetBody(body: Buffer | string): ResetOffsetBody {
  const object = asObject(parseFastjson(body), 'offsets to reset');
  if (!Array.isArray(object['offsetTable'])) {
    return { offsetTable: readQueueTable(object, 'offsetTable', (value) => asInteger(value, 'offsetTable')) };
  }
  return {
    offsetTable: arrayOf(object, 'offsetTable').map((value) => ({
      queue: readMessageQueue(value),
      value: asInteger(asObject(value, 'offsetTable')['offset'], 'offset'),
    })),
  };
}

export function encodeResetOffsetBody(body: ResetOffsetBody): Buffer {
  return encodeFastjson({ offsetTable: writeQueueTable(body.offsetTable, (offset) => offset) });
}

/** The form for C++ clients, which know no objects as keys: `{"offsetTable":[{"brokerName":"b","offset":1,"queueId":0,"topic":"t"}]}`. */
export function encodeResetOffsetBodyForC({ offsetTable }: ResetOffsetBody): Buffer {
  return encodeFastjson({
    offsetTable: offsetTable.map(({ queue, value }) => ({ ...writeMessageQueue(queue), offset: value })),
  });
}
