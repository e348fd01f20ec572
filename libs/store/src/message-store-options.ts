import { join } from 'node:path';
import * as defaults from './defaults.js';
import { StoreError } from './errors.js';
import type { Clock } from './io/clock.js';
import { SystemClock } from './io/clock.js';
import type { IndexOptions } from './index-file/index-options.js';
import { resolveIndex } from './index-file/index-options.js';
import type { FileSystem } from './io/file-system.js';
import type { Machine } from './io/machine.js';
import { LocalMachine } from './io/machine.js';
import { NodeFileSystem } from './io/node-file-system.js';
import type { RetentionOptions } from './retention/retention-options.js';
import { resolveRetention } from './retention/retention-options.js';
import type { FlushDiskType, StoreLogger } from './types.js';

/** Settings of a store. Each default, and its reason, stands in defaults.ts. RocketMQ's name of a setting is in brackets. */
export interface MessageStoreOptions extends RetentionOptions, IndexOptions {
  /** [storePathRootDir] Folder of the store; made when it does not exist. */
  readonly rootPath: string;
  /** [storePathCommitLog] @default `<rootPath>/commitlog` */
  readonly commitLogPath?: string;
  /** `ip:port` that stored records and message ids carry. May be set later, before the first put, with `setStoreHost`. */
  readonly storeHost?: string | (() => string);
  /** [flushDiskType] @default 'ASYNC_FLUSH' */
  readonly flushDiskType?: FlushDiskType;
  /** [mappedFileSizeCommitLog] @default 1 GiB */
  readonly segmentSizeBytes?: number;
  /** [mappedFileSizeConsumeQueue / 20] @default 300,000 */
  readonly consumeQueueFileEntries?: number;
  /** [maxMessageSize] Of the body. @default 4 MiB */
  readonly maxMessageSizeBytes?: number;
  /** [messageDelayLevel] Delay of each level in ms, level 1 first. @default RocketMQ's 18 levels */
  readonly delayLevelsMs?: readonly number[];
  /** Bytes encoded but not written; more are refused with OS_PAGE_CACHE_BUSY. @default 64 MiB */
  readonly maxBufferedBytes?: number;
  /** Appends waiting for a write or an fdatasync; more are refused with OS_PAGE_CACHE_BUSY. @default 100,000 */
  readonly maxPendingAppends?: number;
  /** [osPageCacheBusyTimeOutMills] @default 1,000 */
  readonly osPageCacheBusyTimeoutMs?: number;
  /** Larger commits are written off the event loop. @default 512 KiB */
  readonly syncWriteMaxBytes?: number;
  /** [flushIntervalCommitLog] @default 500 */
  readonly flushIntervalMs?: number;
  /** [syncFlushTimeout] @default 5,000 */
  readonly syncFlushTimeoutMs?: number;
  /** [flushIntervalConsumeQueue] @default 1,000 */
  readonly consumeQueueFlushIntervalMs?: number;
  /** @default 10,000 */
  readonly checkpointIntervalMs?: number;
  /** @default 256 MiB */
  readonly checkpointLogBytes?: number;
  /** Recently written log in memory. @default 64 MiB */
  readonly tailCacheBytes?: number;
  /** Blocks of older log in memory. @default 32 MiB */
  readonly readCacheBytes?: number;
  /** Caches are given back after so long without use. @default 15,000 */
  readonly idleReleaseMs?: number;
  /** [accessMessageInMemoryMaxRatio] Log behind the end that counts as in memory. @default 40 % of the machine's memory */
  readonly inMemoryBytes?: number;
  /** Log behind the end that is read on the event loop. @default 25 % of the machine's memory */
  readonly pageCacheBytes?: number;
  /** [maxTransferCountOnMessageInMemory] @default 32 */
  readonly maxTransferCountInMemory?: number;
  /** [maxTransferBytesOnMessageInMemory] @default 256 KiB */
  readonly maxTransferBytesInMemory?: number;
  /** [maxTransferCountOnMessageInDisk] @default 8 */
  readonly maxTransferCountOnDisk?: number;
  /** [maxTransferBytesOnMessageInDisk] @default 64 KiB */
  readonly maxTransferBytesOnDisk?: number;
  /** [maxFilterMessageSize] @default 16,000 */
  readonly maxFilterScanBytes?: number;
  /** Descriptors of log and queue files. @default 256 */
  readonly maxOpenFiles?: number;
  /** With more queues than this to write, their entries are held back for up to 60 s: the queue table keeps them. @default 256 */
  readonly holdBackQueues?: number;
  /** With at least so many queues a queue table is kept, which spares the start a look into each queue file. @default 1,000 */
  readonly queueTableMinQueues?: number;
  /** Damage before whole messages: refuse to open, or cut everything from the damage on. @default 'REFUSE' */
  readonly damagedLog?: 'REFUSE' | 'CUT';
  /** Everything from this offset on is taken out of the log before it is recovered: the group did not take it over. */
  readonly cutAtOffset?: number;
  /** @default warnings and errors to standard error */
  readonly logger?: StoreLogger;
  /** @default the machine's */
  readonly fileSystem?: FileSystem;
  readonly clock?: Clock;
  readonly machine?: Machine;
}

