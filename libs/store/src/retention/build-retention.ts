import type { CheckpointService } from '../checkpoint/checkpoint-service.js';
import type { LogWriter } from '../commit-log/log-writer.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { ConsumeQueueStore } from '../consume-queue/consume-queue-store.js';
import * as defaults from '../defaults.js';
import type { DispatchService } from '../dispatch/dispatch-service.js';
import type { IndexService } from '../index-file/index-service.js';
import type { HandlePool } from '../io/handle-pool.js';
import type { StoreSettings } from '../message-store-options.js';
import { parseDeleteWhen } from './delete-when.js';
import { DiskWatch } from './disk-watch.js';
import { FileRemover } from './file-remover.js';
import { QueueCleaner } from './queue-cleaner.js';
import { RetentionService } from './retention-service.js';
import { SegmentCleaner } from './segment-cleaner.js';

/** What retention works on. */
export interface RetentionContext {
  readonly segments: SegmentList;
  readonly handles: HandlePool;
  readonly queues: ConsumeQueueStore;
  readonly checkpoints: CheckpointService;
  readonly dispatch: DispatchService;
  /** The index by key, when one is kept. */
  readonly index: IndexService | undefined;
  readonly writer: LogWriter;
}

const HOUR_MS = 3_600_000;

/** Puts retention together; nothing runs yet. */
export function buildRetention(settings: StoreSettings, context: RetentionContext): RetentionService {
  const { fileSystem, clock, logger } = settings;
  const { segments, handles, queues, checkpoints, dispatch, index, writer } = context;
  const watch = new DiskWatch(
    { ...settings, commitLogFolder: settings.commitLogPath, consumeQueueFolder: settings.consumeQueuePath },
    fileSystem,
    logger,
  );
  const remover = new FileRemover(
    { busyCheckMs: defaults.BUSY_FILE_CHECK_MS, forciblyAfterMs: settings.destroyFileForciblyMs },
    fileSystem,
    handles,
    clock,
  );
  const segmentCleaner = new SegmentCleaner(
    { pauseMs: settings.deleteCommitLogFilesIntervalMs },
    segments,
    checkpoints,
    remover,
    fileSystem,
    () => writer.writtenOffset,
    clock,
    logger,
  );
  const queueCleaner = new QueueCleaner(
    { pauseMs: settings.deleteConsumeQueueFilesIntervalMs, sliceMs: defaults.QUEUE_CLEAN_SLICE_MS },
    queues,
    checkpoints,
    remover,
    clock,
  );
  return new RetentionService(
    {
      intervalMs: settings.cleanResourceIntervalMs,
      fileReservedTimeMs: settings.fileReservedTimeHours * HOUR_MS,
      deleteHours: parseDeleteWhen(settings.deleteWhen),
      cleanFileForciblyEnable: settings.cleanFileForciblyEnable,
      deleteFileBatchMax: settings.deleteFileBatchMax,
      manualRuns: defaults.MANUAL_DELETE_RUNS,
    },
    { watch, segmentCleaner, queueCleaner, remover },
    segments,
    () => (index === undefined ? dispatch.dispatchers : [...dispatch.dispatchers, index]),
    clock,
    logger,
  );
}
