import { dirname, join } from 'node:path';
import type { Clock } from '../io/clock.js';
import { syncFolder } from '../io/durable.js';
import { errnoOf, mayLosePages } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import type { StoreLogger } from '../types.js';
import { ConsumeQueue } from './consume-queue.js';
import { ENTRY_BYTES } from './queue-entry.js';
import { QueueMemory } from './queue-memory.js';
import type { QueueFilesContext } from './queue-files.js';
import { QueueFiles } from './queue-files.js';

export interface ConsumeQueueStoreOptions extends Omit<QueueFilesContext, 'unsyncedFolders'> {
  readonly folder: string;
  readonly handles: HandlePool;
  readonly tailEntries: number;
  readonly writeBatchEntries: number;
  readonly flushSliceMs: number;
  readonly maxTailBytes: number;
  /** A write failed in a way that may have taken pages with it which were written before. */
  readonly onLostPages?: (queue: ConsumeQueue, error: Error) => void;
}

/** Folders of deleted topics until they are removed; no topic begins with a dot. */
export const ASIDE_PREFIX = '.deleted.';

interface TopicQueues {
  readonly topicBytes: Buffer;
  readonly queues: Map<number, ConsumeQueue>;
}

type ReadonlyTopicQueues = Readonly<TopicQueues> & { readonly queues: ReadonlyMap<number, ConsumeQueue> };

/** All consume queues, and what is to be written and synced of them (RocketMQ's ConsumeQueueStore.java). */
export class ConsumeQueueStore {
  private readonly topics = new Map<string, TopicQueues>();
  /** Queues with entries that are only in memory. */
  private readonly unwritten = new Set<ConsumeQueue>();
  /** Queues whose files have bytes that no fdatasync covered. */
  private readonly unsynced = new Set<ConsumeQueue>();
  /** Queues that hold a tail in memory. */
  private readonly resident = new Set<ConsumeQueue>();
  /** Entries of all queues together: a checkpoint keeps it, so that a lost queue file is noticed at the next start. */
  entryCount = 0;
  queueCount = 0;
  private readonly unsyncedFolders = new Set<string>();
  private removals = 0;
  private readonly memory: QueueMemory;
  private readonly filesContext: QueueFilesContext;
  /** Monotonic time of the newest entry of any queue. */
  lastAppendMs = 0;
  /** Why the last write of entries failed, or undefined. */
  writeFailure: Error | undefined = undefined;

  constructor(
    private readonly options: ConsumeQueueStoreOptions,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
  ) {
    this.memory = new QueueMemory(options.maxTailBytes);
    const { fileSystem, handles, fileEntries } = options;
    this.filesContext = { fileSystem, handles, fileEntries, unsyncedFolders: this.unsyncedFolders };
  }

  /** Entries of one file. */
  get fileEntries(): number {
    return this.options.fileEntries;
  }

  get hasUnwritten(): boolean {
    return this.unwritten.size > 0;
  }

  get hasResident(): boolean {
    return this.resident.size > 0;
  }

  /** Queues with entries that are in no file yet, the one that has waited longest first. */
  get unwrittenQueues(): ReadonlySet<ConsumeQueue> {
    return this.unwritten;
  }

  get unsyncedQueues(): ReadonlySet<ConsumeQueue> {
    return this.unsynced;
  }

  get unwrittenEntries(): number {
    return this.memory.unwrittenEntries;
  }

  /** Memory of the entries that are held for readers and writers. */
  get tailBytes(): number {
    return this.memory.tailBytes;
  }

  topicNames(): string[] {
    return [...this.topics.keys()];
  }

  find(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.topics.get(topic)?.queues.get(queueId);
  }

  findOrCreate(topic: string, queueId: number): ConsumeQueue {
    let entry = this.topics.get(topic);
    if (entry === undefined) {
      entry = { topicBytes: Buffer.from(topic), queues: new Map() };
      this.topics.set(topic, entry);
    }
    let queue = entry.queues.get(queueId);
    if (queue === undefined) {
      const folder = join(this.options.folder, topic, String(queueId));
      const files = new QueueFiles(folder, this.filesContext);
      queue = new ConsumeQueue(topic, entry.topicBytes, queueId, files, this.options.tailEntries, this.memory);
      entry.queues.set(queueId, queue);
      this.queueCount++;
    }
    return queue;
  }

  byTopic(): ReadonlyMap<string, ReadonlyTopicQueues> {
    return this.topics;
  }

