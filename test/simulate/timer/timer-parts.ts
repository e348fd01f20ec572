import { TIMER_TOPIC } from '@rocknest/protocol';
import { MessageStore } from '../../../libs/store/src/message-store.js';
import type { SimProcess } from '../../../libs/store/src/simulation/sim-host.js';
import { ROOT_PATH } from '../../../libs/store/src/simulation/sim-options.js';
import { TimerMessageStore } from '../../../libs/store/src/timer/timer-message-store.js';
import type { StoreLogger } from '../../../libs/store/src/types.js';
import type { TimerConfig } from './timer-history.js';

const ALL_HOURS = Array.from({ length: 24 }, (_, hour) => String(hour)).join(';');
const FOR_EVER_MS = 1e12;

/** The store of a history, for one process. `isDamaged`: the disk lost pages that were called written. */
export function makeStore(
  config: TimerConfig,
  process: SimProcess,
  isDamaged: boolean,
  logger: StoreLogger,
): MessageStore {
  return new MessageStore({
    rootPath: ROOT_PATH,
    storeHost: '127.0.0.1:10911',
    flushDiskType: config.flushDiskType,
    segmentSizeBytes: config.segmentSizeBytes,
    consumeQueueFileEntries: config.consumeQueueFileEntries,
    flushIntervalMs: config.flushIntervalMs,
    consumeQueueFlushIntervalMs: config.consumeQueueFlushIntervalMs,
    checkpointIntervalMs: config.checkpointIntervalMs,
    fileReservedTimeHours: (config.reservedMs ?? FOR_EVER_MS) / 3_600_000,
    deleteWhen: ALL_HOURS,
    cleanFileForciblyEnable: false,
    diskMaxUsedSpaceRatio: 100,
    diskSpaceCleanForciblyRatio: 100,
    diskSpaceWarningLevelRatio: 100,
    cleanResourceIntervalMs: 5_000,
    damagedLog: isDamaged ? 'CUT' : 'REFUSE',
    fileSystem: process.fileSystem,
    clock: process.clock,
    machine: process.machine,
    logger,
  });
}

/** The timer over it, as the broker puts it together. */
export function makeTimer(
  config: TimerConfig,
  process: SimProcess,
  store: MessageStore,
  logger: StoreLogger,
): TimerMessageStore {
  const timer = new TimerMessageStore(store, {
    rootPath: ROOT_PATH,
    fileSystem: process.fileSystem,
    clock: process.clock,
    logger,
    logFileSizeBytes: config.timerLogFileBytes,
    flushIntervalMs: config.timerFlushIntervalMs,
    rollWindowMs: config.rollWindowMs,
  });
  store.onArrival((topic) => {
    if (topic === TIMER_TOPIC) timer.onArrival();
  });
  return timer;
}
