import type { RecordDecoder } from '../commit-log/record-check.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import type { LastStop } from '../checkpoint/abort-file.js';
import type { QueueTableFile } from '../checkpoint/queue-table-file.js';
import type { RecoveryPoint, StoreCheckpoint } from '../checkpoint/store-checkpoint.js';
import type { DispatchService } from '../dispatch/dispatch-service.js';
import { StoreError } from '../errors.js';
import type { Clock } from '../io/clock.js';
import { syncData } from '../io/durable.js';
import type { FileSystem } from '../io/file-system.js';
import type { HandlePool } from '../io/handle-pool.js';
import type { StoreLogger } from '../types.js';
import type { LogEnd, LogScanner } from './log-scanner.js';
import type { QueueLoader } from './queue-loader.js';
import type { RecoveryReport } from './recovery-report.js';
import { QueueTableRecovery } from './queue-table-recovery.js';
import type { StartPoint } from './start-point.js';
import { StartPointFinder } from './start-point.js';
import { cutLog } from './cut-log.js';
import { rewriteLog } from './rewrite-log.js';
import { lacksText } from './torn-record.js';

export interface RecoveryParts {
  readonly fileSystem: FileSystem;
  readonly segments: SegmentList;
  readonly handles: HandlePool;
  readonly queues: ConsumeQueueStore;
  readonly loader: QueueLoader;
  readonly scanner: LogScanner;
  readonly decoder: RecordDecoder;
  readonly dispatch: DispatchService;
  readonly checkpoint: StoreCheckpoint;
  readonly table: QueueTableFile;
  readonly clock: Clock;
  readonly logger: StoreLogger;
  /** What to do when whole records follow a damaged place. */
  readonly damagedLog: 'REFUSE' | 'CUT';
  readonly cutAtOffset: number | undefined;
}

const PROGRESS_BYTES = 1024 * 1024 * 1024;

/**
 * Brings log and consume queues to one state: checks the log from the last point that is known to be good, cuts a torn tail, makes the
 * queue entries behind that point again. It never drops a whole record that was on stable storage without being told to.
 */
export class Recovery {
  private readonly notes: string[] = [];
  private scannedRecords = 0;
  private scannedBytes = 0;
  private dispatchedRecords = 0;
  private mustRebuild = false;
  /** The last run did not end properly: what was not flushed, from here on, may not be all there. */
  private unflushedFrom = Infinity;
  /** Pages of the log behind the last flush may be missing, with later ones there. */
  private mayLackPages = false;

  constructor(private readonly parts: RecoveryParts) {}

  async run(lastStop: LastStop | undefined): Promise<RecoveryReport> {
    const { segments, queues, checkpoint, clock } = this.parts;
    const startMs = clock.monotonicMs();
    const cleanStop = lastStop === undefined;
    if (!cleanStop) {
      const how = lastStop.machineRestarted ? 'the machine went down' : 'the process was killed or crashed';
      this.notes.push(`the last run did not end properly (${how}): recovering`);
    }
    checkpoint.load(lastStop?.wasOurs);
    if (lastStop?.flushFailed === true) checkpoint.doubt();
    if (!cleanStop) this.unflushedFrom = checkpoint.point?.flushedOffset ?? 0;
    this.mayLackPages = lastStop?.machineRestarted === true || lastStop?.flushFailed === true;
    this.notes.push(...segments.load(lastStop?.machineRestarted === true ? this.unflushedFrom : Infinity));
    this.refuseMissingLog();
    this.noteMissingStart();
    const wasCut = await this.cutAsTold();
    // What the checkpoint says of the cut part is no news.
    const finder = new StartPointFinder(segments, this.parts.scanner, checkpoint, wasCut ? [] : this.notes);
    const found = await finder.find(cleanStop);
    const byTable = await this.takeOverQueues(found, finder, lastStop);
    const start = byTable ?? found;
    const scanFrom = byTable?.scanFromOffset ?? (await this.loadQueues(start, !cleanStop));
    const { end, from, rebuilt } = await this.scanFrom(scanFrom, start);
    const cutBytes = await this.cut(end, lastStop, wasCut);
    await this.lowerCheckpoint(end.physicalOffset, start.trustBelowOffset);
    if (byTable !== undefined && cutBytes > 0) this.cutFiles();
    if (start.trustBelowOffset === Infinity) await this.cutQueues(end.physicalOffset);
    if (lastStop?.flushFailed === true) await this.rewrite(end.physicalOffset);
    this.setDispatched(from, start, end);
    return {
      cleanStop,
      machineRestarted: lastStop?.machineRestarted ?? false,
      scannedFromOffset: from,
      scannedRecords: this.scannedRecords,
      scannedBytes: this.scannedBytes,
      logEndOffset: end.physicalOffset,
      cutBytes,
      dispatchedRecords: this.dispatchedRecords,
      queuesRebuilt: rebuilt,
      queueTableUsed: byTable !== undefined && !rebuilt,
      queues: queues.queueCount,
      durationMs: clock.monotonicMs() - startMs,
      lines: this.notes,
    };
  }

