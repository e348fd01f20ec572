import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { Clock } from '../io/clock.js';
import type { HandlePool } from '../io/handle-pool.js';

/** Fdatasyncs under way at the same time where somebody waits for all of them: half of libuv's threads, the log needs some too. */
const SYNCS_AT_ONCE = 2;

/** Brings consume queue files to stable storage. A failed fdatasync is final, as that of the log is: no checkpoint is taken any more. */
export class QueueSync {
  private failure: Error | undefined;

  constructor(
    private readonly queues: ConsumeQueueStore,
    private readonly handles: HandlePool,
    private readonly clock: Clock,
    private readonly onFailed: (error: Error) => void,
  ) {}

  /** Syncs all that was written. Rejects with what the file system says; what was not synced is tried the next time. */
  async syncAll(): Promise<void> {
    await this.syncUntil(Infinity);
  }

  /** The same until a monotonic time. @returns false when it was over before the last file was synced. */
  async syncUntil(deadlineMs: number): Promise<boolean> {
    const queues = this.queues.takeUnsynced();
    let next = 0;
    let failure: Error | undefined;
    const work = async (): Promise<void> => {
      while (next < queues.length && failure === undefined && this.clock.monotonicMs() < deadlineMs) {
        const queue = queues[next++];
        try {
          await this.sync(queue);
        } catch (error) {
          this.queues.putBackUnsynced(queue);
          failure = error as Error;
        }
      }
    };
    await Promise.all(Array.from({ length: SYNCS_AT_ONCE }, work));
    const isDone = next === queues.length;
    for (const queue of queues.slice(next)) this.queues.putBackUnsynced(queue);
    if (failure !== undefined) throw failure;
    return isDone;
  }

  private fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.onFailed(error);
  }

  /** Syncs the files of one queue up to what is written now. */
  async sync(queue: ConsumeQueue): Promise<void> {
    // A second fdatasync would report success for pages that the first one dropped.
    if (this.failure !== undefined) throw this.failure;
    const { paths, toOffset } = queue.unsynced();
    if (!queue.deleted) await this.queues.syncFoldersOf(queue);
    for (const path of paths) {
      // A topic that was deleted meanwhile has no files any more.
      if (queue.deleted) return;
      const lease = this.handles.retain(path);
      await new Promise<void>((resolve, reject) => {
        lease.file.syncData((error) => {
          lease.release();
          if (error === undefined) return resolve();
          this.fail(error);
          reject(error);
        });
      });
    }
    queue.markSynced(toOffset);
  }
}
