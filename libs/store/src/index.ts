export type { Dispatcher, DispatchRequest } from './dispatch/dispatch-request.js';
export type { ArrivalListener } from './dispatch/dispatch-service.js';
export { deliverTimestamp } from './dispatch/tags-code.js';
export type { StoreErrorCode } from './errors.js';
export { StoreError } from './errors.js';
export type { Clock, Timer } from './io/clock.js';
export { SystemClock } from './io/clock.js';
export type {
  DiskUsage,
  FileStat,
  FileSystem,
  FolderEntry,
  OpenOptions,
  ReadDone,
  StoreFile,
  WriteDone,
} from './io/file-system.js';
export { NodeFileSystem } from './io/node-file-system.js';
export type { Machine } from './io/machine.js';
export { LocalMachine } from './io/machine.js';
export type { IndexOptions } from './index-file/index-options.js';
export type { IndexStats } from './index-file/index-service.js';
export type { QueryMessageResult } from './index-file/message-query.js';
export { lockStoreFolder } from './lock/lock-folder.js';
export { MessageStore } from './message-store.js';
export type { MessageStoreOptions } from './message-store-options.js';
export type { DiskRatios } from './retention/disk-watch.js';
export type { HeldAnswers } from './dispatch/dispatch-service.js';
export type { PendingAppend } from './commit-log/pending-append.js';
export type { ConfirmGate } from './replication/confirm-gate.js';
export { EpochFile } from './replication/epoch-file.js';
export { type EpochEntry, EpochTable } from './replication/epoch-table.js';
export type { StoreReplication } from './replication/store-replication.js';
export type { RetentionOptions } from './retention/retention-options.js';
export type { RecoveryReport } from './recovery/recovery-report.js';
export type { Finding, FindingKind } from './verify/finding.js';
export type { StoreCheckpoint } from './checkpoint/store-checkpoint.js';
export type { QueueSummary } from './verify/queue-row-check.js';
export type { LogItem, QueueItem, RecordFilter, StoreReaderOptions } from './verify/store-reader.js';
export { StoreReader } from './verify/store-reader.js';
export type { TimerFilter, TimerItem, TimerProgress, TimerState } from './verify/timer-reader.js';
export type { StoreSurvey, SurveyedFile, SurveyedQueue, SurveyOptions } from './verify/store-survey.js';
export type { VerifyOptions, VerifyProgress, VerifyReport } from './verify/verify-store.js';
export { describeStep, planRepair, type PlanOptions, type RepairStep } from './verify/repair/repair-plan.js';
export {
  repairStore,
  type RepairOptions,
  type RepairProgress,
  type RepairReport,
} from './verify/repair/repair-store.js';
export { TimerMessageStore, type TimerStats } from './timer/timer-message-store.js';
export type { TimerOptions } from './timer/timer-options.js';
export { verifyStore } from './verify/verify-store.js';
export * as StoreDefaults from './defaults.js';
export type * from './types.js';