  /** Queues may speak of what is cut, as after the loss of a log's end: they are believed as far as the log goes. */
  private async cutAsTold(): Promise<boolean> {
    const { segments, handles, table, cutAtOffset } = this.parts;
    if (cutAtOffset === undefined) return false;
    if (segments.at(cutAtOffset) !== undefined) await this.lowerCheckpoint(cutAtOffset, Infinity);
    if (!(await cutLog(segments, handles, cutAtOffset))) return false;
    table.remove();
    this.notes.push(`the log was cut at offset ${cutAtOffset}, as the group did not take over what followed`);
    return true;
  }

  /**
   * Other messages will stand where the ones behind the end did. After a crash before the next checkpoint, one that still speaks of those would be believed
   * about these: so it goes back first, and on stable storage, to the start of the file with the end.
   *
   * @param queuesTo up to where the queue files are as they were at the checkpoint.
   */
  private async lowerCheckpoint(logEndOffset: number, queuesTo: number): Promise<void> {
    const { checkpoint, segments } = this.parts;
    const { point } = checkpoint;
    if (point === undefined) return;
    const { physicalOffset, flushedOffset, index } = point;
    if (Math.max(physicalOffset, flushedOffset, index?.offset ?? 0) <= logEndOffset) return;
    const fileStartOffset = logEndOffset - (logEndOffset % segments.segmentSizeBytes);
    const lowered =
      physicalOffset <= logEndOffset ? point : { ...point, ...beginningAt(Math.min(fileStartOffset, queuesTo)) };
    checkpoint.set(
      {
        ...lowered,
        flushedOffset: Math.min(flushedOffset, logEndOffset),
        index: index !== undefined && index.offset > logEndOffset ? { offset: logEndOffset, entryCount: 0 } : index,
      },
      0,
    );
    await checkpoint.save();
  }

  private refuseMissingLog(): void {
    const { segments, checkpoint } = this.parts;
    const reached = checkpoint.point?.physicalOffset ?? 0;
    if (segments.first !== undefined || reached === 0) return;
    throw new StoreError(
      'STORE_LOG_MISSING',
      `${segments.folder} has no commit log files, but the checkpoint says that the log reached offset ${reached}. Put the files back; ` +
        'to begin with an empty store instead, move the whole store folder away.',
      { folder: segments.folder, reachedOffset: reached },
    );
  }

  /** Retention takes files from the start of the log, too, and a checkpoint follows at once. */
  private noteMissingStart(): void {
    const { segments, checkpoint } = this.parts;
    const before = checkpoint.point?.logStartOffset;
    if (segments.first === undefined || before === undefined || segments.minOffset <= before) return;
    this.notes.push(
      `the log begins at offset ${segments.minOffset}; when the checkpoint was taken it began at ${before}. If retention did not remove the files ` +
        `before ${segments.first.path}, the messages in them are lost: stop the broker and put them back`,
    );
  }

  /** The queue table speaks of what the kernel holds: a machine that went down since has lost that. */
  private async takeOverQueues(
    start: StartPoint,
    finder: StartPointFinder,
    lastStop: LastStop | undefined,
  ): Promise<StartPoint | undefined> {
    if (lastStop !== undefined && (lastStop.machineRestarted || lastStop.flushFailed)) return undefined;
    const { table, checkpoint, segments, queues, loader } = this.parts;
    const byTable = await new QueueTableRecovery(table, checkpoint, segments, queues, this.notes).run(start, finder);
    if (byTable !== undefined) loader.removeAside();
    return byTable;
  }

  /** Files may hold entries of records that were cut from the log. */
  private cutFiles(): void {
    for (const { files, maxOffset } of this.parts.queues.all()) files.cutTo(Math.max(maxOffset, files.lastOffset + 1));
  }

