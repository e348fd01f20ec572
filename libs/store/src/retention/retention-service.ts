import type { Refusal } from '../commit-log/put-check.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { Dispatcher } from '../dispatch/dispatch-request.js';
import type { Clock, Timer } from '../io/clock.js';
import type { StoreLogger } from '../types.js';
import { isTimeToDelete } from './delete-when.js';
import type { DiskPressure, DiskRatios, DiskWatch } from './disk-watch.js';
import type { FileRemover } from './file-remover.js';
import type { QueueCleaner } from './queue-cleaner.js';
import type { SegmentCleaner } from './segment-cleaner.js';

export interface RetentionServiceOptions {
  readonly intervalMs: number;
  readonly fileReservedTimeMs: number;
  /** Local hours. */
  readonly deleteHours: ReadonlySet<number>;
  readonly cleanFileForciblyEnable: boolean;
  readonly deleteFileBatchMax: number;
  readonly manualRuns: number;
}

/** The parts that delete; each is stopped with the service. */
export interface RetentionParts {
  readonly watch: DiskWatch;
  readonly segmentCleaner: SegmentCleaner;
  readonly queueCleaner: QueueCleaner;
  readonly remover: FileRemover;
}

/**
 * Decides what is deleted, and when: whole segments of the log by age, by how full the disk is, or by hand; then consume queues and whatever else
 * hangs on the log follow (RocketMQ's CleanCommitLogService and CleanConsumeQueueService). One run at a time, every `cleanResourceInterval`.
 */
export class RetentionService {
  private timer: Timer | undefined = undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;
  private manualRunsLeft = 0;
  /** Where the log started when queues and dispatchers were told of it last. */
  private followedOffset = -1;
  /** Where the log started when the queues were loaded: they know it. */
  private loadedOffset = -1;
  private raisedOffset = -1;
  private isStuck = false;

  constructor(
    private readonly options: RetentionServiceOptions,
    private readonly parts: RetentionParts,
    private readonly segments: SegmentList,
    /** What is built from the log, and starts where it does. */
    private readonly followers: () => readonly Pick<Dispatcher, 'onMinPhysicalOffset'>[],
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
  ) {}

  /** Why no message is taken, or undefined. */
  get refusal(): Refusal | undefined {
    return this.parts.watch.refusal;
  }

  /** Looks at the disk for the first time, and starts the timer. */
  async start(): Promise<void> {
    this.loadedOffset = this.raisedOffset = this.segments.minOffset;
    await this.parts.watch.look();
    this.schedule();
  }

  /** Resolves when nothing is deleted any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = undefined;
    const { segmentCleaner, queueCleaner, remover } = this.parts;
    for (const part of [segmentCleaner, queueCleaner, remover]) part.stop();
    await this.running;
  }

  /** Expired segments go now, whatever the hour (RocketMQ's executeDeleteFilesManually). Does not wait for it. */
  deleteExpiredNow(): void {
    this.manualRunsLeft = this.options.manualRuns;
    void this.run();
  }

  /** Queue files that lead to no message go now. */
  async cleanQueuesNow(): Promise<void> {
    await this.inTurn(async () => {
      await this.followLog(true);
    });
  }

  /** Start of the log that the minimum offsets of the queues follow: behind the log's own while they are raised, or when a stop came first. */
  get queuesFromOffset(): number {
    return this.raisedOffset >= 0 ? this.raisedOffset : this.segments.minOffset;
  }

  diskRatios(): Promise<DiskRatios> {
    return this.parts.watch.ratios();
  }

  /** One run, behind the one under way. Never rejects. */
  run(): Promise<void> {
    return this.inTurn(() => this.runOnce()).catch((error: unknown) => {
      this.logger.error(`retention could not finish: ${(error as Error).message}; tried again at the next run`);
    });
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = this.clock.startTimer(() => {
      this.timer = undefined;
      void this.run().then(() => {
        this.schedule();
      });
    }, this.options.intervalMs);
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const run = this.running.then(() => (this.stopped ? undefined : work()));
    this.running = run.catch(() => undefined);
    return run;
  }

