import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { Clock } from '../io/clock.js';
import { atPath } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';

/** Fdatasyncs under way at the same time where somebody waits for all of them: half of libuv's threads, the log needs some too. */
const SYNCS_AT_ONCE = 2;

/** With so many failures the disk is not asked further: each may take it a while. */
const MAX_FAILURES = 64;

/** Brings consume queue files to stable storage. */
export class QueueSync {
  constructor(
    private readonly queues: ConsumeQueueStore,
    private readonly handles: HandlePool,
    private readonly clock: Clock,
    /** After a failed fdatasync: a second one would report success for pages that the first one dropped. */
    private readonly onFailed: (queue: ConsumeQueue, path: string, error: Error) => void,
  ) {}

  /**
   * Syncs all that was written, until a monotonic time. Rejects with what the file system says; what was not synced is tried the next time.
   *
   * @returns false when the time was over before the last file was synced.
   */
  async syncUntil(deadlineMs: number): Promise<boolean> {
    const queues = this.queues.takeUnsynced();
    const failures: Error[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < queues.length && failures.length < MAX_FAILURES && this.clock.monotonicMs() < deadlineMs) {
        const queue = queues[next++];
        try {
          await this.sync(queue);
        } catch (error) {
          this.queues.putBackUnsynced(queue);
          failures.push(error as Error);
        }
      }
    };
    await Promise.all(Array.from({ length: SYNCS_AT_ONCE }, work));
    const isDone = next === queues.length;
    for (const queue of queues.slice(next)) this.queues.putBackUnsynced(queue);
    if (failures.length > 0) throw failures[0];
    return isDone;
  }

  /** Syncs the files of one queue up to what is written now. */
  async sync(queue: ConsumeQueue): Promise<void> {
    if (queue.isDoubted) throw new Error(`${queue.files.folder} is to be made again from the log first`);
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
          this.onFailed(queue, path, error);
          reject(atPath(path, error));
        });
      });
    }
    // A write of other entries may have failed meanwhile, and taken these with it.
    if (!queue.isDoubted) queue.markSynced(toOffset);
  }
}