  /** @returns where to scan from. */
  private async loadQueues(start: StartPoint, verify: boolean): Promise<number> {
    const { loader, segments, queues } = this.parts;
    const trust = { belowOffset: start.trustBelowOffset, minPhysicalOffset: segments.minOffset, verify };
    const damagedQueues = await loader.loadAll(trust);
    this.notes.push(...damagedQueues);
    this.mustRebuild = damagedQueues.length > 0;
    if (start.scanFromOffset !== undefined) return start.scanFromOffset;
    let newest = segments.minOffset;
    for (const queue of queues.all()) newest = Math.max(newest, queue.maxPhysicalOffset - 1);
    return (
      [...segments.all].reverse().find(({ startOffset }) => startOffset <= newest)?.startOffset ?? segments.minOffset
    );
  }

  private async scanFrom(
    scanFrom: number,
    start: StartPoint,
  ): Promise<{ end: LogEnd; from: number; rebuilt: boolean }> {
    const { queues, segments } = this.parts;
    const isComplete = start.entryCount === undefined || start.entryCount <= queues.entryCount;
    if (isComplete && !this.mustRebuild) return { end: await this.scan(scanFrom), from: scanFrom, rebuilt: false };
    this.notes.push(
      isComplete
        ? 'all consume queues are made again from the log'
        : `the consume queues hold ${queues.entryCount} entries up to the checkpoint, which says ${start.entryCount}: all of them are made again from the log`,
    );
    const floors = [...queues.all()].map((queue) => ({ queue, floor: queue.maxOffset }));
    await this.beginAgain();
    queues.clear();
    const from = segments.minOffset;
    const end = await this.scan(from);
    // Messages that retention removed have no records, but their offsets are not given out again.
    for (const { queue, floor } of floors) queues.raiseTo(queue, floor);
    return { end, from, rebuilt: true };
  }

  /** Checkpoint and table speak of the files that are about to be removed: a crash on the way must not leave half of new ones to be believed. */
  private async beginAgain(): Promise<void> {
    const { checkpoint, table } = this.parts;
    const { flushedOffset = 0, index } = checkpoint.point ?? {};
    table.remove();
    checkpoint.times = { ...checkpoint.times, physicMsgTimestamp: 0, logicsMsgTimestamp: 0 };
    checkpoint.set({ physicalOffset: 0, lastRecordOffset: -1, entryCount: 0, flushedOffset, index }, 0);
    await checkpoint.save();
  }

  private scan(fromOffset: number): Promise<LogEnd> {
    const { scanner, decoder, dispatch, logger, segments } = this.parts;
    let nextProgress = PROGRESS_BYTES;
    return scanner.scan(fromOffset, (buffer, at, sizeBytes, physicalOffset) => {
      const position = physicalOffset % segments.segmentSizeBytes;
      if (
        physicalOffset + sizeBytes > this.unflushedFrom &&
        lacksText(buffer, at, sizeBytes, position, this.mayLackPages)
      )
        return 'topic or properties are not all there';
      this.scannedRecords++;
      this.scannedBytes += sizeBytes;
      if (dispatch.redispatch(decoder.decode(buffer, at, sizeBytes))) this.dispatchedRecords++;
      if (this.scannedBytes < nextProgress) return;
      nextProgress += PROGRESS_BYTES;
      logger.log(
        `recovery: ${this.scannedRecords} messages read, at offset ${physicalOffset} of at most ${segments.last?.endOffset}`,
      );
    });
  }

  /** The last run ended with a failed fdatasync: what the kernel shows of the log behind the last flush may not be on the disk. */
  private async rewrite(logEndOffset: number): Promise<void> {
    const { segments, fileSystem, handles, checkpoint } = this.parts;
    const from = checkpoint.point?.flushedOffset ?? 0;
    await rewriteLog(segments, fileSystem, handles, from, logEndOffset);
    this.notes.push(`an fdatasync had failed: offsets ${from} to ${logEndOffset} of the log were written once more`);
  }

