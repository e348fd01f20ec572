import type { RetentionOptions } from '@rocknest/store';
import type { BrokerConfig } from '../config/broker-settings.js';

/** The store's own names for the settings of retention. */
export function retentionOptions(config: BrokerConfig): Required<RetentionOptions> {
  return {
    fileReservedTimeHours: config.fileReservedTime,
    deleteWhen: config.deleteWhen,
    diskMaxUsedSpaceRatio: config.diskMaxUsedSpaceRatio,
    diskSpaceCleanForciblyRatio: config.diskSpaceCleanForciblyRatio,
    diskSpaceWarningLevelRatio: config.diskSpaceWarningLevelRatio,
    cleanFileForciblyEnable: config.cleanFileForciblyEnable,
    cleanResourceIntervalMs: config.cleanResourceInterval,
    deleteFileBatchMax: config.deleteFileBatchMax,
    deleteCommitLogFilesIntervalMs: config.deleteCommitLogFilesInterval,
    deleteConsumeQueueFilesIntervalMs: config.deleteConsumeQueueFilesInterval,
    destroyFileForciblyMs: config.destroyMapedFileIntervalForcibly,
  };
}
