import type { MessageStore } from '@rocknest/store';
import { HalfQueue } from './half-queue.js';
import { OpBatch, type OpBatchOptions } from './op-batch.js';

/** The half queues of this broker: one, unless an administrator made more. */
export class HalfQueues {
  private readonly queues = new Map<number, HalfQueue>();
  private stopped = false;

  constructor(
    private readonly store: Pick<MessageStore, 'putMessage'>,
    private readonly options: OpBatchOptions,
  ) {}

  of(queueId: number): HalfQueue {
    let queue = this.queues.get(queueId);
    if (queue === undefined) {
      queue = new HalfQueue(new OpBatch(this.store, queueId, this.options));
      this.queues.set(queueId, queue);
      if (this.stopped) void queue.ops.stop();
    }
    return queue;
  }

  /** Writes all marks; those that still come are written at once. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.queues.values()].map((queue) => queue.ops.stop()));
  }
}
