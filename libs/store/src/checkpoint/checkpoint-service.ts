import type { FlushService } from '../commit-log/flush-service.js';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { DispatchService } from '../dispatch/dispatch-service.js';
import type { Clock } from '../io/clock.js';
import type { IndexPoint } from '../index-file/index-recovery.js';
import type { HandlePool } from '../io/handle-pool.js';
import type { StoreCheckpoint } from './store-checkpoint.js';

export interface CheckpointServiceOptions {
  readonly intervalMs: number;
  readonly logBytes: number;
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

/**
 * Moves the point from which recovery starts: brings the consume queues up to an offset to stable storage, then the log, then says so
 * in the checkpoint. A checkpoint that fails leaves the old one, and costs a longer recovery, nothing else.
 */
export class CheckpointService {
  /** Undefined: no index is kept; what the checkpoint says of one stays. */
  index: CheckpointedIndex | undefined;
  private running: Promise<void> | undefined;
  private lastMs: number;

  constructor(
    private readonly options: CheckpointServiceOptions,
    private readonly checkpoint: StoreCheckpoint,
    private readonly queues: ConsumeQueueStore,
    private readonly dispatch: DispatchService,
    private readonly flush: FlushService,
    private readonly handles: HandlePool,
    private readonly clock: Clock,
  ) {
    this.lastMs = clock.monotonicMs();
  }

  get physicalOffset(): number {
    return this.checkpoint.point?.physicalOffset ?? 0;
  }

  /** Something was dispatched since the last checkpoint. */
  get isBehind(): boolean {
    return this.dispatch.dispatchedOffset > this.physicalOffset || this.index?.isBehind === true;
  }

  get isDue(): boolean {
    if (this.running !== undefined || !this.isBehind) return false;
    const isLate = this.clock.monotonicMs() - this.lastMs >= this.options.intervalMs;
    return isLate || this.dispatch.dispatchedOffset - this.physicalOffset >= this.options.logBytes;
  }

  /** Takes a checkpoint of what is dispatched now; one at a time, in turn. Rejects when the disk refuses. */
  take(): Promise<void> {
    const before = this.running ?? Promise.resolve();
    const run = before.catch(() => undefined).then(() => this.takeNow());
    const tracked = run.finally(() => {
      if (this.running === tracked) this.running = undefined;
    });
    this.running = tracked;
    return tracked;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Resolves when no checkpoint is under way. */
  async idle(): Promise<void> {
    await this.running?.catch(() => undefined);
  }

  private async takeNow(): Promise<void> {
    this.lastMs = this.clock.monotonicMs();
    const { dispatchedOffset, lastRecordOffset, lastStoreTimestamp } = this.dispatch;
    // All of one moment: what is dispatched while this runs belongs to the next checkpoint.
    const point = { physicalOffset: dispatchedOffset, lastRecordOffset, entryCount: this.queues.entryCount };
    await this.queues.writeAll();
    await this.syncQueues();
    for (const dispatcher of this.dispatch.dispatchers) await dispatcher.flush();
    await this.index?.commit();
    await this.flush.flushedTo(point.physicalOffset);
    const index = this.index === undefined ? this.checkpoint.point?.index : this.index.point;
    const { flushedOffset } = this.flush;
    this.checkpoint.set({ ...point, flushedOffset, index }, lastStoreTimestamp, this.index?.fullFileTimestamp);
    await this.checkpoint.save();
  }

  private async syncQueues(): Promise<void> {
    const queues = this.queues.takeUnsynced();
    for (let i = 0; i < queues.length; i++) {
      try {
        await this.syncQueue(queues[i]);
      } catch (error) {
        for (const queue of queues.slice(i)) this.queues.putBackUnsynced(queue);
        throw error;
      }
    }
  }

  private async syncQueue(queue: ConsumeQueue): Promise<void> {
    const { paths, toOffset } = queue.unsynced();
    for (const path of paths) {
      // A topic that was deleted meanwhile has no files any more.
      if (queue.deleted) return;
      const lease = this.handles.retain(path);
      await new Promise<void>((resolve, reject) => {
        lease.file.syncData((error) => {
          lease.release();
          if (error === undefined) resolve();
          else reject(error);
        });
      });
    }
    queue.markSynced(toOffset);
  }
}
