import { encodeHost } from '@rocknest/protocol';
import { RecordDecoder } from './commit-log/record-check.js';
import { refusedPut } from './commit-log/pending-append.js';
import { checkBatch, checkMessage, checkTopic, type Refusal } from './commit-log/put-check.js';
import type { FlushDoubts } from './checkpoint/flush-doubts.js';
import type { ConsumeQueue } from './consume-queue/consume-queue.js';
import type { Dispatcher } from './dispatch/dispatch-request.js';
import type { ArrivalListener } from './dispatch/dispatch-service.js';
import { StoreError } from './errors.js';
import { type MessageStoreOptions, resolveSettings, type StoreSettings } from './message-store-options.js';
import { openStore } from './open-store.js';
import { refusalOf } from './put-refusal.js';
import type { RecoveryReport } from './recovery/recovery-report.js';
import type { DiskRatios } from './retention/disk-watch.js';
import type { QueryMessageResult } from './index-file/message-query.js';
import type { StoreReplication } from './replication/store-replication.js';
import { buildParts, type StoreParts } from './store-parts.js';
import type {
  ConsumeQueueEntry,
  GetRequest,
  GetResult,
  OffsetBoundary,
  PutBatch,
  PutDone,
  PutMessage,
  StoreStats,
} from './types.js';

type State = 'new' | 'opening' | 'open' | 'closing' | 'closed';

/**
 * The messages of a broker on disk, in Apache RocketMQ's layout (its DefaultMessageStore). One instance owns one folder.
 * docs/internals/store.md shows the way through the files.
 */
export class MessageStore {
  private readonly settings: StoreSettings;
  private readonly parts: StoreParts;
  private state: State = 'new';
  private storeHostBytes: Buffer | undefined = undefined;
  /** Why no message is taken any more, until the store is opened again. */
  private brokenReason: string | undefined = undefined;
  private putMessages = 0;
  private putBytes = 0;
  private failedPuts = 0;
  private closePromise: Promise<void> | undefined = undefined;

  constructor(options: MessageStoreOptions) {
    this.settings = resolveSettings(options);
    this.parts = buildParts(this.settings, {
      broken: (reason) => {
        this.brokenReason ??= reason;
        this.settings.logger.error(reason);
      },
      rolledBack: (count) => {
        this.failedPuts += count;
      },
    });
  }

  /**
   * Takes the lock, recovers, and makes the store ready. Throws `StoreError` whose message says what to do; the folder can be opened
   * again then.
   */
  async open(): Promise<RecoveryReport> {
    if (this.state !== 'new')
      throw new StoreError('STORE_NOT_OPEN', `this store is ${this.state}: a new MessageStore opens the folder again`);
    this.state = 'opening';
    try {
      const report = await openStore(this.settings, this.parts);
      this.state = 'open';
      return report;
    } catch (error) {
      this.state = 'closed';
      throw error;
    }
  }

  /** Takes no more messages, brings everything to stable storage and gives the folder free. May be called more than once. */
  close(): Promise<void> {
    this.closePromise ??= this.closeNow();
    return this.closePromise;
  }

  /** `ip:port` of stored records, for a broker that learns its port after the store is there. */
  setStoreHost(storeHost: string): void {
    this.storeHostBytes = encodeHost(storeHost);
  }

  /**
   * Stores one message. `done` is called once, when `write` returned (SYNC_FLUSH: when fdatasync returned), in the order of the puts;
   * a message that is refused is answered before this returns. The message is not to be changed until then.
   */
  putMessage(message: PutMessage, done: PutDone): void {
    const refusal = this.refusal() ?? checkMessage(message, this.settings.maxMessageSizeBytes);
    if (refusal !== undefined) return this.refuse(refusal, done);
    const queue = this.queueFor(message.topic, message.queueId);
    if ('status' in queue) return this.refuse(queue, done);
    const appendRefusal = this.parts.commitLog.append(message, queue, this.storeHost(), done);
    if (appendRefusal !== undefined) return this.refuse(appendRefusal, done);
    this.putMessages++;
    this.putBytes += message.body.length;
  }

