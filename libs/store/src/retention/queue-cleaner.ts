import type { CheckpointService } from '../checkpoint/checkpoint-service.js';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { EntryWindow } from '../consume-queue/queue-entry.js';
import type { Clock } from '../io/clock.js';
import type { FileRemover } from './file-remover.js';

export interface QueueCleanerOptions {
  /** Pause behind each removed file. */
  readonly pauseMs: number;
  readonly sliceMs: number;
}

interface TakenFile {
  readonly queue: ConsumeQueue;
  readonly path: string;
}

/** Fillers are passed over in pieces of this size. */
const FILLER_PIECE_ENTRIES = 800;

/**
 * Brings the consume queues up to a log that starts later: raises their minimum offsets, then removes files that lead to nothing (RocketMQ's
 * CleanConsumeQueueService). The last file of a queue stays, whatever it holds, so that an emptied queue goes on at its offset.
 */
export class QueueCleaner {
  /** Out of their rows, but not removed yet; of one queue the older ones first. */
  private taken: TakenFile[] = [];
  private stopped = false;

  constructor(
    private readonly options: QueueCleanerOptions,
    private readonly queues: ConsumeQueueStore,
    private readonly checkpoints: CheckpointService,
    private readonly remover: FileRemover,
    private readonly clock: Clock,
  ) {}

  /** Files wait to be removed. */
  get hasTaken(): boolean {
    return this.taken.length > 0;
  }

  stop(): void {
    this.stopped = true;
  }

  /** Raises the minimum offset of each queue to its first message at or behind the physical offset. */
  async raiseMinOffsets(minPhysicalOffset: number): Promise<void> {
    let untilMs = this.clock.monotonicMs() + this.options.sliceMs;
    for (const queue of [...this.queues.all()]) {
      if (this.stopped) return;
      if (queue.deleted || queue.isEmpty) continue;
      // Nothing but this raises a minimum, and new entries only come behind the maximum of now.
      if (queue.maxPhysicalOffset <= minPhysicalOffset) queue.raiseMinOffset(queue.maxOffset);
      else await this.raise(queue, minPhysicalOffset);
      if (this.clock.monotonicMs() < untilMs) continue;
      await new Promise<void>((resolve) => {
        this.clock.defer(resolve);
      });
      untilMs = this.clock.monotonicMs() + this.options.sliceMs;
    }
  }

  /** Removes the files that lead to no message any more. @returns how many. Rejects with what the disk says; the rest is tried again the next time. */
  async removeFiles(): Promise<number> {
    // A checkpoint under way holds paths of the rows as they were.
    while (this.checkpoints.isRunning) await this.checkpoints.idle();
    for (const queue of this.queues.all()) {
      for (let path = queue.takeOldestFile(); path !== undefined; path = queue.takeOldestFile()) {
        this.queues.entryCount -= this.queues.fileEntries;
        this.taken.push({ queue, path });
      }
    }
    if (this.taken.length === 0) return 0;
    // First the checkpoint: a restart that counts entries must not miss these files.
    await this.checkpoints.take();
    return this.removeTaken();
  }

  private async removeTaken(): Promise<number> {
    let removed = 0;
    while (this.taken.length > 0 && !this.stopped) {
      const { queue, path } = this.taken[0];
      // The folder of a deleted topic went as a whole, and a new topic may use the same name.
      if (!queue.deleted) {
        if (!(await this.remover.remove(path))) break;
        removed++;
        if (this.taken[1]?.queue === queue) await this.remover.syncFolder(queue.files.folder);
      }
      this.taken.shift();
      if (this.taken.length > 0 && !this.stopped) await this.clock.sleep(this.options.pauseMs);
    }
    return removed;
  }

  private async raise(queue: ConsumeQueue, minPhysicalOffset: number): Promise<void> {
    let low = queue.minOffset;
    let high = queue.maxOffset;
    // Most often nothing of a queue is gone: look at its first message before searching.
    let middle = low;
    while (low < high) {
      const found = await this.recordFrom(queue, middle, high);
      if (queue.deleted || this.stopped) return;
      if (found === undefined || found.physicalOffset >= minPhysicalOffset) high = middle;
      else low = found.queueOffset + 1;
      middle = Math.floor((low + high) / 2);
    }
    queue.raiseMinOffset(low);
  }

  /** The first entry in `[fromOffset, endOffset)` that points at a record. */
  private async recordFrom(
    queue: ConsumeQueue,
    fromOffset: number,
    endOffset: number,
  ): Promise<{ queueOffset: number; physicalOffset: number } | undefined> {
    let count = 1;
    for (let from = fromOffset; from < endOffset; count = FILLER_PIECE_ENTRIES) {
      const wanted = Math.min(count, endOffset - from);
      const window = queue.residentWindow(from, wanted) ?? (await this.readWindow(queue, from, wanted));
      // No file of its entries: they lead nowhere.
      if (window === undefined || window.toOffset <= from) return undefined;
      for (let queueOffset = from; queueOffset < window.toOffset; queueOffset++) {
        if (window.holdsRecord(queueOffset)) return { queueOffset, physicalOffset: window.physicalOffset(queueOffset) };
      }
      from = window.toOffset;
    }
    return undefined;
  }

  private async readWindow(queue: ConsumeQueue, from: number, count: number): Promise<EntryWindow | undefined> {
    try {
      return await queue.readWindow(from, count);
    } catch (error) {
      if (queue.deleted) return undefined;
      throw error;
    }
  }
}
