import { storeTimestampOf } from '../commit-log/record-check.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { RecoveryPoint, StoreCheckpoint } from '../checkpoint/store-checkpoint.js';
import type { LogScanner } from './log-scanner.js';

/** Where recovery starts, and what it may believe. */
export interface StartPoint {
  /**
   * The log is checked, and dispatched again, from here on. A record starts here, or the log ends. Undefined: the queues are
   * complete, and tell it themselves (a store that RocketMQ closed properly).
   */
  readonly scanFromOffset: number | undefined;
  /** Queue entries of records from here on are dropped and made again. Infinity: all are believed. */
  readonly trustBelowOffset: number;
  /** Entries that the queues must hold at least; undefined when the checkpoint does not tell. */
  readonly entryCount: number | undefined;
  /** Start of the last record before `scanFromOffset`, or -1. */
  readonly lastRecordOffset: number;
}

/** Chooses where recovery starts: at the checkpoint's own offset when it still fits the log, else by RocketMQ's time stamps. */
export class StartPointFinder {
  constructor(
    private readonly segments: SegmentList,
    private readonly scanner: LogScanner,
    private readonly checkpoint: StoreCheckpoint,
    private readonly notes: string[],
  ) {}

  async find(cleanStop: boolean): Promise<StartPoint> {
    const first = this.segments.minOffset;
    if (this.segments.first === undefined) return from(first);
    const byOffset = await this.byOffset(first);
    if (byOffset !== undefined && cleanStop) return byOffset;
    if (!this.checkpoint.found) {
      this.notes.push('there is no checkpoint: the whole log is read, and all consume queues are made again');
      return from(first);
    }
    const damage = this.checkpoint.damage ?? this.emptiness();
    if (damage !== undefined) {
      this.notes.push(
        `the checkpoint is damaged (${damage}): the whole log is read, and all consume queues are made again`,
      );
      return from(first);
    }
    if (cleanStop && this.checkpoint.point === undefined) {
      return { scanFromOffset: undefined, trustBelowOffset: Infinity, entryCount: undefined, lastRecordOffset: -1 };
    }
    // Wall clocks are set back, so a later segment may look older than the checkpoint: offsets go before times.
    return byOffset ?? from(await this.byTimestamp(first));
  }

  /** A broker that stores anything also writes its time stamps: with none at all, the page was lost. */
  private emptiness(): string | undefined {
    const { point, times } = this.checkpoint;
    return point === undefined && times.physicMsgTimestamp === 0 ? 'it is empty' : undefined;
  }

  private async byOffset(first: number): Promise<StartPoint | undefined> {
    const point = this.checkpoint.point;
    if (point === undefined) return undefined;
    if (point.physicalOffset <= first) return { ...from(first), entryCount: point.entryCount };
    const start = await this.at(point);
    if (start === undefined) {
      this.notes.push(
        `the checkpoint says that the log reached offset ${point.physicalOffset} on stable storage, but the last record before it is not there any more`,
      );
    }
    return start;
  }

  /** The point itself, or undefined when the log has no record that ends there. */
  async at(point: RecoveryPoint): Promise<StartPoint | undefined> {
    const { physicalOffset, lastRecordOffset, entryCount } = point;
    // A slave that had just been told where to begin has no record there: without this its log would go on behind a hole.
    if (physicalOffset > (this.segments.last?.endOffset ?? 0)) return undefined;
    if (lastRecordOffset >= this.segments.minOffset) {
      const last = await this.scanner.recordAt(lastRecordOffset);
      if (last === undefined || lastRecordOffset + last.sizeBytes !== physicalOffset) return undefined;
    }
    return { scanFromOffset: physicalOffset, trustBelowOffset: physicalOffset, entryCount, lastRecordOffset };
  }

  /** RocketMQ's CommitLog.isMappedFileMatchedRecover: the newest segment whose first record is older than the checkpoint. */
  private async byTimestamp(first: number): Promise<number> {
    const limit = this.checkpoint.minTimestamp;
    for (const segment of [...this.segments.all].reverse()) {
      const record = await this.scanner.recordAt(segment.startOffset);
      if (record === undefined) continue;
      const storeTimestamp = storeTimestampOf(record.buffer, 0);
      if (storeTimestamp > 0 && storeTimestamp <= limit) return segment.startOffset;
    }
    return first;
  }
}

function from(offset: number): StartPoint {
  return { scanFromOffset: offset, trustBelowOffset: offset, entryCount: undefined, lastRecordOffset: -1 };
}