  /** Stores the messages of a batch one behind the other, or none of them. */
  putBatch(batch: PutBatch, done: PutDone): void {
    const refusal = this.refusal() ?? checkBatch(batch, this.settings.maxMessageSizeBytes);
    if (refusal !== undefined) return this.refuse(refusal, done);
    const queue = this.queueFor(batch.topic, batch.queueId);
    if ('status' in queue) return this.refuse(queue, done);
    const appendRefusal = this.parts.commitLog.appendBatch(batch, queue, this.storeHost(), done);
    if (appendRefusal !== undefined) return this.refuse(appendRefusal, done);
    this.putMessages += batch.items.length;
    for (const { body } of batch.items) this.putBytes += body.length;
  }

  /** Messages of a queue from an offset on; a promise only when the disk must be waited for. */
  getMessage(request: GetRequest): GetResult | Promise<GetResult> {
    this.needOpen();
    this.parts.maintenance.wake();
    const { matchesRecord } = request;
    if (matchesRecord === undefined) return this.parts.getter.get(request);
    return this.parts.filteredGetter.get(request, matchesRecord, () => this.needOpen());
  }

  /** False for a reader far behind: the entries of the queue from that offset on are not in memory any more. */
  readsTail(topic: string, queueId: number, queueOffset: number): boolean {
    return this.parts.queues.find(topic, queueId)?.isResident(queueOffset) ?? true;
  }

  /** Offset of the first message that can be read; 0 for a queue that does not exist. */
  minOffset(topic: string, queueId: number): number {
    return this.parts.queues.find(topic, queueId)?.minOffset ?? 0;
  }

  /** Offset behind the last message that can be read; 0 for a queue that does not exist. */
  maxOffset(topic: string, queueId: number): number {
    return this.parts.queues.find(topic, queueId)?.maxOffset ?? 0;
  }

  /** Start of the log. */
  get minPhysicalOffset(): number {
    return this.parts.segments.minOffset;
  }

  /** End of what was written of the log. */
  get maxPhysicalOffset(): number {
    return this.parts.writer.writtenOffset;
  }

  /** See {@link OffsetBoundary} in docs/internals/store.md; 0 for a queue that does not exist. */
  async offsetByTimestamp(
    topic: string,
    queueId: number,
    timestampMs: number,
    boundary: OffsetBoundary,
  ): Promise<number> {
    this.needOpen();
    const queue = this.parts.queues.find(topic, queueId);
    return queue === undefined ? 0 : this.parts.offsetByTimestamp.find(queue, timestampMs, boundary);
  }

  /** Store time of a message in ms, -1 when there is none. */
  async storeTimestampOf(topic: string, queueId: number, queueOffset: number): Promise<number> {
    this.needOpen();
    const queue = this.parts.queues.find(topic, queueId);
    const found = queue === undefined ? 0 : await this.parts.offsetByTimestamp.storeTimestampOf(queue, queueOffset);
    return found === 0 ? -1 : found;
  }

  /** Store time of the oldest message of a queue, or of the whole store when none is named; -1 when there is none. */
  async earliestStoreTimestamp(topic?: string, queueId = 0): Promise<number> {
    this.needOpen();
    if (topic !== undefined) return this.storeTimestampOf(topic, queueId, this.minOffset(topic, queueId));
    const head = await this.messageByPhysicalOffset(this.minPhysicalOffset);
    return head === undefined ? -1 : new RecordDecoder([]).decode(head, 0, head.length).storeTimestamp;
  }

  /** The whole record at a physical offset, or undefined when none begins there; any number may be asked for. */
  async messageByPhysicalOffset(physicalOffset: number): Promise<Buffer | undefined> {
    this.needOpen();
    return this.parts.lookup.find(physicalOffset);
  }