  private async runOnce(): Promise<void> {
    const pressure = await this.parts.watch.look();
    const isManual = this.manualRunsLeft > 0;
    const isTime = isTimeToDelete(this.options.deleteHours, this.clock.nowMs());
    if (isTime || isManual || pressure !== 'NONE') await this.deleteSegments(pressure, isManual);
    else this.isStuck = false;
    // Files that an earlier run could not remove are tried again.
    await this.followLog(false);
    // Some more are waiting behind the batch that a manual deletion was cut to.
    if (this.manualRunsLeft > 0 && !this.stopped) void this.run();
  }

  private async deleteSegments(pressure: DiskPressure, isManual: boolean): Promise<void> {
    const fromOffset = this.segments.minOffset;
    let unexpired = 0;
    const mayGo = async (modifiedAtMs: number): Promise<boolean> => {
      if (this.clock.nowMs() - modifiedAtMs >= this.options.fileReservedTimeMs) return true;
      if (pressure !== 'CLEAN_FORCIBLY' || !this.options.cleanFileForciblyEnable) return false;
      // Each deletion makes space: no more of what is not expired goes than must.
      if ((await this.parts.watch.look()) !== 'CLEAN_FORCIBLY') return false;
      unexpired++;
      return true;
    };
    let removed = 0;
    try {
      removed = await this.parts.segmentCleaner.clean(mayGo, this.options.deleteFileBatchMax);
    } finally {
      if (isManual) this.manualRunsLeft = removed === 0 ? 0 : this.manualRunsLeft - 1;
    }
    this.report(removed, unexpired, fromOffset, pressure);
    if (removed > 0) await this.parts.watch.look();
  }

  private report(removed: number, unexpired: number, fromOffset: number, pressure: DiskPressure): void {
    if (removed > 0) {
      this.isStuck = false;
      const what = `deleted ${removed} files of the commit log: offsets ${fromOffset} to ${this.segments.minOffset}`;
      if (unexpired === 0) this.logger.log(what);
      else this.logger.warn(`${what}; ${unexpired} of them before fileReservedTime, because the disk is nearly full`);
      return;
    }
    if (pressure === 'NONE' || this.isStuck) return;
    this.isStuck = true;
    this.logger.warn(
      `the disk of ${this.segments.folder} fills up, but no file of the commit log can be deleted: ` +
        (pressure === 'CLEAN_FORCIBLY' && this.options.cleanFileForciblyEnable
          ? 'only the one that takes messages is left. Make space on the disk.'
          : 'none is older than fileReservedTime.'),
    );
  }

  /** Queues, and whatever else hangs on the log, follow to where it starts. */
  private async followLog(isForced: boolean): Promise<void> {
    const { minOffset } = this.segments;
    // A segment that is still on disk would come back at the next start.
    const hasMoved = minOffset !== this.followedOffset && this.parts.segmentCleaner.isComplete;
    if (hasMoved || isForced) {
      if (minOffset !== this.loadedOffset) await this.parts.queueCleaner.raiseMinOffsets(minOffset);
      if (this.stopped) return;
      this.raisedOffset = minOffset;
      await this.tellDispatchers(minOffset);
      this.followedOffset = minOffset;
    }
    if (hasMoved || isForced || this.parts.queueCleaner.hasTaken) await this.parts.queueCleaner.removeFiles();
  }

  private async tellDispatchers(minOffset: number): Promise<void> {
    for (const follower of this.followers()) {
      try {
        await follower.onMinPhysicalOffset?.(minOffset);
      } catch (error) {
        this.logger.error(
          `what is built from the log could not follow to offset ${minOffset}: ${(error as Error).message}`,
        );
      }
    }
  }
}
