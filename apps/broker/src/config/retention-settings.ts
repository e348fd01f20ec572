import { setting } from '@rocknest/config';
import { StoreDefaults } from '@rocknest/store';

const RETENTION = 'Retention';
const HOURS = '(?:[01]?\\d|2[0-3])';

function percent(defaultPercent: number, description: string) {
  return setting.integer({ default: defaultPercent, min: 1, max: 100, unit: '%', description, section: RETENTION });
}

/** What is deleted, and when: RocketMQ's own keys (`store/config/MessageStoreConfig.java`), which cuts the ratios to 95, 85 and 90. */
export const retentionSettings = {
  fileReservedTime: setting.integer({
    default: StoreDefaults.FILE_RESERVED_TIME_HOURS,
    min: 1,
    max: 1_000_000,
    unit: 'hours',
    description:
      'How long messages are kept: a file of the commit log is deleted as a whole when its last write is this long ago.',
    section: RETENTION,
    important: true,
  }),
  deleteWhen: setting.string({
    default: StoreDefaults.DELETE_WHEN,
    pattern: new RegExp(`^${HOURS}(?:;${HOURS})*;?$`),
    allowed: 'hours from 00 to 23, joined by ;',
    description: 'Hours of the day, local time, in which expired files are deleted.',
    section: RETENTION,
    important: true,
  }),
  diskMaxUsedSpaceRatio: percent(
    StoreDefaults.DISK_MAX_USED_SPACE_RATIO,
    'With the disk fuller than this, expired files are deleted at any hour.',
  ),
  diskSpaceCleanForciblyRatio: percent(
    StoreDefaults.DISK_SPACE_CLEAN_FORCIBLY_RATIO,
    'With the disk fuller than this, the oldest files are deleted before fileReservedTime, as many as needed (cleanFileForciblyEnable).',
  ),
  diskSpaceWarningLevelRatio: percent(
    StoreDefaults.DISK_SPACE_WARNING_LEVEL_RATIO,
    'With the disk fuller than this, sends are refused (SERVICE_NOT_AVAILABLE) and consumers go on, until it is at diskSpaceCleanForciblyRatio or less. 100: never.',
  ),
  cleanFileForciblyEnable: setting.boolean({
    default: true,
    description: 'Whether a disk that is nearly full may cost messages before fileReservedTime.',
    section: RETENTION,
  }),
  cleanResourceInterval: setting.integer({
    default: StoreDefaults.CLEAN_RESOURCE_INTERVAL_MS,
    min: 10,
    max: 3_600_000,
    unit: 'ms',
    description: 'How often the age of files and the disk are looked at.',
    section: RETENTION,
  }),
  deleteFileBatchMax: setting.integer({
    default: StoreDefaults.DELETE_FILE_BATCH_MAX,
    min: 1,
    max: 100_000,
    description: 'Files of the commit log deleted each time at most.',
    section: RETENTION,
  }),
  deleteCommitLogFilesInterval: setting.integer({
    default: StoreDefaults.DELETE_COMMIT_LOG_FILES_INTERVAL_MS,
    min: 0,
    max: 600_000,
    unit: 'ms',
    description: 'Pause behind each deleted file of the commit log.',
    section: RETENTION,
  }),
  deleteConsumeQueueFilesInterval: setting.integer({
    default: StoreDefaults.DELETE_CONSUME_QUEUE_FILES_INTERVAL_MS,
    min: 0,
    max: 600_000,
    unit: 'ms',
    description: 'Pause behind each deleted file of a consume queue.',
    section: RETENTION,
  }),
  destroyMapedFileIntervalForcibly: setting.integer({
    default: StoreDefaults.DESTROY_FILE_FORCIBLY_MS,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    description: 'A file that is still being read is deleted after this time all the same; who reads it loses nothing.',
    section: RETENTION,
  }),
};