  /** Removes what stands behind the last whole record, or refuses to. @returns the bytes that were not zero. */
  private async cut(end: LogEnd, lastStop: LastStop | undefined, wasCut: boolean): Promise<number> {
    const { segments, handles, scanner, checkpoint, damagedLog } = this.parts;
    const { physicalOffset } = end;
    const flushedOffset = checkpoint.point?.flushedOffset ?? 0;
    const segment = segments.at(physicalOffset);
    if (segment === undefined) {
      if (physicalOffset < flushedOffset)
        this.notes.push(
          `offsets ${physicalOffset} to ${flushedOffset} had been on stable storage and are gone: the last files of ${segments.folder} are missing`,
        );
      return 0;
    }
    const { recordOffset, nonZeroEnd } = await scanner.leftover(physicalOffset);
    const cutBytes = nonZeroEnd - physicalOffset;
    const position = physicalOffset - segment.startOffset;
    if (recordOffset !== undefined) {
      // A machine that goes down, or a failed fdatasync, may lose any page that was not flushed, and keep later ones. A killed process cannot leave this.
      const isLostPage = this.mayLackPages && physicalOffset >= flushedOffset;
      if (!isLostPage && damagedLog === 'REFUSE') throw this.damaged(segment.path, position, end, recordOffset);
      this.notes.push(
        `the log is damaged at offset ${physicalOffset} (${segment.path} at ${position}: ${end.reason}) before messages that are whole, ` +
          (isLostPage
            ? `as ${lastStop?.machineRestarted === true ? 'a power loss' : 'a failed fdatasync'} leaves it behind the last flush`
            : 'and damagedLog=CUT is set'),
      );
    }
    if (physicalOffset < flushedOffset && !wasCut) {
      this.notes.push(
        `offsets ${physicalOffset} to ${flushedOffset} had been on stable storage and are gone: ${segment.path} was cut or damaged at ${position}`,
      );
    }
    if (cutBytes > 0) {
      this.notes.push(
        `cut ${cutBytes} bytes behind the last whole message, at offset ${physicalOffset} (${segment.path} at ${position}: ${end.reason})`,
      );
    }
    if (cutBytes > 0 || lastStop !== undefined) {
      segments.removeFrom(segment.endOffset);
      const file = handles.open(segment.path);
      file.truncate(position);
      file.truncate(segment.sizeBytes);
      // What was cut must not come back behind the messages that are stored here next.
      if (cutBytes > 0) await syncData(file);
    }
    return cutBytes;
  }

  private damaged(path: string, position: number, end: LogEnd, recordOffset: number): StoreError {
    return new StoreError(
      'STORE_LOG_DAMAGED',
      `The commit log is damaged at offset ${end.physicalOffset} (${path} at byte ${position}: ${end.reason}), and whole messages follow from offset ` +
        `${recordOffset} on. The log was left as it is. "rocknest store verify" lists all that is damaged. Put the file back from a backup or a replica; ` +
        'without one, "rocknest store repair" makes the log readable around the damage and keeps what it replaces. ' +
        `(damagedLog=CUT removes everything from offset ${end.physicalOffset} on.)`,
      { path, position, physicalOffset: end.physicalOffset, reason: end.reason, nextRecordOffset: recordOffset },
    );
  }

  /** Takes back entries that point behind the end of the log. */
  private async cutQueues(endOffset: number): Promise<void> {
    const { queues, loader, segments } = this.parts;
    for (const queue of queues.all()) {
      if (queue.maxPhysicalOffset <= endOffset) continue;
      const before = queue.maxOffset;
      const entriesBefore = queue.entryCount;
      queue.write();
      await loader.load(queue, { belowOffset: endOffset, minPhysicalOffset: segments.minOffset, verify: false });
      queues.entryCount += queue.entryCount - entriesBefore;
      this.notes.push(
        `consume queue ${queue.topic}-${queue.queueId}: dropped ${before - queue.maxOffset} entries behind the end of the log`,
      );
    }
  }

  private setDispatched(from: number, start: StartPoint, end: LogEnd): void {
    const { dispatch, checkpoint } = this.parts;
    if (this.scannedRecords > 0) return;
    // Nothing was found behind the start point: it stays where it was.
    dispatch.dispatchedOffset = from === start.scanFromOffset ? from : end.physicalOffset;
    dispatch.lastRecordOffset = start.lastRecordOffset;
    dispatch.lastStoreTimestamp = checkpoint.times.physicMsgTimestamp;
  }
}

/** The place of a checkpoint at the start of a file: what is before it is believed, whatever is counted there. */
function beginningAt(
  physicalOffset: number,
): Pick<RecoveryPoint, 'physicalOffset' | 'lastRecordOffset' | 'entryCount'> {
  return { physicalOffset, lastRecordOffset: -1, entryCount: 0 };
}
