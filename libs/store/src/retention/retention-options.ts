import * as defaults from '../defaults.js';
import { StoreError } from '../errors.js';
import { parseDeleteWhen } from './delete-when.js';

/** What is deleted, and when. Names and defaults are RocketMQ's (`MessageStoreConfig.java`), ratios are percents of the disk. */
export interface RetentionOptions {
  /** [fileReservedTime] Hours since the last write of a segment. @default 72 */
  readonly fileReservedTimeHours?: number;
  /** Local hours in which expired segments are deleted, joined by `;`. @default '04' */
  readonly deleteWhen?: string;
  /** Fuller: expired segments go at any hour. @default 75 */
  readonly diskMaxUsedSpaceRatio?: number;
  /** Fuller: the oldest segments go, expired or not. @default 85 */
  readonly diskSpaceCleanForciblyRatio?: number;
  /** Fuller: no message is taken, until the disk is at `diskSpaceCleanForciblyRatio` again. @default 90 */
  readonly diskSpaceWarningLevelRatio?: number;
  /** False: a segment is never deleted before its time. @default true */
  readonly cleanFileForciblyEnable?: boolean;
  /** [cleanResourceInterval] How often age and disk are looked at. @default 10,000 */
  readonly cleanResourceIntervalMs?: number;
  /** [deleteCommitLogFilesInterval] Pause behind each deleted segment. @default 100 */
  readonly deleteCommitLogFilesIntervalMs?: number;
  /** [deleteConsumeQueueFilesInterval] Pause behind each deleted consume queue file. @default 100 */
  readonly deleteConsumeQueueFilesIntervalMs?: number;
  /** Segments deleted at most each time. @default 10 */
  readonly deleteFileBatchMax?: number;
  /** [destroyMapedFileIntervalForcibly] A file that somebody still reads is deleted after this long. @default 120,000 */
  readonly destroyFileForciblyMs?: number;
}

export type RetentionSettings = Required<RetentionOptions>;

/** Fills in the defaults. Throws `STORE_OPTIONS` for values that cannot work. */
export function resolveRetention(options: RetentionOptions): RetentionSettings {
  const settings: RetentionSettings = {
    fileReservedTimeHours: options.fileReservedTimeHours ?? defaults.FILE_RESERVED_TIME_HOURS,
    deleteWhen: options.deleteWhen ?? defaults.DELETE_WHEN,
    diskMaxUsedSpaceRatio: options.diskMaxUsedSpaceRatio ?? defaults.DISK_MAX_USED_SPACE_RATIO,
    diskSpaceCleanForciblyRatio: options.diskSpaceCleanForciblyRatio ?? defaults.DISK_SPACE_CLEAN_FORCIBLY_RATIO,
    diskSpaceWarningLevelRatio: options.diskSpaceWarningLevelRatio ?? defaults.DISK_SPACE_WARNING_LEVEL_RATIO,
    cleanFileForciblyEnable: options.cleanFileForciblyEnable ?? true,
    cleanResourceIntervalMs: options.cleanResourceIntervalMs ?? defaults.CLEAN_RESOURCE_INTERVAL_MS,
    deleteCommitLogFilesIntervalMs:
      options.deleteCommitLogFilesIntervalMs ?? defaults.DELETE_COMMIT_LOG_FILES_INTERVAL_MS,
    deleteConsumeQueueFilesIntervalMs:
      options.deleteConsumeQueueFilesIntervalMs ?? defaults.DELETE_CONSUME_QUEUE_FILES_INTERVAL_MS,
    deleteFileBatchMax: options.deleteFileBatchMax ?? defaults.DELETE_FILE_BATCH_MAX,
    destroyFileForciblyMs: options.destroyFileForciblyMs ?? defaults.DESTROY_FILE_FORCIBLY_MS,
  };
  parseDeleteWhen(settings.deleteWhen);
  for (const name of ['diskMaxUsedSpaceRatio', 'diskSpaceCleanForciblyRatio', 'diskSpaceWarningLevelRatio'] as const) {
    const percent = settings[name];
    if (percent >= 0 && percent <= 100) continue;
    throw new StoreError('STORE_OPTIONS', `${name} is ${percent}: a percentage from 0 to 100 is needed`, {
      [name]: percent,
    });
  }
  return settings;
}
