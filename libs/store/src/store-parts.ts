import { join } from 'node:path';
import { AbortFile } from './checkpoint/abort-file.js';
import { CheckpointService } from './checkpoint/checkpoint-service.js';
import { FlushDoubts, LOG_DOUBT } from './checkpoint/flush-doubts.js';
import { QueueRepair } from './checkpoint/queue-repair.js';
import { QueueSync } from './checkpoint/queue-sync.js';
import { QueueTableFile } from './checkpoint/queue-table-file.js';
import { StoreCheckpoint } from './checkpoint/store-checkpoint.js';
import { AppendPipeline } from './commit-log/append-pipeline.js';
import { CommitLog } from './commit-log/commit-log.js';
import { FlushRepair } from './commit-log/flush-repair.js';
import { FlushService, notOnDisk } from './commit-log/flush-service.js';
import { GroupCommit } from './commit-log/group-commit.js';
import { LogRewriter } from './commit-log/log-rewriter.js';
import { LogWriter } from './commit-log/log-writer.js';
import { RecordDecoder } from './commit-log/record-check.js';
import { ReadAhead } from './commit-log/read-ahead.js';
import { ReadCache } from './commit-log/read-cache.js';
import { RecordReader } from './commit-log/record-reader.js';
import { SegmentList } from './commit-log/segment-list.js';
import { TailCache } from './commit-log/tail-cache.js';
import { ConsumeQueueStore } from './consume-queue/consume-queue-store.js';
import { QueueWriteBack } from './consume-queue/queue-write-back.js';
import * as defaults from './defaults.js';
import { DispatchService } from './dispatch/dispatch-service.js';
import { buildIndex } from './index-file/build-index.js';
import { mayLosePages } from './io/file-system.js';
import { HandlePool } from './io/handle-pool.js';
import { IoPace } from './io/io-pace.js';
import { ReadGate } from './io/read-gate.js';
import { StoreLock } from './lock/store-lock.js';
import { Maintenance } from './maintenance.js';
import type { StoreSettings } from './message-store-options.js';
import { FilteredGetter } from './read/filtered-getter.js';
import { MessageGetter } from './read/message-getter.js';
import { RecordLookup } from './read/record-lookup.js';
import { LogScanner } from './recovery/log-scanner.js';
import { buildRetention } from './retention/build-retention.js';
import { buildReplication } from './replication/build-replication.js';
import type { StoreReplication } from './replication/store-replication.js';
import { UnreadableLog } from './read/unreadable-log.js';
import { OffsetByTimestamp } from './read/offset-by-timestamp.js';

/** What happens in the parts and concerns the whole store. */
export interface StoreEvents {
  /** The store must take no more messages, for the rest of its life. */
  broken(reason: string): void;
  /** Appends were taken back after a failed write. */
  rolledBack(count: number): void;
}

/** The parts of a store, wired. */
export type StoreParts = ReturnType<typeof buildParts>;

