import { ProtocolError } from '../errors.js';
import { asInteger, asObject, entriesOf, requiredStringOf, type JsonObject } from '../json/json-value.js';
import { FastjsonMap } from '../json/fastjson-map.js';
import type { MessageQueue } from '../message/message-queue.js';

/** `{"brokerName":"b","queueId":0,"topic":"t"}`. Source: `common/message/MessageQueue.java`. */
export function readMessageQueue(value: unknown): MessageQueue {
  const object = asObject(value, 'a message queue');
  return {
    topic: requiredStringOf(object, 'topic', 'a message queue'),
    brokerName: requiredStringOf(object, 'brokerName', 'a message queue'),
    queueId: asInteger(object['queueId'], 'queueId'),
  };
}

export function writeMessageQueue({ topic, brokerName, queueId }: MessageQueue): JsonObject {
  return { brokerName, queueId, topic };
}

export interface QueueEntry<V> {
  queue: MessageQueue;
  value: V;
}

/** A `Map<MessageQueue, V>`, which travels with objects as keys. */
export function readQueueTable<V>(object: JsonObject, key: string, read: (value: unknown) => V): QueueEntry<V>[] {
  return entriesOf(object, key).map(([queue, value]) => {
    if (typeof queue !== 'object') {
      throw new ProtocolError('PROTOCOL_BODY', `${key} must have message queues as keys, not ${JSON.stringify(queue)}`);
    }
    return { queue: readMessageQueue(queue), value: read(value) };
  });
}

export function writeQueueTable<V>(entries: readonly QueueEntry<V>[], write: (value: V) => unknown): FastjsonMap {
  return new FastjsonMap(entries.map(({ queue, value }) => [writeMessageQueue(queue), write(value)] as const));
}
