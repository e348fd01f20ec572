import type { FlushService } from '../commit-log/flush-service.js';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { DispatchService } from '../dispatch/dispatch-service.js';
import type { IndexPoint } from '../index-file/index-recovery.js';
import { Backoff } from '../io/backoff.js';
import type { Clock } from '../io/clock.js';
import { atPath } from '../io/file-system.js';
import type { StoreLogger } from '../types.js';
import type { FlushDoubts } from './flush-doubts.js';
import type { QueueRepair } from './queue-repair.js';
import type { QueueSync } from './queue-sync.js';
import type { DispatchMark } from './queue-sync-pass.js';
import { QueueSyncPass } from './queue-sync-pass.js';
import type { QueueTableFile } from './queue-table-file.js';
import type { RecoveryPoint, StoreCheckpoint } from './store-checkpoint.js';

export interface CheckpointServiceOptions {
  readonly intervalMs: number;
  readonly logBytes: number;
  /** With more queues than this to write or sync, a checkpoint saves the queue table; the files follow later. */
  readonly manyQueues: number;
  /** A store of fewer queues keeps no table. */
  readonly tableMinQueues: number;
  readonly queueSyncDelayMs: number;
  /** What `takeLast` may spend on syncing many queues. */
  readonly stopSyncMs: number;
  /** Pause behind one that failed; it doubles with each further one. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
}

/** An index that keeps its own place in the checkpoint: it may be far behind the log without holding it up. */
export interface CheckpointedIndex {
  /** What the checkpoint is to say; what it says is on stable storage. */
  readonly point: IndexPoint | undefined;
  /** RocketMQ's indexMsgTimestamp. */
  readonly fullFileTimestamp: number;
  /** A checkpoint would move its point on. */
  readonly isBehind: boolean;
  /** Brings it to stable storage; never rejects. */
  commit(): Promise<void>;
}

/** Entries of queues: those behind a checkpoint's place were never counted in it. */
export interface CountedEntries {
  readonly inCheckpoint: number;
  readonly inPass: number;
}

/** Where the checkpoint of a store stands that has only a queue table yet: at the beginning of everything. */
const FIRST_POINT: RecoveryPoint = { physicalOffset: 0, lastRecordOffset: -1, entryCount: 0, flushedOffset: 0 };

/**
 * Moves the point from which recovery starts: brings the consume queues up to an offset to stable storage, then the log, then says so
 * in the checkpoint. A checkpoint that fails leaves the old one, and costs a longer recovery, nothing else.
 *
 * With thousands of queues to sync, it saves the queue table instead, from which a recovery starts that follows a killed process; the
 * checkpoint, for a machine that goes down, moves on when a slow pass over the files is through.
 */
export class CheckpointService {
  /** Undefined: no index is kept; what the checkpoint says of one stays. */
  index: CheckpointedIndex | undefined = undefined;
  /** Start of the log that the minimum offsets of the queues follow; undefined: they follow it at once. */
  queuesFromOffset: (() => number) | undefined = undefined;
  /** Why the last one failed, or undefined: recovery would start at an older one. */
  failure: Error | undefined = undefined;
  private retryAtMs = 0;
  private readonly backoff: Backoff;
  private tableFailure: Error | undefined = undefined;
  /** Up to where the last one with a table reached, whether that could be saved or not. */
  private tableOffset = -1;
  private running: Promise<void> | undefined = undefined;
  private lastMs: number;
  private pass: QueueSyncPass | undefined = undefined;

  constructor(
    private readonly options: CheckpointServiceOptions,
    private readonly checkpoint: StoreCheckpoint,
    private readonly queues: ConsumeQueueStore,
    private readonly dispatch: DispatchService,
    private readonly flush: FlushService,
    private readonly sync: QueueSync,
    private readonly repair: QueueRepair,
    private readonly table: QueueTableFile,
    private readonly doubts: FlushDoubts,
    private readonly minPhysicalOffset: () => number,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
  ) {
    this.lastMs = clock.monotonicMs();
    this.backoff = new Backoff(options.retryMs, options.maxRetryMs);
  }

  get physicalOffset(): number {
    return this.checkpoint.point?.physicalOffset ?? 0;
  }

  /** Something was dispatched since the last checkpoint. */
  get isBehind(): boolean {
    if (this.repair.isNeeded) return true;
    return this.dispatch.dispatchedOffset > this.physicalOffset || this.index?.isBehind === true;
  }