  /**
   * The newest messages of a topic that have the key, as UNIQ_KEY or as a word of KEYS, and were stored in the range; whole records, oldest
   * first, with `keyIsTags` those whose TAGS are the key, `maxMsgsNumBatch` at most. Finds nothing without an index (messageIndexEnable). Rejects with `STORE_BUSY` when too many queries wait.
   */
  async queryMessage(
    topic: string,
    key: string,
    maxMessages: number,
    beginMs: number,
    endMs: number,
    keyIsTags = false,
  ): Promise<QueryMessageResult> {
    this.needOpen();
    const { index, maintenance } = this.parts;
    if (index === undefined) return { records: [], indexLastUpdateTimestamp: 0, indexLastUpdatePhyoffset: 0 };
    maintenance.wake();
    return index.query.find(topic, { text: key, isTags: keyIsTags }, maxMessages, beginMs, endMs);
  }

  /** Where the message of a queue offset stands, or undefined when there is none. */
  async cqEntry(topic: string, queueId: number, queueOffset: number): Promise<ConsumeQueueEntry | undefined> {
    this.needOpen();
    const queue = this.parts.queues.find(topic, queueId);
    return queue === undefined ? undefined : this.parts.offsetByTimestamp.entryOf(queue, queueOffset);
  }

  /** Files beside the log and its queues tell here that a failed fdatasync left them in doubt, and that it no longer does. */
  get doubts(): FlushDoubts {
    return this.parts.doubts;
  }

  /** The log as masters and slaves see it. For an open store. */
  get replication(): StoreReplication {
    return this.parts.replication;
  }

  /** Told of each message, in queue order, as soon as it can be read; called right after the callbacks of its commit. */
  onArrival(listener: ArrivalListener): void {
    this.parts.dispatch.onArrival(listener);
  }

  /** Adds something that is built from the log, before `open`. */
  addDispatcher(dispatcher: Dispatcher): void {
    if (this.state !== 'new')
      throw new StoreError('STORE_NOT_OPEN', 'a dispatcher must be added before the store is opened');
    this.parts.dispatch.dispatchers.push(dispatcher);
  }

  /** Removes the queues of a topic and their files. Its records stay in the log until retention takes them; its offsets begin at 0 again. */
  deleteTopic(topic: string): Promise<void> {
    return this.deleteTopics([topic]);
  }

  /** The same for several topics at once: one checkpoint serves all. Unknown ones are no error. */
  async deleteTopics(topics: readonly string[]): Promise<void> {
    this.needOpen();
    const { group, flush, checkpoints, queues, writer } = this.parts;
    // Puts on their way still belong to the old queues.
    await group.idle();
    if (this.settings.flushDiskType === 'SYNC_FLUSH') await flush.flushedTo(writer.writtenOffset);
    await this.parts.dispatch.gate?.idle();
    await checkpoints.idle();
    const counted = checkpoints.countEntries(topics.flatMap((topic) => queues.of(topic)));
    const removals = topics.map((topic) => queues.remove(topic));
    // First the checkpoint: a restart then neither misses the files nor finds the old messages again.
    await checkpoints.takeAfterRemoval(counted);
    for (const removeFiles of removals) {
      removeFiles();
      await new Promise<void>((resolve) => {
        this.settings.clock.defer(resolve);
      });
    }
  }

  /** Deletes the segments of the log that are older than `fileReservedTime` now, whatever the hour, and goes on without the caller. */
  deleteExpiredFiles(): void {
    this.needOpen();
    this.parts.retention.deleteExpiredNow();
  }

  /** Deletes the consume queue files that lead to no message any more. A queue keeps its last one, and with it its offsets. */
  async cleanExpiredConsumeQueues(): Promise<void> {
    this.needOpen();
    await this.parts.retention.cleanQueuesNow();
  }

  /** How full the disks of log and queues are. */
  diskRatios(): Promise<DiskRatios> {
    return this.parts.retention.diskRatios();
  }

  /** Topics that have queues. */
  topics(): string[] {
    return this.parts.queues.topicNames();
  }

