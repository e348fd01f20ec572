import type { MessageStoreOptions } from '../message-store-options.js';
import type { SimConfig } from './history.js';

/** A folder that was there before the store. */
export const MOUNT_PATH = '/disk';
export const ROOT_PATH = `${MOUNT_PATH}/store`;

const ALL_HOURS = Array.from({ length: 24 }, (_, hour) => String(hour)).join(';');

/** The options of the store in a history. */
export function storeOptions(config: SimConfig): MessageStoreOptions {
  return {
    ...config,
    rootPath: ROOT_PATH,
    storeHost: '127.0.0.1:10911',
    fileReservedTimeHours: config.retention ? 0.0005 : 1_000_000,
    deleteWhen: ALL_HOURS,
    cleanFileForciblyEnable: config.retention,
    diskMaxUsedSpaceRatio: config.retention ? 75 : 100,
    diskSpaceCleanForciblyRatio: config.retention ? 85 : 100,
    diskSpaceWarningLevelRatio: config.retention ? 90 : 100,
    cleanResourceIntervalMs: config.retention ? 100 : 1_000_000,
    deleteCommitLogFilesIntervalMs: 5,
    deleteConsumeQueueFilesIntervalMs: 5,
  };
}
