import type { MessageQueue } from '@rocknest/protocol';
import type { ConsumeQueueRef } from './queue-ref.js';

/** No offset was ever stored for the queue: `ConsumeFromWhere` decides. */
export const OFFSET_NOT_FOUND = -1;
/** Whether an offset is stored could not be found out: the queue is not consumed until it could. Never mixed up with "not found". */
export const OFFSET_UNKNOWN = -2;

/**
 * Where the progress of a group is kept: at the broker for clustering, in a file for broadcasting
 * (RocketMQ: `client/consumer/store/OffsetStore.java`).
 */
export interface OffsetStore {
  load(): Promise<void>;
  /** Sets the offset in memory. With `increaseOnly` a lower one is ignored. */
  update(queue: ConsumeQueueRef, offset: number, increaseOnly: boolean): void;
  /** The offset in memory, or undefined. */
  inMemory(queue: ConsumeQueueRef): number | undefined;
  /** The offset in memory when the store does not have it yet, else undefined: what is worth to travel with a pull. */
  notPersisted(queue: ConsumeQueueRef): number | undefined;
  /** The stored offset, OFFSET_NOT_FOUND or OFFSET_UNKNOWN; takes it into memory when there is one. */
  read(queue: ConsumeQueueRef): Promise<number>;
  /** Writes the offset of one queue from memory. Resolves with false when it could not be written. */
  persist(queue: ConsumeQueueRef): Promise<boolean>;
  /** Writes the offsets of all queues. Resolves when each was tried. */
  persistAll(): Promise<void>;
  /** Forgets a queue that isn't consumed any more. */
  remove(queue: ConsumeQueueRef): void;
  /** The offsets in memory, of one topic when given. */
  table(topic?: string): [queue: MessageQueue, offset: number][];
}
