import { parseFastjson } from '../json/fastjson-parse.js';
import { encodeFastjson } from '../json/fastjson-stringify.js';
import { arrayOf, asObject, booleanOf, stringOf } from '../json/json-value.js';
import type { MessageQueue } from '../message/message-queue.js';
import { readMessageQueue } from './message-queue-json.js';

/** The body of LOCK_BATCH_MQ and UNLOCK_BATCH_MQ. Source: `remoting/protocol/body/LockBatchRequestBody.java`. */
export interface LockBatchRequestBody {
  consumerGroup: string;
  clientId: string;
  mqSet: MessageQueue[];
  /** True: another replica asks; don't ask around. */
  onlyThisBroker: boolean;
}

export type UnlockBatchRequestBody = LockBatchRequestBody;

export interface LockBatchResponseBody {
  /** The queues the client holds now. */
  lockOKMQSet: readonly MessageQueue[];
}

export function decodeLockBatchRequestBody(body: Buffer | string): LockBatchRequestBody {
  const object = asObject(parseFastjson(body), 'a lock request');
  return {
    consumerGroup: stringOf(object, 'consumerGroup', ''),
    clientId: stringOf(object, 'clientId', ''),
    mqSet: arrayOf(object, 'mqSet').map(readMessageQueue),
    onlyThisBroker: booleanOf(object, 'onlyThisBroker', false),
  };
}

export function encodeLockBatchRequestBody(body: LockBatchRequestBody): Buffer {
  return encodeFastjson(body);
}

export const decodeUnlockBatchRequestBody = decodeLockBatchRequestBody;
export const encodeUnlockBatchRequestBody = encodeLockBatchRequestBody;

export function decodeLockBatchResponseBody(body: Buffer | string): LockBatchResponseBody {
  return {
    lockOKMQSet: arrayOf(asObject(parseFastjson(body), 'a lock response'), 'lockOKMQSet').map(readMessageQueue),
  };
}

export function encodeLockBatchResponseBody(body: LockBatchResponseBody): Buffer {
  return encodeFastjson(body);
}