/** All settings, with the defaults filled in. */
export interface StoreSettings extends Required<Omit<MessageStoreOptions, 'storeHost' | 'cutAtOffset'>> {
  readonly cutAtOffset: number | undefined;
  readonly storeHost: string | (() => string) | undefined;
  readonly consumeQueuePath: string;
  readonly maxRecordBytes: number;
}

const consoleLogger: StoreLogger = {
  log() {},
  warn(message) {
    console.warn(`[rocknest store] ${message}`);
  },
  error(message) {
    console.error(`[rocknest store] ${message}`);
  },
};

/** A record with everything in it that may have a length needs this much of a segment. */
const MIN_SEGMENT_BYTES = 1024;

/** Fills in the defaults. Throws `STORE_OPTIONS` for values that cannot work. */
export function resolveSettings(options: MessageStoreOptions): StoreSettings {
  const machine = options.machine ?? new LocalMachine();
  const maxMessageSizeBytes = options.maxMessageSizeBytes ?? defaults.MAX_MESSAGE_SIZE_BYTES;
  const settings: StoreSettings = {
    rootPath: options.rootPath,
    commitLogPath: options.commitLogPath ?? join(options.rootPath, 'commitlog'),
    consumeQueuePath: join(options.rootPath, 'consumequeue'),
    storeHost: options.storeHost,
    flushDiskType: options.flushDiskType ?? 'ASYNC_FLUSH',
    segmentSizeBytes: options.segmentSizeBytes ?? defaults.SEGMENT_SIZE_BYTES,
    consumeQueueFileEntries: options.consumeQueueFileEntries ?? defaults.CONSUME_QUEUE_FILE_ENTRIES,
    maxMessageSizeBytes,
    maxRecordBytes: maxMessageSizeBytes + defaults.RECORD_OVERHEAD_BYTES,
    delayLevelsMs: options.delayLevelsMs ?? defaults.DELAY_LEVELS_MS,
    maxBufferedBytes: options.maxBufferedBytes ?? defaults.MAX_BUFFERED_BYTES,
    maxPendingAppends: options.maxPendingAppends ?? defaults.MAX_PENDING_APPENDS,
    osPageCacheBusyTimeoutMs: options.osPageCacheBusyTimeoutMs ?? defaults.OS_PAGE_CACHE_BUSY_TIMEOUT_MS,
    syncWriteMaxBytes: options.syncWriteMaxBytes ?? defaults.SYNC_WRITE_MAX_BYTES,
    flushIntervalMs: options.flushIntervalMs ?? defaults.FLUSH_INTERVAL_MS,
    syncFlushTimeoutMs: options.syncFlushTimeoutMs ?? defaults.SYNC_FLUSH_TIMEOUT_MS,
    consumeQueueFlushIntervalMs: options.consumeQueueFlushIntervalMs ?? defaults.CONSUME_QUEUE_FLUSH_INTERVAL_MS,
    checkpointIntervalMs: options.checkpointIntervalMs ?? defaults.CHECKPOINT_INTERVAL_MS,
    checkpointLogBytes: options.checkpointLogBytes ?? defaults.CHECKPOINT_LOG_BYTES,
    tailCacheBytes: options.tailCacheBytes ?? defaults.TAIL_CACHE_BYTES,
    readCacheBytes: options.readCacheBytes ?? defaults.READ_CACHE_BYTES,
    idleReleaseMs: options.idleReleaseMs ?? defaults.IDLE_RELEASE_MS,
    inMemoryBytes: options.inMemoryBytes ?? machine.memoryBytes * defaults.IN_MEMORY_SHARE,
    pageCacheBytes: options.pageCacheBytes ?? machine.memoryBytes * defaults.PAGE_CACHE_SHARE,
    maxTransferCountInMemory: options.maxTransferCountInMemory ?? defaults.MAX_TRANSFER_COUNT_IN_MEMORY,
    maxTransferBytesInMemory: options.maxTransferBytesInMemory ?? defaults.MAX_TRANSFER_BYTES_IN_MEMORY,
    maxTransferCountOnDisk: options.maxTransferCountOnDisk ?? defaults.MAX_TRANSFER_COUNT_ON_DISK,
    maxTransferBytesOnDisk: options.maxTransferBytesOnDisk ?? defaults.MAX_TRANSFER_BYTES_ON_DISK,
    maxFilterScanBytes: options.maxFilterScanBytes ?? defaults.MAX_FILTER_SCAN_BYTES,
    maxOpenFiles: options.maxOpenFiles ?? defaults.MAX_OPEN_FILES,
    holdBackQueues: options.holdBackQueues ?? defaults.CONSUME_QUEUE_HOLD_BACK_QUEUES,
    queueTableMinQueues: options.queueTableMinQueues ?? defaults.QUEUE_TABLE_MIN_QUEUES,
    damagedLog: options.damagedLog ?? 'REFUSE',
    cutAtOffset: options.cutAtOffset,
    ...resolveRetention(options),
    ...resolveIndex(options),
    logger: options.logger ?? consoleLogger,
    fileSystem: options.fileSystem ?? new NodeFileSystem(),
    clock: options.clock ?? new SystemClock(),
    machine,
  };
  checkSettings(settings);
  return settings;
}

function checkSettings(settings: StoreSettings): void {
  if (settings.rootPath === '')
    throw new StoreError('STORE_OPTIONS', 'rootPath is empty: name the folder of the store');
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value !== 'number' || (Number.isFinite(value) && value >= 0)) continue;
    throw new StoreError('STORE_OPTIONS', `${name} is ${value}: a number of at least 0 is needed`, { [name]: value });
  }
  const { segmentSizeBytes, consumeQueueFileEntries } = settings;
  if (
    !Number.isSafeInteger(segmentSizeBytes) ||
    segmentSizeBytes < MIN_SEGMENT_BYTES ||
    segmentSizeBytes > 0x7fff_ffff
  ) {
    throw new StoreError(
      'STORE_OPTIONS',
      `segmentSizeBytes is ${segmentSizeBytes}: ${MIN_SEGMENT_BYTES} to 2147483647 bytes are possible`,
      {
        segmentSizeBytes,
      },
    );
  }
  if (!Number.isSafeInteger(consumeQueueFileEntries) || consumeQueueFileEntries < 1) {
    throw new StoreError(
      'STORE_OPTIONS',
      `consumeQueueFileEntries is ${consumeQueueFileEntries}: at least 1 is needed`,
    );
  }
}
