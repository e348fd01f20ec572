import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { QueueTableEntry } from '../consume-queue/queue-table.js';
import { decodeQueueTable, decodeQueueTableHead, QueueTableEncoder } from '../consume-queue/queue-table.js';
import type { Clock } from '../io/clock.js';
import type { FileSystem, StoreFile } from '../io/file-system.js';
import { readSmallFile, writeFully } from '../io/transfer.js';
import type { RecoveryPoint } from './store-checkpoint.js';

export interface QueueTableFileOptions {
  readonly path: string;
  readonly fileEntries: number;
  /** Empty: the platform does not tell when the kernel was started, so no table is kept. */
  readonly bootId: string;
  readonly sliceMs: number;
}

/** A table is some 70 bytes for each queue, and what is held back: far below. */
const MAX_TABLE_BYTES = 1024 * 1024 * 1024;

/** What a queue table says that was found, and fits this run of the kernel. */
export interface FoundQueueTable {
  readonly point: RecoveryPoint;
  readonly entries: Iterable<QueueTableEntry>;
}

/**
 * `queuetable` beside the checkpoint: where each queue ends, and the entries that are in no file yet. With it a store of 40,000 queues
 * need neither write them all at a checkpoint nor look into them all at its start.
 *
 * It is only a short cut. It speaks of what the kernel holds, so another run of the kernel ignores it, and so does whoever finds it older
 * than the checkpoint or at odds with log or files: then the queues are loaded from their files, from the checkpoint on.
 */
export class QueueTableFile {
  /** Physical offset of the table that was saved last; -1: there is none. */
  savedOffset = -1;
  private savedMinOffset = -1;

  constructor(
    private readonly options: QueueTableFileOptions,
    private readonly fileSystem: FileSystem,
    private readonly clock: Clock,
  ) {}

  get path(): string {
    return this.options.path;
  }

  get isSupported(): boolean {
    return this.options.bootId !== '';
  }

  /** The table that was saved last is of this point, and of a log that begins there. */
  isCurrent(physicalOffset: number, minPhysicalOffset: number): boolean {
    return this.savedOffset === physicalOffset && this.savedMinOffset === minPhysicalOffset;
  }

  /**
   * Writes the table for a point of the log: everything before it must be dispatched. Queues that are encoded later may be further ahead,
   * which a redispatch from the point on notices. Rejects with what the file system says; the old table stays then.
   */
  async save(point: RecoveryPoint, minPhysicalOffset: number, queues: ConsumeQueueStore): Promise<void> {
    const { path, fileEntries, bootId } = this.options;
    const encoder = new QueueTableEncoder({ point, minPhysicalOffset, fileEntries, bootId });
    await this.encode(encoder, queues);
    const aside = `${path}.tmp`;
    this.fileSystem.remove(aside);
    const file = this.fileSystem.open(aside, { create: true });
    try {
      let position = 0;
      for (const chunk of encoder.finish()) {
        await write(file, chunk, position);
        position += chunk.length;
      }
    } finally {
      file.close();
    }
    this.fileSystem.rename(aside, path);
    this.savedOffset = point.physicalOffset;
    this.savedMinOffset = minPhysicalOffset;
  }

  /** What it says no longer holds. */
  remove(): void {
    this.fileSystem.remove(this.options.path);
    this.savedOffset = -1;
  }

  /** The table, when it was written in this run of the kernel for a store like this one. */
  load(minPhysicalOffset: number): FoundQueueTable | undefined {
    const { path, fileEntries, bootId } = this.options;
    if (bootId === '') return undefined;
    const bytes = readSmallFile(this.fileSystem, path, MAX_TABLE_BYTES);
    const head = bytes === undefined ? undefined : decodeQueueTableHead(bytes);
    if (bytes === undefined || head === undefined) return undefined;
    const fits =
      head.bootId === bootId && head.fileEntries === fileEntries && head.minPhysicalOffset === minPhysicalOffset;
    return fits ? { point: head.point, entries: decodeQueueTable(bytes) } : undefined;
  }

  private async encode(encoder: QueueTableEncoder, queues: ConsumeQueueStore): Promise<void> {
    let untilMs = this.clock.monotonicMs() + this.options.sliceMs;
    for (const [, { topicBytes, queues: ofTopic }] of queues.byTopic()) {
      for (const queue of ofTopic.values()) {
        if (queue.needsFillers && !queues.writeQueue(queue)) throw queues.writeFailure ?? new Error('not writable');
      }
      encoder.topic(topicBytes, ofTopic.size);
      for (const queue of ofTopic.values()) encoder.queue(queue.queueId, queue.state());
      if (this.clock.monotonicMs() < untilMs) continue;
      await new Promise<void>((resolve) => {
        this.clock.defer(resolve);
      });
      untilMs = this.clock.monotonicMs() + this.options.sliceMs;
    }
  }
}

function write(file: StoreFile, chunk: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    writeFully(file, chunk, 0, chunk.length, position, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
