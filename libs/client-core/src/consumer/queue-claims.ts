import type { ConsumeQueueRef } from './queue-ref.js';
import type { ProcessQueue } from './process-queue.js';

/**
 * Whether this member may consume a queue that the allocation gave it. Orderly consumers claim each queue with a lock at the broker; where
 * nothing is claimed (concurrent consumers, broadcasting) there is no `QueueClaims`.
 */
export interface QueueClaims {
  /** @returns keys of those that may be consumed from now on. Never rejects: what could not be asked is not among them. */
  claim(queues: readonly ConsumeQueueRef[]): Promise<ReadonlySet<string>>;
  /** A claimed queue that can't be consumed after all. */
  disclaim(queue: ConsumeQueueRef): Promise<void>;
  /** The queue of a claim is consumed by this process queue now. */
  opened(processQueue: ProcessQueue): void;
  /**
   * Gives the claim of a dropped queue back once its handlers have ended; `beforeRelease` runs right before, while nobody else has the queue.
   *
   * @returns false when a handler still runs: the queue stays in the table, and this is called again later.
   */
  release(processQueue: ProcessQueue, beforeRelease: () => Promise<void>): Promise<boolean>;
}
