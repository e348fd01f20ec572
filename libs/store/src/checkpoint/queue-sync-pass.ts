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
  /** Entries of queues that were removed since the pass began: the mark counts them. */
  removedEntries = 0;
  private readonly startedMs: number;
  private readonly pending: ConsumeQueue[];
  /** Monotonic time at which all that was there at the start was found in the files. */
  private writtenMs: number | undefined = undefined;
  private state: 'waiting' | 'running' | 'done' | 'cancelled' = 'waiting';

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

  /** Whether it is time to run it: everything was written, and then the delay went by. */
  isDue(): boolean {
    if (this.state !== 'waiting') return false;
    const nowMs = this.clock.monotonicMs();
    if (this.writtenMs === undefined && this.pending.every((queue) => !this.isHeldBack(queue))) this.writtenMs = nowMs;
    return this.writtenMs !== undefined && nowMs - this.writtenMs >= this.delayMs;
  }

  get isDone(): boolean {
    return this.state === 'done';
  }

  /** Does nothing more; the file that is being synced is the last one. */
  cancel(): void {
    this.state = 'cancelled';
  }

  /** Goes through all queues. Rejects when the disk refuses; what was not synced is left to the next pass. */
  async run(): Promise<void> {
    this.state = 'running';
    for (let queue = this.pending.pop(); queue !== undefined; queue = this.pending.pop()) {
      if (this.wasCancelled) return;
      if (!queue.deleted) {
        if (this.isHeldBack(queue) && !this.queues.writeQueue(queue))
          throw this.queues.writeFailure ?? new Error('not writable');
        await this.sync.sync(queue);
        this.queues.noteSynced(queue);
      }
    }
    if (!this.wasCancelled) this.state = 'done';
  }

  /** It has entries from before the pass that are in no file. */
  private isHeldBack(queue: ConsumeQueue): boolean {
    return queue.unwrittenEntries > 0 && queue.unwrittenSinceMs <= this.startedMs && !queue.deleted;
  }

  /** It may have happened during any wait. */
  private get wasCancelled(): boolean {
    return this.state === 'cancelled';
  }
}