  stats(): StoreStats {
    const { writer, dispatch, flush, group, pipeline, tail, readCache, handles, queues, checkpoints } = this.parts;
    const pendingAppends = group.pending + pipeline.pending;
    return {
      putMessages: this.putMessages,
      putBytes: this.putBytes,
      failedPuts: this.failedPuts,
      commits: group.commits,
      flushes: flush.flushes,
      minPhysicalOffset: this.minPhysicalOffset,
      maxPhysicalOffset: writer.writtenOffset,
      flushedPhysicalOffset: flush.flushedOffset,
      // A filler at the end of a segment is never dispatched.
      dispatchBehindBytes: pendingAppends === 0 ? 0 : Math.max(0, writer.writtenOffset - dispatch.dispatchedOffset),
      bufferedBytes: group.bufferedBytes,
      pendingAppends,
      tailCacheBytes: tail.sizeBytes,
      readCacheBytes: readCache.sizeBytes,
      openFiles: handles.openFiles,
      queues: queues.queueCount,
      queueTailBytes: queues.tailBytes,
      checkpointPhysicalOffset: checkpoints.physicalOffset,
      checkpointFailure: checkpoints.failure?.message,
      index: this.parts.index?.service.stats(),
      notWritable: this.refusal()?.reason,
    };
  }

  /** Why no message can be taken now, or undefined. */
  private refusal(): Refusal | undefined {
    if (this.state !== 'open') return { status: 'SERVICE_NOT_AVAILABLE', reason: `the store is ${this.state}` };
    if (this.brokenReason !== undefined) return { status: 'SERVICE_NOT_AVAILABLE', reason: this.brokenReason };
    return refusalOf(this.parts, this.settings);
  }

  private queueFor(topic: string, queueId: number): ConsumeQueue | Refusal {
    const { queues } = this.parts;
    return queues.find(topic, queueId) ?? checkTopic(topic, queueId) ?? queues.findOrCreate(topic, queueId);
  }

  private refuse(refusal: Refusal, done: PutDone): void {
    this.failedPuts++;
    done(refusedPut(refusal.status, refusal.reason));
  }

  private storeHost(): Buffer {
    if (this.storeHostBytes === undefined) {
      const { storeHost } = this.settings;
      const text = typeof storeHost === 'function' ? storeHost() : storeHost;
      if (text === undefined)
        throw new StoreError('STORE_OPTIONS', 'storeHost is not set: call setStoreHost before the first put');
      this.storeHostBytes = encodeHost(text);
    }
    return this.storeHostBytes;
  }

  private needOpen(): void {
    if (this.state !== 'open' && this.state !== 'closing') {
      throw new StoreError('STORE_NOT_OPEN', `the store in ${this.settings.rootPath} is ${this.state}, not open`);
    }
  }

  private async closeNow(): Promise<void> {
    if (this.state !== 'open') {
      this.state = 'closed';
      return;
    }
    this.state = 'closing';
    const { group, flush, pipeline, maintenance, checkpoints, abort, checkpoint, handles, lock, writer } = this.parts;
    try {
      await this.parts.retention.stop();
      await group.idle();
      group.tidy();
      await this.parts.replication.appender.restart();
      this.parts.dispatch.gate?.open(
        'this broker stops, and not all brokers of its group that must have the message do',
      );
      await this.parts.repair.stop();
      maintenance.stop();
      checkpoints.stop();
      await checkpoints.idle();
      await flush.flushedTo(writer.writtenOffset);
      await this.parts.index?.service.finish();
      await checkpoints.takeLast();
      // Only a store that is complete on disk may say so.
      if (this.brokenReason === undefined && this.parts.doubts.isEmpty) abort.remove();
    } finally {
      this.parts.doubts.remind();
      maintenance.stop();
      await this.parts.index?.service.abandon();
      flush.stop();
      pipeline.stop();
      checkpoint.close();
      handles.end();
      lock.release();
      this.state = 'closed';
    }
  }
}
