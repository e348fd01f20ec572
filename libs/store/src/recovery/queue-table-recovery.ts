import { checkTopic } from '../commit-log/put-check.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { FoundQueueTable, QueueTableFile } from '../checkpoint/queue-table-file.js';
import type { StoreCheckpoint } from '../checkpoint/store-checkpoint.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import { StoreError } from '../errors.js';
import type { StartPoint, StartPointFinder } from './start-point.js';

/** Takes the consume queues over from the queue table, without looking into their files, where all agree that it may be believed. */
export class QueueTableRecovery {
  constructor(
    private readonly table: QueueTableFile,
    private readonly checkpoint: StoreCheckpoint,
    private readonly segments: SegmentList,
    private readonly queues: ConsumeQueueStore,
    private readonly notes: string[],
  ) {}

  /**
   * @param start where recovery would start without a table.
   * @returns where to start now that the queues are there; undefined when they are to be loaded from their files.
   */
  async run(start: StartPoint, finder: StartPointFinder): Promise<StartPoint | undefined> {
    const found = this.table.load(this.segments.minOffset);
    if (found === undefined || !this.isNews(found, start)) return undefined;
    const tableStart = await finder.at(found.point);
    if (tableStart === undefined) return undefined;
    const reason = this.adopt(found);
    if (reason !== undefined) {
      this.notes.push(`the queue table was not used, all consume queue files are looked into: ${reason}`);
      this.queues.forgetAll();
      return undefined;
    }
    this.table.savedOffset = found.point.physicalOffset;
    return tableStart;
  }

  /** Newer than a checkpoint that itself fits the log, or as old and not contradicted by it. */
  private isNews({ point }: FoundQueueTable, start: StartPoint): boolean {
    const known = this.checkpoint.point;
    if (known === undefined || start.entryCount === undefined) return false;
    if (point.physicalOffset === known.physicalOffset) return point.entryCount === known.entryCount;
    return point.physicalOffset > known.physicalOffset;
  }

  /** @returns why it could not be done, or undefined. */
  private adopt({ point, entries }: FoundQueueTable): string | undefined {
    try {
      for (const { topic, queueId, state } of entries) {
        if (checkTopic(topic, queueId) !== undefined) return `${topic}-${queueId} is no queue`;
        const queue = this.queues.findOrCreate(topic, queueId);
        if (!queue.adopt(state)) return `a file of ${topic}-${queueId} is missing`;
        this.queues.adopted(queue);
      }
    } catch (error) {
      if (error instanceof StoreError) return error.message;
      throw error;
    }
    const { entryCount } = this.queues;
    return entryCount < point.entryCount ? `it has ${entryCount} entries instead of ${point.entryCount}` : undefined;
  }
}