/** Makes the parts; nothing touches the disk yet. */
export function buildParts(settings: StoreSettings, events: StoreEvents) {
  const { fileSystem, clock, logger, machine, rootPath } = settings;
  const handles = new HandlePool(fileSystem, settings.maxOpenFiles);
  const abort = new AbortFile(join(rootPath, 'abort'), fileSystem, machine);
  const doubts = new FlushDoubts(abort, logger);
  const segments = new SegmentList(settings.commitLogPath, settings.segmentSizeBytes, fileSystem, handles);
  const queues = new ConsumeQueueStore(
    {
      folder: settings.consumeQueuePath,
      fileSystem,
      handles,
      fileEntries: settings.consumeQueueFileEntries,
      tailEntries: defaults.CONSUME_QUEUE_TAIL_ENTRIES,
      writeBatchEntries: defaults.CONSUME_QUEUE_WRITE_BATCH_ENTRIES,
      flushSliceMs: defaults.CONSUME_QUEUE_FLUSH_SLICE_MS,
      maxTailBytes: defaults.CONSUME_QUEUE_TAILS_BYTES,
      onLostPages: (queue, error) => {
        queueRepair.doubt(queue, queue.files.folder, error);
      },
    },
    clock,
    logger,
  );
  const tail = new TailCache(
    {
      tailCacheBytes: settings.tailCacheBytes,
      chunkMinBytes: defaults.TAIL_CHUNK_MIN_BYTES,
      chunkMaxBytes: Math.min(
        defaults.TAIL_CHUNK_MAX_BYTES,
        Math.max(defaults.TAIL_CHUNK_MIN_BYTES, settings.tailCacheBytes / defaults.TAIL_CACHE_MIN_CHUNKS),
      ),
      chunkGrowMs: defaults.TAIL_CHUNK_GROW_MS,
      flushedOffset: () => flush.flushedOffset,
    },
    clock,
  );
  const dispatch = new DispatchService(queues, clock, logger);
  const newPace = (): IoPace =>
    new IoPace(clock, {
      slowMs: defaults.SLOW_IO_MS,
      holdMs: defaults.SLOW_IO_HOLD_MS,
      maxHoldMs: defaults.SLOW_IO_MAX_HOLD_MS,
    });
  const writer: LogWriter = new LogWriter(segments, handles, clock, newPace(), settings.syncWriteMaxBytes, {
    dirty: (segment) => {
      flush.markDirty(segment);
    },
    failed: ({ error, dirty }) => {
      if (!mayLosePages(error)) return;
      // At once: an fdatasync under way may take long, and the process may be killed meanwhile.
      doubts.note(LOG_DOUBT);
      flush.distrust(dirty.segment, error);
    },
  });
  const writtenOffset = (): number => writer.writtenOffset;
  const flush: FlushService = new FlushService(
    {
      folder: settings.commitLogPath,
      intervalMs: settings.flushDiskType === 'SYNC_FLUSH' ? 0 : settings.flushIntervalMs,
    },
    fileSystem,
    handles,
    clock,
    writtenOffset,
    (flushedOffset) => {
      pipeline.flushed(flushedOffset);
    },
    (error) => {
      const reason = notOnDisk(error);
      doubts.note(LOG_DOUBT);
      logger.error(reason);
      pipeline.failed(reason);
      repair.start();
    },
  );
  const pipeline: AppendPipeline = new AppendPipeline(settings, flush, dispatch, clock);
  const group: GroupCommit = new GroupCommit(tail, writer, clock, defaults.WRITE_RETRY_INTERVAL_MS, {
    written: (appends) => {
      replication.written();
      pipeline.written(appends);
      commitLog.prepareNextSegment();
      wakeFollowers();
    },
    rolledBack: (appends, { error }) => {
      // Offsets go back in the order in which they were given, last one first.
      for (let i = appends.length - 1; i >= 0; i--) {
        if (appends[i].takesQueueOffset) appends[i].queue.assignedOffset = appends[i].queueOffset;
      }
      commitLog.continueAt(writer.writtenOffset);
      events.rolledBack(appends.length);
      logger.error(`a write of the commit log failed, ${appends.length} messages were refused: ${error.message}`);
    },
  });
  const commitLog: CommitLog = new CommitLog(settings, segments, tail, group, clock, () => {
    const prepared = segments.last;
    fileSystem.syncFolder(settings.commitLogPath, (error) => {
      // When it failed, the flush that needs the name tries again, and is the one to fail.
      if (error === undefined && prepared !== undefined) prepared.nameDurable = true;
    });
  });
  const wakeFollowers = (): void => {
    maintenance.wake();
    index?.service.wake();
  };
  const rewriter = new LogRewriter(
    segments,
    tail,
    fileSystem,
    handles,
    async (fromOffset) => {
      const scanner = new LogScanner(segments, handles, defaults.RECOVERY_READ_BYTES);
      return (await scanner.scan(fromOffset, () => undefined)).physicalOffset;
    },
    () => checkpoint.point?.physicalOffset ?? 0,
  );
  const repair: FlushRepair = new FlushRepair(
    { retryMs: defaults.WRITE_RETRY_INTERVAL_MS, maxRetryMs: defaults.FLUSH_REPAIR_MAX_RETRY_MS },
    flush,
    group,
    rewriter,
    writer,
    clock,
    logger,
    (reason) => {
      events.broken(reason);
    },
    { note: () => doubts.note(LOG_DOUBT), settle: () => doubts.settle(LOG_DOUBT) },
  );
  const readGate = new ReadGate(defaults.MAX_WAITING_READS);
  const readCache = new ReadCache(
    {
      blockBytes: defaults.READ_BLOCK_BYTES,
      overlapBytes: defaults.READ_BLOCK_OVERLAP_BYTES,
      maxBytes: settings.readCacheBytes,
      maxSpentBytes: Math.min(defaults.READ_CACHE_SPENT_BYTES, settings.readCacheBytes),
    },
    segments,
    handles,
    readGate,
  );
  const readAhead = new ReadAhead(
    { blocks: defaults.READ_AHEAD_BLOCKS, maxUnusedBytes: settings.readCacheBytes / 2 },
    readCache,
    readGate,
    writtenOffset,
  );
  const reader = new RecordReader(
    { sparseBytes: defaults.READ_SPARSE_BYTES, pageCacheBytes: settings.pageCacheBytes },
    tail,
    readCache,
    readAhead,
    readGate,
    segments,
    handles,
    clock,
    newPace(),
    writtenOffset,
  );
  const replication: StoreReplication = buildReplication(settings, {
    segments,
    handles,
    tail,
    writer,
    flush,
    commitLog,
    dispatch,
    reader,
    clock,
    onWritten: () => {
      replication.written();
      wakeFollowers();
    },
  });
  const readLimits = {
    maxCountInMemory: settings.maxTransferCountInMemory,
    maxBytesInMemory: settings.maxTransferBytesInMemory,
    maxCountOnDisk: settings.maxTransferCountOnDisk,
    maxBytesOnDisk: settings.maxTransferBytesOnDisk,
    maxFilterScanBytes: settings.maxFilterScanBytes,
    maxPullBytes: defaults.MAX_PULL_BYTES,
    maxPullMessages: defaults.MAX_PULL_MESSAGES,
    inMemoryBytes: settings.inMemoryBytes,
  };
  const getter = new MessageGetter(
    { ...readLimits, fileEntries: settings.consumeQueueFileEntries },
    queues,
    segments,
    reader,
    writtenOffset,
    new UnreadableLog(defaults.UNREADABLE_REPORT_MS, clock, logger),
  );
  const filteredGetter = new FilteredGetter(
    {
      ...readLimits,
      maxFilterReadBytes: defaults.MAX_FILTER_READ_BYTES,
      filterTurnMs: defaults.FILTER_TURN_MS,
      chunkMessages: defaults.FILTER_CHUNK_MESSAGES,
      scratchBytes: defaults.FILTER_SCRATCH_BYTES,
    },
    getter,
    writtenOffset,
    clock,
  );
  const checkpoint = new StoreCheckpoint(join(rootPath, 'checkpoint'), fileSystem);
  const table = new QueueTableFile(
    {
      path: join(rootPath, 'queuetable'),
      fileEntries: settings.consumeQueueFileEntries,
      bootId: machine.bootId(),
      sliceMs: defaults.CONSUME_QUEUE_FLUSH_SLICE_MS,
    },
    fileSystem,
    clock,
  );
  const queueRepair: QueueRepair = new QueueRepair(
    { maxEntries: defaults.QUEUE_REPAIR_ENTRIES },
    queues,
    {
      scanner: new LogScanner(segments, handles, defaults.QUEUE_REPAIR_READ_BYTES),
      decoder: new RecordDecoder(settings.delayLevelsMs),
      fromOffset: () => Math.max(segments.minOffset, checkpoint.point?.physicalOffset ?? 0),
      toOffset: () => dispatch.dispatchedOffset,
    },
    doubts,
    logger,
  );
  const checkpoints = new CheckpointService(
    {
      intervalMs: settings.checkpointIntervalMs,
      logBytes: settings.checkpointLogBytes,
      manyQueues: settings.holdBackQueues,
      tableMinQueues: settings.queueTableMinQueues,
      queueSyncDelayMs: defaults.QUEUE_SYNC_DELAY_MS,
      stopSyncMs: defaults.STOP_SYNC_MS,
      retryMs: defaults.WRITE_RETRY_INTERVAL_MS,
      maxRetryMs: defaults.FLUSH_REPAIR_MAX_RETRY_MS,
    },
    checkpoint,
    queues,
    dispatch,
    flush,
    new QueueSync(queues, handles, clock, (queue, path, error) => {
      queueRepair.doubt(queue, path, error);
    }),
    queueRepair,
    table,
    doubts,
    () => segments.minOffset,
    clock,
    logger,
  );
  const writeBack = new QueueWriteBack(
    {
      holdBackQueues: settings.holdBackQueues,
      holdBackMs: defaults.CONSUME_QUEUE_HOLD_BACK_MS,
      holdBackEntries: defaults.CONSUME_QUEUE_HOLD_BACK_ENTRIES,
      quietMs: defaults.CONSUME_QUEUE_QUIET_MS,
      sliceMs: defaults.CONSUME_QUEUE_FLUSH_SLICE_MS,
      pauseMs: defaults.CONSUME_QUEUE_FLUSH_PAUSE_MS,
    },
    queues,
    clock,
  );
  const lookup = new RecordLookup(segments, reader, writtenOffset);
  const index = buildIndex(settings, {
    segments,
    handles,
    tail,
    dispatch,
    lookup,
    checkpoints,
    doubts,
    wakeMaintenance: () => {
      maintenance.wake();
    },
  });
  checkpoints.index = index?.service;
  const maintenance: Maintenance = new Maintenance(
    { intervalMs: settings.consumeQueueFlushIntervalMs, idleReleaseMs: settings.idleReleaseMs },
    queues,
    writeBack,
    checkpoints,
    tail,
    readCache,
    index?.service,
    clock,
    machine,
    logger,
  );
  const retention = buildRetention(settings, {
    segments,
    handles,
    queues,
    checkpoints,
    dispatch,
    index: index?.service,
    writer,
  });
  checkpoints.queuesFromOffset = () => retention.queuesFromOffset;
  const lock = new StoreLock(
    join(rootPath, 'lock'),
    { heartbeatMs: defaults.LOCK_HEARTBEAT_MS, staleMs: defaults.LOCK_STALE_MS },
    fileSystem,
    clock,
    machine,
    (reason) => {
      events.broken(`${reason}: another process may be using the store`);
    },
  );
  const offsetByTimestamp = new OffsetByTimestamp(reader);
  return {
    handles,
    segments,
    queues,
    tail,
    dispatch,
    writer,
    flush,
    repair,
    rewriter,
    pipeline,
    group,
    commitLog,
    readCache,
    reader,
    replication,
    getter,
    filteredGetter,
    checkpoint,
    table,
    checkpoints,
    lookup,
    index,
    maintenance,
    retention,
    lock,
    abort,
    doubts,
    offsetByTimestamp,
  };
}