  get isDue(): boolean {
    if (this.running !== undefined || !this.isBehind) return false;
    if (this.failure !== undefined) return this.clock.monotonicMs() >= this.retryAtMs;
    if (this.repair.isNeeded) return true;
    const isLate = this.clock.monotonicMs() - this.lastMs >= this.options.intervalMs;
    const reached = Math.max(this.physicalOffset, this.tableOffset, this.table.savedOffset);
    return isLate || this.dispatch.dispatchedOffset - reached >= this.options.logBytes;
  }

  /** Takes a checkpoint that nobody waits for: of many queues, only the table. */
  takeDue(): Promise<void> {
    return this.inTurn(() => (this.hasMany ? this.takeTable() : this.takeNow()));
  }

  /** What the checkpoint, and the one that is on its way, count of queues that are about to be removed. */
  countEntries(queues: readonly ConsumeQueue[]): CountedEntries {
    const count = (physicalOffset: number): number =>
      queues.reduce((sum, queue) => sum + queue.entriesBefore(physicalOffset), 0);
    return {
      inCheckpoint: count(this.physicalOffset),
      inPass: this.pass === undefined ? 0 : count(this.pass.mark.physicalOffset),
    };
  }

  /**
   * Takes a checkpoint that no longer counts on the entries of queues that were removed. With many queues to sync only a power failure
   * soon after brings messages of theirs back, as far as they are behind the checkpoint.
   */
  takeAfterRemoval(removed: CountedEntries): Promise<void> {
    return this.inTurn(async () => {
      if (!this.hasMany) return this.takeNow();
      if (!(await this.saveTable(this.mark()))) this.table.remove();
      if (this.pass !== undefined) this.pass.removedEntries += removed.inPass;
      const { point = FIRST_POINT } = this.checkpoint;
      this.checkpoint.set({ ...point, entryCount: Math.max(0, point.entryCount - removed.inCheckpoint) }, 0);
      await this.save();
    });
  }

  /** Takes the last checkpoint before the store closes: everything is written, and of many queues synced what a stop has time for. */
  takeLast(): Promise<void> {
    this.stop();
    return this.inTurn(async () => {
      if (!this.hasMany) return this.takeNow();
      await this.repair.run();
      const mark = this.mark();
      await this.queues.writeAll();
      if (await this.syncQueues(this.clock.monotonicMs() + this.options.stopSyncMs)) return this.takeNow();
      for (const dispatcher of this.dispatch.dispatchers) await dispatcher.flush();
      await this.saveTable(mark);
      await this.commitIndex();
    });
  }

