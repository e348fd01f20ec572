import { join } from 'node:path';
import type { CheckpointService } from '../checkpoint/checkpoint-service.js';
import { type FlushDoubts, INDEX_DOUBT } from '../checkpoint/flush-doubts.js';
import type { SegmentList } from '../commit-log/segment-list.js';
import type { TailCache } from '../commit-log/tail-cache.js';
import * as defaults from '../defaults.js';
import type { DispatchService } from '../dispatch/dispatch-service.js';
import type { HandlePool } from '../io/handle-pool.js';
import type { StoreSettings } from '../message-store-options.js';
import type { RecordLookup } from '../read/record-lookup.js';
import { IndexService } from './index-service.js';
import { LogCursor } from './log-cursor.js';
import { MessageQuery } from './message-query.js';

export interface IndexSurroundings {
  readonly segments: SegmentList;
  readonly handles: HandlePool;
  readonly tail: TailCache;
  readonly dispatch: DispatchService;
  readonly lookup: RecordLookup;
  readonly checkpoints: CheckpointService;
  readonly doubts: FlushDoubts;
  /** There may be something for the maintenance to do. */
  wakeMaintenance(): void;
}

/** The index and the queries it answers, wired; undefined when messageIndexEnable is false. */
export function buildIndex(
  settings: StoreSettings,
  parts: IndexSurroundings,
): { service: IndexService; query: MessageQuery } | undefined {
  if (!settings.messageIndexEnable) return undefined;
  const { segments, handles, tail, dispatch, lookup, checkpoints, doubts } = parts;
  const { fileSystem, clock, logger } = settings;
  const sizes = { slots: settings.maxHashSlotNum, entries: settings.maxIndexNum };
  const cursor = new LogCursor(
    { readBytes: defaults.INDEX_READ_BYTES, sliceBytes: defaults.INDEX_SLICE_BYTES },
    tail,
    segments,
    handles,
    logger,
  );
  const service: IndexService = new IndexService(
    {
      folder: join(settings.rootPath, 'index'),
      intervalMs: defaults.INDEX_INTERVAL_MS,
      // Before the tail cache gives the messages up.
      wakeBytes: Math.min(defaults.INDEX_WAKE_BYTES, settings.tailCacheBytes / defaults.TAIL_CACHE_MIN_CHUNKS),
      batchKeys: defaults.INDEX_BATCH_KEYS,
      maxKeysPerMessage: defaults.MAX_PROPERTIES_BYTES,
      catchUpBytes: defaults.INDEX_CATCH_UP_BYTES,
      progressBytes: defaults.INDEX_PROGRESS_BYTES,
      retryMs: defaults.INDEX_RETRY_MS,
      maxRetryMs: defaults.INDEX_MAX_RETRY_MS,
    },
    {
      sizes,
      fileSystem,
      handles,
      bufferEntries: defaults.INDEX_BUFFER_ENTRIES,
      onLostPages: () => {
        doubts.note(INDEX_DOUBT);
        service.doubt();
      },
    },
    cursor,
    dispatch,
    () => segments.minOffset,
    (physicalOffset, keyHash) => query.hasKey(physicalOffset, keyHash),
    () => checkpoints.take(),
    () => {
      parts.wakeMaintenance();
    },
    () => doubts.settle(INDEX_DOUBT),
    fileSystem,
    clock,
    logger,
  );
  const query: MessageQuery = new MessageQuery(
    {
      maxSteps: defaults.INDEX_QUERY_MAX_STEPS,
      maxMs: defaults.INDEX_QUERY_MAX_MS,
      maxMessages: settings.maxMsgsNumBatch,
      maxBytes: defaults.QUERY_MAX_BYTES,
      maxConcurrent: defaults.MAX_CONCURRENT_QUERIES,
      maxWaiting: defaults.MAX_WAITING_QUERIES,
    },
    service,
    lookup,
    clock,
    logger,
  );
  return { service, query };
}