  /** The queues of one topic. */
  of(topic: string): ConsumeQueue[] {
    return [...(this.topics.get(topic)?.queues.values() ?? [])];
  }

  *all(): Generator<ConsumeQueue> {
    for (const { queues } of this.topics.values()) yield* queues.values();
  }

  /** Adds the next entry of a queue, as a put that was just written does: its offset is the queue's maximum. */
  append(queue: ConsumeQueue, physicalOffset: number, sizeBytes: number, tagsCode: number, nowMs: number): void {
    queue.push(physicalOffset, sizeBytes, tagsCode);
    this.entryCount++;
    this.added(queue, nowMs);
  }

  /**
   * Adds the entry of a record that recovery found, whatever the queue knows of it already. A record that is dispatched for the second
   * time is ignored; a record with a smaller offset than expected belongs to a queue that was deleted and began anew.
   */
  redispatch(
    queue: ConsumeQueue,
    queueOffset: number,
    physicalOffset: number,
    sizeBytes: number,
    tagsCode: number,
  ): boolean {
    if (physicalOffset + sizeBytes <= queue.maxPhysicalOffset) return false;
    const before = queue.entryCount;
    const missing = queueOffset - queue.maxOffset;
    const canFill = missing > 0 && missing <= this.options.fileEntries && !queue.isEmpty;
    if (canFill) {
      for (let i = 0; i < missing; i++) queue.pushGap();
      this.logger.warn(
        `queue ${queue.topic}-${queue.queueId} lacks the ${missing} messages before ${queueOffset}: they are not in the log`,
      );
    } else if (missing !== 0) {
      queue.files.removeAll();
      queue.assignedOffset = 0;
      queue.startAt(queueOffset);
    }
    queue.push(physicalOffset, sizeBytes, tagsCode);
    queue.assignedOffset = queue.maxOffset;
    this.entryCount += queue.entryCount - before;
    const nowMs = this.clock.monotonicMs();
    this.noteUnwritten(queue, nowMs);
    this.added(queue, nowMs);
    return true;
  }

  /**
   * Writes the entries that are only in memory now, in slices of time, so that many queues don't stop the event loop. Rejects with
   * what the file system says; what could not be written stays in memory, and is tried again the next time.
   */
  async writeAll(): Promise<void> {
    let failure: Error | undefined;
    let untilMs = this.clock.monotonicMs() + this.options.flushSliceMs;
    for (const queue of [...this.unwritten]) {
      if (!queue.deleted && !this.writeQueue(queue)) failure = this.writeFailure;
      if (this.clock.monotonicMs() < untilMs) continue;
      await new Promise<void>((resolve) => {
        this.clock.defer(resolve);
      });
      untilMs = this.clock.monotonicMs() + this.options.flushSliceMs;
    }
    this.writeFailure = failure;
    if (failure !== undefined) throw failure;
  }

  /** Queues that need an fdatasync; the set is taken over by the caller, who puts back what failed. */
  takeUnsynced(): ConsumeQueue[] {
    const queues = [...this.unsynced];
    this.unsynced.clear();
    return queues;
  }

  /** The queue's files were synced: it leaves the set unless more was written meanwhile. */
  noteSynced(queue: ConsumeQueue): void {
    if (!queue.needsSync) this.unsynced.delete(queue);
  }

  /** Makes the names of queue files and folders durable. Rejects with what the file system says; the rest is tried the next time. */
  syncFolders(): Promise<void> {
    return this.syncNoted([...this.unsyncedFolders]);
  }

  /** The same for the folders of one queue: thousands are synced together with their files, not all at once. */
  syncFoldersOf({ files }: ConsumeQueue): Promise<void> {
    return this.syncNoted([files.folder, dirname(files.folder)]);
  }

  private async syncNoted(folders: readonly string[]): Promise<void> {
    const { fileSystem } = this.options;
    for (const folder of folders) {
      if (!this.unsyncedFolders.delete(folder)) continue;
      try {
        await syncFolder(fileSystem, folder);
      } catch (error) {
        // The folder of a deleted topic is gone.
        if (errnoOf(error) === 'ENOENT') continue;
        this.unsyncedFolders.add(folder);
        throw error;
      }
    }
  }

  putBackUnsynced(queue: ConsumeQueue): void {
    if (!queue.deleted) this.unsynced.add(queue);
  }

