import { DLQ_GROUP_TOPIC_PREFIX, RETRY_GROUP_TOPIC_PREFIX } from '@rocknest/protocol';
import { MAX_GROUP_TOPIC_BYTES, MAX_PROPERTIES_BYTES, MAX_TOPIC_BYTES } from '../defaults.js';
import { hasQueueEntry } from '../dispatch/tags-code.js';
import type { PutBatch, PutMessage, PutStatus } from '../types.js';

export interface Refusal {
  readonly status: PutStatus;
  readonly reason: string;
}

// A topic is a folder name: nothing that leads out of the store, and no hidden folder (those are the store's own).
const UNSAFE_TOPIC = /[/\\\0]|^\./;
const MAX_QUEUE_ID = 0x7fff_ffff;

/** Whether a topic can be stored at all (RocketMQ's DefaultMessageStore.checkMessage). Asked once for each new queue. */
export function checkTopic(topic: string, queueId: number): Refusal | undefined {
  const bytes = Buffer.byteLength(topic);
  const isGroupTopic = topic.startsWith(RETRY_GROUP_TOPIC_PREFIX) || topic.startsWith(DLQ_GROUP_TOPIC_PREFIX);
  const limit = isGroupTopic ? MAX_GROUP_TOPIC_BYTES : MAX_TOPIC_BYTES;
  if (bytes === 0 || bytes > limit) {
    return illegal(`the topic has ${bytes} bytes; 1 to ${limit} are allowed`);
  }
  if (UNSAFE_TOPIC.test(topic)) return illegal('the topic has a character that no folder name may have');
  if (!Number.isInteger(queueId) || queueId < 0 || queueId > MAX_QUEUE_ID) return illegal(`the queue id is ${queueId}`);
  return undefined;
}

/** What is checked of each message before memory is taken for it. */
export function checkMessage(message: PutMessage, maxMessageSizeBytes: number): Refusal | undefined {
  if (message.body.length === 0) return illegal('the body is empty');
  if (message.body.length > maxMessageSizeBytes) {
    return illegal(`the body has ${message.body.length} bytes; maxMessageSize is ${maxMessageSizeBytes}`);
  }
  return checkProperties(message.properties);
}

/** The same for a batch: the limit of the body holds for all its messages together. */
export function checkBatch(batch: PutBatch, maxMessageSizeBytes: number): Refusal | undefined {
  if (batch.items.length === 0) return illegal('the batch is empty');
  if (!hasQueueEntry(batch.sysFlag)) return illegal('a batch cannot be part of a transaction');
  let total = 0;
  for (const { body, properties } of batch.items) {
    total += body.length + properties.length;
    const refusal = checkProperties(properties);
    if (refusal !== undefined) return refusal;
  }
  if (total > maxMessageSizeBytes) {
    return illegal(`the batch has ${total} bytes; maxMessageSize is ${maxMessageSizeBytes}`);
  }
  return undefined;
}

function checkProperties(properties: PutMessage['properties']): Refusal | undefined {
  const isParts = typeof properties !== 'string' && 'suffix' in properties;
  if (endsInZero(isParts ? properties.suffix : properties)) {
    return illegal('the properties end in a zero byte, by which a torn record is known');
  }
  const length = isParts ? properties.end - properties.start + properties.suffix.byteLength : properties.length;
  if (length <= MAX_PROPERTIES_BYTES) return undefined;
  return {
    status: 'PROPERTIES_SIZE_EXCEEDED',
    reason: `the properties take more than ${MAX_PROPERTIES_BYTES} bytes`,
  };
}

function endsInZero(properties: string | Buffer | DataView): boolean {
  if (typeof properties === 'string')
    return properties.length > 0 && properties.charCodeAt(properties.length - 1) === 0;
  const { byteLength } = properties;
  if (byteLength === 0) return false;
  return (properties instanceof DataView ? properties.getUint8(byteLength - 1) : properties[byteLength - 1]) === 0;
}

function illegal(reason: string): Refusal {
  return { status: 'MESSAGE_ILLEGAL', reason };
}
