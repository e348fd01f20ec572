export { parseAddress, type HostAndPort } from './addresses.js';
export type { CommandLineAction } from './command-line.js';
export { environmentName } from './environment.js';
export {
  LiveSettings,
  SettingsUpdateError,
  type LiveSettingsOptions,
  type SettingsInForce,
  type SettingsUpdateErrorCode,
} from './live-settings.js';
export { loadSettings, settingsFrom, settingsInForce, type LoadedSettings, type LoadOptions } from './load-settings.js';
export { settingsDocument } from './print/settings-document.js';
export { ConfigError, type ConfigProblem } from './problems.js';
export { formatProperty, parseProperties, type PropertyEntry } from './properties.js';
export { ROCKETMQ_KEYS } from './rocketmq-keys.js';
export { setting } from './setting-kinds.js';
export { describeSource, type SettingSource } from './setting-source.js';
export type { Setting, SettingKind, SettingOptions } from './setting.js';
export {
  defineSettings,
  type SettingsDefinition,
  type SettingsOf,
  type SettingsRule,
  type SettingsShape,
  type SettingValues,
} from './settings-definition.js';
export {
  classifyDatabaseError,
  databaseError,
  DatabaseError,
  reasonOf,
  type DatabaseErrorCode,
} from './database/database-error.js';
export { databaseOptions, databaseTarget, type DatabaseSpec } from './database/database-options.js';
export {
  describeTarget,
  parseDatabaseUrl,
  redactDatabaseUrl,
  type DatabaseKind,
  type DatabaseTarget,
} from './database/database-url.js';
export { openDatabase, type OpenDatabase } from './database/open-database.js';
export { DataSource, EntitySchema, Table } from './database/typeorm.js';
export type {
  DataSourceOptions,
  MigrationInterface,
  QueryRunner,
  TableColumnOptions,
  ValueTransformer,
} from './database/typeorm.js';
export { DatabaseWriter, type DatabaseWriterOptions, type Transaction } from './database/database-writer.js';
