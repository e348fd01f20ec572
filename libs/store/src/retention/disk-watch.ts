import type { Refusal } from '../commit-log/put-check.js';
import type { DiskUsage, FileSystem } from '../io/file-system.js';
import type { StoreLogger } from '../types.js';

export interface DiskWatchOptions {
  /** Each of these may be a disk of its own. */
  readonly commitLogFolder: string;
  readonly consumeQueueFolder: string;
  /** Percent. */
  readonly diskMaxUsedSpaceRatio: number;
  readonly diskSpaceCleanForciblyRatio: number;
  readonly diskSpaceWarningLevelRatio: number;
}

/** What a full disk asks of retention. */
export type DiskPressure = 'NONE' | 'CLEAN_EXPIRED' | 'CLEAN_FORCIBLY';

/** How full the disks are, 0 to 1; -1 when the system does not tell. */
export interface DiskRatios {
  readonly commitLog: number;
  readonly consumeQueue: number;
}

/**
 * Compares the disks of the store with the three watermarks (RocketMQ's CleanCommitLogService.isSpaceToDelete). Above the highest, no message is
 * taken until a disk is back at or below the middle one: it does not flap, and what the deletion gains is not eaten at once.
 */
export class DiskWatch {
  /** Why no message is taken, or undefined. */
  refusal: Refusal | undefined = undefined;
  private unknownReason: string | undefined = undefined;

  constructor(
    private readonly options: DiskWatchOptions,
    private readonly fileSystem: FileSystem,
    private readonly logger: StoreLogger,
  ) {}

  async ratios(): Promise<DiskRatios> {
    const { commitLogFolder, consumeQueueFolder } = this.options;
    const commitLog = await this.usedRatio(commitLogFolder);
    return { commitLog, consumeQueue: await this.usedRatio(consumeQueueFolder) };
  }

  /** Looks at the disks, and refuses messages or takes them again. */
  async look(): Promise<DiskPressure> {
    const { options } = this;
    const { commitLog, consumeQueue } = await this.ratios();
    // Nothing is known: neither deleted nor refused, nor taken again.
    if (commitLog < 0 && consumeQueue < 0) return 'NONE';
    const folder = commitLog >= consumeQueue ? options.commitLogFolder : options.consumeQueueFolder;
    const percent = Math.max(commitLog, consumeQueue) * 100;
    const untilPercent = Math.min(options.diskSpaceCleanForciblyRatio, options.diskSpaceWarningLevelRatio);
    if (percent > options.diskSpaceWarningLevelRatio) this.refuse(folder, percent, untilPercent);
    else if (this.refusal !== undefined && percent <= untilPercent) this.takeAgain(folder, percent);
    if (percent > options.diskSpaceCleanForciblyRatio || percent > options.diskSpaceWarningLevelRatio)
      return 'CLEAN_FORCIBLY';
    return percent > options.diskMaxUsedSpaceRatio ? 'CLEAN_EXPIRED' : 'NONE';
  }

  private refuse(folder: string, percent: number, untilPercent: number): void {
    const isNews = this.refusal === undefined;
    const reason =
      `the disk of ${folder} is ${percent.toFixed(1)} % full, more than the ${this.options.diskSpaceWarningLevelRatio} % of ` +
      `diskSpaceWarningLevelRatio; messages are taken again at ${untilPercent} % or less`;
    this.refusal = { status: 'SERVICE_NOT_AVAILABLE', reason };
    if (isNews)
      this.logger.error(`sends are refused: ${reason}. Consumers go on. Make space, or shorten fileReservedTime.`);
  }

  private takeAgain(folder: string, percent: number): void {
    this.refusal = undefined;
    this.logger.warn(`the disk of ${folder} is ${percent.toFixed(1)} % full: messages are taken again`);
  }

  private async usedRatio(folder: string): Promise<number> {
    try {
      const { usedBytes, availableBytes } = await this.usage(folder);
      this.unknownReason = undefined;
      // As df counts: the share of what this process could use at all.
      const usableBytes = usedBytes + availableBytes;
      return usableBytes > 0 ? usedBytes / usableBytes : -1;
    } catch (error) {
      const reason = (error as Error).message;
      if (this.unknownReason === undefined)
        this.logger.warn(`cannot see how full the disk of ${folder} is, so its watermarks do nothing: ${reason}`);
      this.unknownReason = reason;
      return -1;
    }
  }

  private usage(folder: string): Promise<DiskUsage> {
    return new Promise((resolve, reject) => {
      this.fileSystem.diskUsage(folder, (error, usage) => {
        if (usage !== undefined) resolve(usage);
        else reject(error ?? new Error('no answer'));
      });
    });
  }
}