  /** Takes a checkpoint of what is dispatched now, all of it on stable storage; one at a time, in turn. Rejects when the disk refuses. */
  take(): Promise<void> {
    return this.inTurn(() => this.takeNow());
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.running ?? Promise.resolve();
    const run = before.catch(() => undefined).then(work);
    const tracked = run.finally(() => {
      if (this.running === tracked) this.running = undefined;
    });
    this.running = tracked;
    run.then(
      () => {
        this.failure = undefined;
        this.backoff.reset();
      },
      (error: unknown) => {
        this.failure = error as Error;
        this.retryAtMs = this.clock.monotonicMs() + this.backoff.next();
      },
    );
    return tracked;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Resolves when no checkpoint is under way. */
  async idle(): Promise<void> {
    await this.running?.catch(() => undefined);
  }

  private get hasMany(): boolean {
    const { unwrittenQueues, unsyncedQueues, queueCount } = this.queues;
    const toSync = Math.max(unwrittenQueues.size, unsyncedQueues.size);
    return this.table.isSupported && queueCount >= this.options.tableMinQueues && toSync > this.options.manyQueues;
  }

  /** All of one moment: what is dispatched while a checkpoint is taken belongs to the next one. */
  private mark(): DispatchMark {
    const { dispatchedOffset, lastRecordOffset, lastStoreTimestamp } = this.dispatch;
    return {
      physicalOffset: dispatchedOffset,
      lastRecordOffset,
      entryCount: this.queues.entryCount,
      storeTimestamp: lastStoreTimestamp,
    };
  }

  private async takeNow(): Promise<void> {
    this.lastMs = this.clock.monotonicMs();
    await this.repair.run();
    const mark = this.mark();
    await this.queues.writeAll();
    await this.syncQueues();
    for (const dispatcher of this.dispatch.dispatchers) await dispatcher.flush();
    this.stop();
    await this.reached(mark);
    if (this.table.isSupported && this.queues.queueCount >= this.options.tableMinQueues) await this.saveTable(mark);
  }

  /** A disk that failed once, for a moment, does not cost a checkpoint. @returns false when the time was over before the last file was synced. */
  private async syncQueues(deadlineMs = Infinity): Promise<boolean> {
    try {
      return await this.sync.syncUntil(deadlineMs);
    } catch (error) {
      if (!this.repair.isNeeded) throw error;
      await this.repair.run();
      return this.sync.syncUntil(deadlineMs);
    }
  }

  private async takeTable(): Promise<void> {
    this.lastMs = this.clock.monotonicMs();
    await this.repair.run();
    const mark = this.mark();
    for (const dispatcher of this.dispatch.dispatchers) await dispatcher.flush();
    // Nothing was dispatched since the last one: only the files go on.
    if (!this.table.isCurrent(mark.physicalOffset, this.tableFromOffset)) await this.saveTable(mark);
    if (this.index?.isBehind === true || this.checkpoint.point === undefined) await this.commitIndex();
    this.pass ??= new QueueSyncPass(mark, this.options.queueSyncDelayMs, this.queues, this.sync, this.clock);
    if (this.pass.isDue()) this.startPass(this.pass);
  }

  /** Beside further checkpoints: it takes many seconds. A checkpoint that brings everything to stable storage itself ends it. */
  private startPass(pass: QueueSyncPass): void {
    const end = (): Promise<void> =>
      this.inTurn(async () => {
        if (this.pass !== pass) return;
        this.pass = undefined;
        if (!pass.isDone) return;
        const entryCount = Math.max(0, pass.mark.entryCount - pass.removedEntries);
        await this.reached({ ...pass.mark, entryCount });
      });
    pass
      .run()
      .finally(end)
      .catch((error: unknown) => {
        this.logger.error(`consume queue files could not be synced: ${(error as Error).message}; they are tried again`);
      });
  }

  /** Ends the slow pass over the files, so that the store can be closed. */
  stop(): void {
    this.pass?.cancel();
    this.pass = undefined;
  }

  private get tableFromOffset(): number {
    return this.queuesFromOffset?.() ?? this.minPhysicalOffset();
  }

  /** The table only spares a start some reading: the older one, or none, does too. @returns false when it could not be saved. */
  private async saveTable(mark: DispatchMark): Promise<boolean> {
    this.tableOffset = mark.physicalOffset;
    try {
      await this.table.save({ ...mark, flushedOffset: this.flush.flushedOffset }, this.tableFromOffset, this.queues);
    } catch (error) {
      // Once, however long it goes on.
      if (this.tableFailure === undefined) {
        const { message } = atPath(this.table.path, error as Error);
        this.logger.error(
          `the queue table cannot be saved (${message}): a start would read more of the log; it is tried again with each checkpoint`,
        );
      }
      this.tableFailure = error as Error;
      return false;
    }
    this.tableFailure = undefined;
    return true;
  }

  /** Writes the page. As long as that fails, the next start is told to trust the older one alone. */
  private async save(): Promise<void> {
    try {
      await this.checkpoint.save();
    } catch (error) {
      this.doubts.note(this.checkpoint.path);
      throw error;
    }
    await this.doubts.settle(this.checkpoint.path);
  }

  /** The queues as of the mark are on stable storage: so becomes the log, and then the checkpoint says so. */
  private async reached({ storeTimestamp, ...point }: DispatchMark): Promise<void> {
    await this.queues.syncFolders();
    await this.index?.commit();
    await this.flush.flushedTo(point.physicalOffset);
    const index = this.index === undefined ? this.checkpoint.point?.index : this.index.point;
    const { flushedOffset } = this.flush;
    const logStartOffset = this.minPhysicalOffset();
    const reached = { ...point, flushedOffset, index, logStartOffset };
    this.checkpoint.set(reached, storeTimestamp, this.index?.fullFileTimestamp);
    await this.save();
  }

  /** The index keeps its own place. A checkpoint of a store without one stands at the beginning. */
  private async commitIndex(): Promise<void> {
    await this.index?.commit();
    const index = this.index === undefined ? this.checkpoint.point?.index : this.index.point;
    const { point = FIRST_POINT } = this.checkpoint;
    this.checkpoint.set({ ...point, index }, 0, this.index?.fullFileTimestamp);
    await this.save();
  }
}
