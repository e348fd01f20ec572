import type { CheckpointService } from './checkpoint/checkpoint-service.js';
import type { ReadCache } from './commit-log/read-cache.js';
import type { TailCache } from './commit-log/tail-cache.js';
import type { ConsumeQueueStore } from './consume-queue/consume-queue-store.js';
import type { QueueWriteBack } from './consume-queue/queue-write-back.js';
import type { IndexService } from './index-file/index-service.js';
import type { Clock, Timer } from './io/clock.js';
import type { Machine } from './io/machine.js';
import type { StoreLogger } from './types.js';

export interface MaintenanceOptions {
  readonly intervalMs: number;
  readonly idleReleaseMs: number;
}

/** Below this a collection of about 10 ms is not worth it. */
const WORTH_COLLECTING_BYTES = 8 * 1024 * 1024;

/**
 * What happens beside the puts and pulls: queue entries go to their files, checkpoints are taken, caches nobody uses are given back.
 * The timer runs only while there is something to do, so an idle store uses no CPU.
 */
export class Maintenance {
  private timer: Timer | undefined = undefined;
  private stopped = false;

  constructor(
    private readonly options: MaintenanceOptions,
    private readonly queues: ConsumeQueueStore,
    private readonly writeBack: QueueWriteBack,
    private readonly checkpoints: CheckpointService,
    private readonly tail: TailCache,
    private readonly readCache: ReadCache,
    private readonly index: IndexService | undefined,
    private readonly clock: Clock,
    private readonly machine: Machine,
    private readonly logger: StoreLogger,
  ) {}

  /** Something was put or read: there may be something to do soon. */
  wake(): void {
    if (this.timer === undefined && !this.stopped)
      this.timer = this.clock.startTimer(this.run, this.options.intervalMs);
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = undefined;
  }

  private readonly run = (): void => {
    this.timer = undefined;
    if (this.stopped) return;
    if (this.checkpoints.isDue) this.takeCheckpoint();
    // A checkpoint writes them itself, unless there are many. A failure is in the log, and tried again.
    if (this.queues.hasUnwritten && (this.writeBack.holdsBack || !this.checkpoints.isRunning)) {
      this.writeBack.run().catch(() => undefined);
    }
    this.queues.releaseIdle(this.options.idleReleaseMs);
    this.index?.releaseIdle(this.options.idleReleaseMs);
    if (this.tail.idleMs >= this.options.idleReleaseMs) this.releaseCaches();
    const hasCaches =
      this.tail.releasable || this.readCache.sizeBytes > 0 || this.queues.hasResident || this.holdsIndex;
    if (hasCaches || this.queues.hasUnwritten || this.checkpoints.isBehind) this.wake();
  };

  private get holdsIndex(): boolean {
    return this.index !== undefined && this.index.memoryBytes > 0;
  }

  private releaseCaches(): void {
    const before = this.tail.sizeBytes + this.readCache.sizeBytes;
    this.tail.release();
    this.readCache.clear();
    if (before - this.tail.sizeBytes >= WORTH_COLLECTING_BYTES) this.machine.collectGarbage();
  }

  private takeCheckpoint(): void {
    this.checkpoints.takeDue().catch((error: unknown) => {
      this.logger.error(
        `the checkpoint could not be taken: ${(error as Error).message}; recovery would start at an older one`,
      );
    });
  }
}
