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

  /** It is time to run it. */
  get isDue(): boolean {
    return this.state === 'waiting' && this.clock.monotonicMs() - this.startedMs >= this.delayMs;
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
        const isHeldBack = queue.unwrittenEntries > 0 && queue.unwrittenSinceMs <= this.startedMs;
        if (isHeldBack && !this.queues.writeQueue(queue)) throw this.queues.writeFailure ?? new Error('not writable');
        await this.sync.sync(queue);
        this.queues.noteSynced(queue);
      }
    }
    if (!this.wasCancelled) this.state = 'done';
  }

  /** It may have happened during any wait. */
  private get wasCancelled(): boolean {
    return this.state === 'cancelled';
  }
}