  /** Frees the tails of queues that got nothing for a while. */
  releaseIdle(idleMs: number): void {
    const before = this.clock.monotonicMs() - idleMs;
    for (const queue of this.resident) {
      if (queue.lastAppendMs > before || queue.unwrittenEntries > 0) continue;
      queue.releaseTail();
      this.resident.delete(queue);
    }
  }

  /** Forgets all entries, in memory and on disk, for a rebuild from the log. The queues themselves stay. */
  clear(): void {
    for (const queue of this.all()) {
      queue.files.removeAll();
      queue.restore(0, 0, 0, -1);
    }
    this.unwritten.clear();
    this.unsynced.clear();
    this.resident.clear();
    this.entryCount = 0;
  }

  /**
   * Makes sure that offsets below `floor` are not given out again, though no messages with them are left. A queue of which the log has messages goes on behind the last of
   * them: a higher floor is that of a topic that was deleted since, or of what was cut.
   */
  raiseTo(queue: ConsumeQueue, floor: number): void {
    if (!queue.isEmpty || floor <= queue.maxOffset) return;
    const before = queue.entryCount;
    queue.files.removeAll();
    queue.startAt(floor);
    this.entryCount += queue.entryCount - before;
    this.noteUnwritten(queue, this.clock.monotonicMs());
  }

  /** Counts a queue that was taken over from the queue table. */
  adopted(queue: ConsumeQueue): void {
    this.entryCount += queue.entryCount;
    if (queue.unwrittenEntries > 0) this.noteUnwritten(queue, this.clock.monotonicMs());
    if (queue.needsSync) this.unsynced.add(queue);
  }

  /** Forgets all queues, and leaves their files: they are to be loaded in another way. */
  forgetAll(): void {
    for (const queue of this.all()) queue.forgetEntries();
    for (const set of [this.unwritten, this.unsynced, this.resident]) set.clear();
    this.topics.clear();
    this.entryCount = this.queueCount = 0;
  }

  /**
   * Forgets a topic. Its folder is moved aside at once, so that messages which come meanwhile begin the topic anew in a folder of their
   * own; what this returns removes it, once a checkpoint no longer counts on its entries.
   */
  remove(topic: string): () => void {
    const entry = this.topics.get(topic);
    if (entry === undefined) return () => undefined;
    this.topics.delete(topic);
    for (const queue of entry.queues.values()) {
      queue.deleted = true;
      this.entryCount -= queue.entryCount;
      this.queueCount--;
      this.unwritten.delete(queue);
      this.unsynced.delete(queue);
      this.resident.delete(queue);
      queue.forgetEntries();
      queue.files.forgetHandles();
    }
    const { fileSystem, folder } = this.options;
    const path = join(folder, topic);
    if (fileSystem.stat(path) === undefined) return () => undefined;
    const aside = join(folder, `${ASIDE_PREFIX}${this.clock.nowMs()}.${this.removals++}`);
    fileSystem.rename(path, aside);
    this.unsyncedFolders.add(folder);
    return () => {
      fileSystem.remove(aside);
    };
  }

  private added(queue: ConsumeQueue, nowMs: number): void {
    queue.lastAppendMs = this.lastAppendMs = nowMs;
    if (queue.unwrittenEntries === 1) {
      this.noteUnwritten(queue, nowMs);
    } else if (queue.unwrittenEntries >= this.options.writeBatchEntries && this.writeFailure === undefined) {
      this.writeQueue(queue);
    }
  }

  private noteUnwritten(queue: ConsumeQueue, nowMs: number): void {
    this.resident.add(queue);
    if (this.unwritten.has(queue)) return;
    queue.unwrittenSinceMs = nowMs;
    this.unwritten.add(queue);
  }

  /** Writes what a queue holds back. @returns false when the file system refuses; then it is tried again later. */
  writeQueue(queue: ConsumeQueue): boolean {
    if (queue.isHeld) return true;
    try {
      queue.write();
    } catch (error) {
      const failure = error as Error;
      if (mayLosePages(error)) this.options.onLostPages?.(queue, failure);
      if (this.writeFailure === undefined) {
        this.logger.error(
          `cannot write the consume queue ${queue.files.folder}: ${failure.message}; tried again every second`,
        );
      }
      this.writeFailure = failure;
      return false;
    }
    this.unwritten.delete(queue);
    this.unsynced.add(queue);
    return true;
  }

  /** Bytes of entries that are only in memory. */
  get unwrittenBytes(): number {
    return this.memory.unwrittenEntries * ENTRY_BYTES;
  }
}
