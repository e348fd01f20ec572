import { join } from 'node:path';
import type { LastStop } from './checkpoint/abort-file.js';
import { INDEX_DOUBT, TIMER_DOUBT } from './checkpoint/flush-doubts.js';
import { RecordDecoder } from './commit-log/record-check.js';
import * as defaults from './defaults.js';
import { StoreError } from './errors.js';
import { refuseForeignLayout } from './foreign/foreign-layout.js';
import { resolveQueueExt } from './foreign/queue-ext.js';
import { makeDurableFolders, syncFolder } from './io/durable.js';
import { errnoOf } from './io/file-system.js';
import type { StoreSettings } from './message-store-options.js';
import { LogScanner } from './recovery/log-scanner.js';
import { QueueLoader } from './recovery/queue-loader.js';
import { Recovery } from './recovery/recovery.js';
import type { RecoveryReport } from './recovery/recovery-report.js';
import type { StoreParts } from './store-parts.js';

const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'ENOSPC', 'EDQUOT']);

/** What recovery may meet when it writes; a file that it misses is another matter. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** Takes the lock, recovers, and sets every part to where the log ends. Leaves the folder free when it throws. */
export async function openStore(settings: StoreSettings, parts: StoreParts): Promise<RecoveryReport> {
  const { lock, abort, checkpoint, handles } = parts;
  await guardWritable(settings.rootPath, async () => {
    const { fileSystem, rootPath, commitLogPath, consumeQueuePath } = settings;
    await makeDurableFolders(fileSystem, [rootPath, commitLogPath, consumeQueuePath]);
    await lock.acquire();
  });
  try {
    refuseForeignLayout(settings, settings.fileSystem);
    const resolved = await resolveQueueExt(settings, settings.fileSystem);
    if (resolved > 0) settings.logger.log(`tags codes of ${resolved} queue entries were taken out of consumequeue_ext`);
    parts.rewriter.removeCopies();
    const lastStop = abort.find();
    const report = await guardWritable(settings.rootPath, () => recover(settings, parts, lastStop), FULL);
    // Segments that a killed process made must stay, those that recovery removed must not come back.
    await syncFolder(settings.fileSystem, settings.commitLogPath);
    await guardWritable(settings.rootPath, async () => {
      startAt(parts, report.logEndOffset);
      await abort.create();
    });
    const isDoubted = lastStop?.flushFailed === true;
    if (isDoubted) noteDoubts(settings, parts);
    startIndex(parts, report, isDoubted);
    // What a killed process wrote may be in the page cache alone.
    if (!report.cleanStop)
      for (const segment of parts.segments.all)
        if (segment.endOffset > parts.flush.flushedOffset) parts.flush.markDirty(segment);
    if (settings.flushDiskType === 'SYNC_FLUSH') await parts.flush.flushedTo(report.logEndOffset);
    const lacksTable = report.queues >= settings.queueTableMinQueues && !report.queueTableUsed;
    if (!report.cleanStop || report.queuesRebuilt || lacksTable) {
      // Not waited for: serving can begin, and a crash before it is done only recovers the same again.
      parts.checkpoints.takeDue().catch((error: unknown) => {
        settings.logger.error(`the checkpoint after recovery could not be taken: ${(error as Error).message}`);
      });
    }
    await parts.retention.start();
    parts.maintenance.wake();
    for (const line of report.lines) settings.logger.warn(line);
    return report;
  } catch (error) {
    // It may have been an fdatasync of recovery itself.
    if (errnoOf(error) === 'EIO') abort.noteFailedFlush();
    parts.maintenance.stop();
    await parts.retention.stop();
    await parts.repair.stop();
    await parts.index?.service.abandon();
    parts.flush.stop();
    checkpoint.close();
    handles.end();
    lock.release();
    throw error;
  }
}

function recover(settings: StoreSettings, parts: StoreParts, lastStop: LastStop | undefined): Promise<RecoveryReport> {
  const { segments, handles, queues, dispatch, checkpoint, table } = parts;
  const { fileSystem, clock, logger, damagedLog, cutAtOffset } = settings;
  const decoder = new RecordDecoder(settings.delayLevelsMs);
  const scanner = new LogScanner(segments, handles, defaults.RECOVERY_READ_BYTES);
  const loader = new QueueLoader(
    { folder: settings.consumeQueuePath, fileEntries: settings.consumeQueueFileEntries },
    fileSystem,
    queues,
    new LogScanner(segments, handles, defaults.RECORD_HEAD_READ_BYTES),
    decoder,
  );
  return new Recovery({
    fileSystem,
    segments,
    handles,
    queues,
    loader,
    scanner,
    decoder,
    dispatch,
    checkpoint,
    table,
    clock,
    logger,
    damagedLog,
    cutAtOffset,
  }).run(lastStop);
}

/** Recovery wrote log and queues anew. What else a failed fdatasync left in doubt is made anew by whoever keeps it. */
function noteDoubts({ fileSystem, rootPath }: StoreSettings, { doubts, checkpoint, index }: StoreParts): void {
  doubts.note(checkpoint.path);
  if (index !== undefined) doubts.note(INDEX_DOUBT);
  if (fileSystem.stat(join(rootPath, 'timerwheel')) !== undefined) doubts.note(TIMER_DOUBT);
}

function startIndex({ index, checkpoint }: StoreParts, { cleanStop }: RecoveryReport, isDoubted: boolean): void {
  const { point, times } = checkpoint;
  index?.service.start({
    point: point?.index,
    isOwnCheckpoint: point !== undefined,
    cleanStop,
    isDoubted,
    indexMsgTimestamp: times.indexMsgTimestamp,
  });
}

function startAt({ segments, writer, flush, commitLog, checkpoint }: StoreParts, logEndOffset: number): void {
  segments.ensure(logEndOffset);
  writer.writtenOffset = logEndOffset;
  flush.flushedOffset = Math.min(logEndOffset, checkpoint.point?.flushedOffset ?? 0);
  commitLog.continueAt(logEndOffset);
}

async function guardWritable<T>(rootPath: string, work: () => Promise<T>, errnos = UNWRITABLE): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!errnos.has(errnoOf(error))) throw error;
    throw new StoreError(
      'STORE_NOT_WRITABLE',
      `The store folder ${rootPath} cannot be written: ${(error as Error).message}. Give the user of this process write access and space there, or set storePathRootDir.`,
      { rootPath, errno: errnoOf(error) },
      { cause: error },
    );
  }
}
