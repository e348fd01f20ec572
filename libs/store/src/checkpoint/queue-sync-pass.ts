import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { Clock } from '../io/clock.js';
import type { QueueSync } from './queue-sync.js';

/** What is dispatched at one moment: where a checkpoint stands. */
export interface DispatchMark {
  readonly physicalOffset: number;
  readonly lastRecordOffset: number;
  readonly entryCount: number;
  readonly storeTimestamp: number;
}

/**
 * Brings the queues as they stood at one moment to stable storage, slowly: the files are written when holding their entries back ends,
 * and synced one after the other when the kernel has written their pages by itself. Nobody waits for it.
 */
export class QueueSyncPass {
  private readonly startedMs: number;
  private readonly pending: ConsumeQueue[];
  private done = false;

  constructor(
    /** Where the checkpoint stands once the pass is done. */
    readonly mark: DispatchMark,
    private readonly delayMs: number,
    private readonly queues: ConsumeQueueStore,
    private readonly sync: QueueSync,
    private readonly clock: Clock,
  ) {
    this.startedMs = clock.monotonicMs();
    this.pending = [...new Set([...queues.unsyncedQueues, ...queues.unwrittenQueues])];
  }

  get isDue(): boolean {
    return this.clock.monotonicMs() - this.startedMs >= this.delayMs;
  }

  get isDone(): boolean {
    return this.done;
  }

  /** Goes on to the end. Rejects when the disk refuses; may be called again then. */
  async run(): Promise<void> {
    for (let queue = this.pending.at(-1); queue !== undefined; queue = this.pending.at(-1)) {
      if (!queue.deleted) {
        const isHeldBack = queue.unwrittenEntries > 0 && queue.unwrittenSinceMs <= this.startedMs;
        if (isHeldBack && !this.queues.writeQueue(queue)) throw this.queues.writeFailure ?? new Error('not writable');
        await this.sync.sync(queue);
        this.queues.noteSynced(queue);
      }
      this.pending.pop();
    }
    this.done = true;
  }
}
