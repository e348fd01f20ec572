import { join } from 'node:path';
import type { DispatchRequest } from '../dispatch/dispatch-request.js';
import { LocalMachine, type Machine } from '../io/machine.js';
import type { Clock } from '../io/clock.js';
import { SystemClock } from '../io/clock.js';
import type { FileSystem } from '../io/file-system.js';
import { HandlePool } from '../io/handle-pool.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import { AbortFile } from '../checkpoint/abort-file.js';
import { StoreCheckpoint } from '../checkpoint/store-checkpoint.js';
import { ENTRY_BYTES } from '../consume-queue/queue-entry.js';
import { RecordDecoder } from '../commit-log/record-check.js';
import * as defaults from '../defaults.js';
import { LogScanner } from '../recovery/log-scanner.js';
import { checkCheckpoint } from './checkpoint-check.js';
import { Findings, type Finding } from './finding.js';
import { checkIndex, RMQ_INDEX_SIZES } from './index-check.js';
import { IndexEntries, indexFilePaths } from './index-entries.js';
import { IndexLogCheck } from './index-log-check.js';
import { checkLogFiles, tellLogDamage } from './log-findings.js';
import { walkLog, type DamagedRange, type LogWalkResult } from './log-walk.js';
import { QueueChecks } from './queue-checks.js';
import { tellMissing } from './queue-missing.js';
import { QueueRowCheck, type QueueSummary } from './queue-row-check.js';
import { LOST_PROPERTY, SKIPPED_TOPIC } from './repair/fill-records.js';
import { refuseInUse } from './refuse-in-use.js';
import { ReadOnlyFileSystem } from './read-only-file-system.js';
import { checkTimer, type TimerSummary } from './timer-check.js';
import { LogRow, surveyStore, type StoreSurvey, type SurveyOptions } from './store-survey.js';

/** How far a check is. */
export interface VerifyProgress {
  readonly step: 'LOG' | 'CONSUME_QUEUES' | 'INDEX' | 'TIMER';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface VerifyOptions extends SurveyOptions {
  /** [messageDelayLevel] @default RocketMQ's 18 levels */
  readonly delayLevelsMs?: readonly number[];
  /** [maxHashSlotNum, maxIndexNum] of the index, when they are not RocketMQ's. */
  readonly indexSizes?: { readonly slots: number; readonly entries: number };
  /** Look at a store that a broker is using: what is being written then counts as not there yet. @default false: refused */
  readonly inUse?: boolean;
  /** Findings listed at most; the others are counted. @default 1,000 */
  readonly maxFindings?: number;
  /** Called often; throwing ends the check with that error. */
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly fileSystem?: FileSystem;
  readonly clock?: Clock;
  readonly machine?: Machine;
}

/** What a store holds, and what is wrong with it. */
export interface VerifyReport {
  readonly survey: StoreSurvey;
  /** The last run ended properly. */
  readonly cleanStop: boolean;
  readonly log: {
    readonly minOffset: number;
    readonly endOffset: number;
    /** Start of the last whole record; -1 without one. */
    readonly lastRecordOffset: number;
    /** Behind it: before `endOffset` when the log ends with the filler of a file. */
    readonly lastRecordEndOffset: number;
    readonly records: number;
    readonly recordBytes: number;
    /** Bytes before the end that are no records. */
    readonly damagedBytes: number;
    readonly firstStoreTimestamp: number | undefined;
    readonly lastStoreTimestamp: number | undefined;
  };
  readonly damagedRanges: readonly DamagedRange[];
  /** Behind the last byte of a torn tail; the end of the log when there is none. */
  readonly tornEndOffset: number;
  readonly queues: readonly QueueSummary[];
  /** Entries of all queue files, fillers included, as a checkpoint counts them. */
  readonly queueEntries: number;
  readonly checkpoint: StoreCheckpoint;
  /** What waits for its time; undefined in a store without timer messages. */
  readonly timer: TimerSummary | undefined;
  readonly findings: readonly Finding[];
  readonly damageCount: number;
  readonly noticeCount: number;
  /** Findings that are counted, but not listed. */
  readonly omittedFindings: number;
  readonly readBytes: number;
  readonly durationMs: number;
}

/** Places of earlier repairs that are remembered; units that lead to others count as wrong. */
const MAX_FILLED_RANGES = 100_000;
const DEFAULT_MAX_FINDINGS = 1_000;

/** Checks a whole store without changing anything. Throws `STORE_NOT_FOUND`, `STORE_LOCKED`, or what the file system throws. */
export async function verifyStore(options: VerifyOptions): Promise<VerifyReport> {
  const inner = options.fileSystem ?? new NodeFileSystem();
  const fileSystem = new ReadOnlyFileSystem(inner);
  const clock = options.clock ?? new SystemClock();
  const machine = options.machine ?? new LocalMachine();
  const survey = surveyStore(options, fileSystem);
  if (options.inUse !== true) await refuseInUse(options.rootPath, fileSystem, clock, machine);
  const handles = new HandlePool(fileSystem, defaults.MAX_OPEN_FILES);
  try {
    return await new StoreVerifier(options, survey, fileSystem, handles, clock, machine).run();
  } finally {
    handles.closeAll();
  }
}

class StoreVerifier {
  private readonly findings: Findings;
  private readonly filled: { readonly fromOffset: number; toOffset: number }[] = [];
  private records = 0;
  private recordBytes = 0;
  private lastRecordOffset = -1;
  private lastRecordEndOffset = 0;
  private firstStoreTimestamp: number | undefined = undefined;
  private lastStoreTimestamp: number | undefined = undefined;

  constructor(
    private readonly options: VerifyOptions,
    private readonly survey: StoreSurvey,
    private readonly fileSystem: ReadOnlyFileSystem,
    private readonly handles: HandlePool,
    private readonly clock: Clock,
    private readonly machine: Machine,
  ) {
    this.findings = new Findings(options.maxFindings ?? DEFAULT_MAX_FINDINGS);
  }

  async run(): Promise<VerifyReport> {
    const startMs = this.clock.monotonicMs();
    const { survey, findings, fileSystem } = this;
    const { rootPath } = survey;
    const cleanStop = new AbortFile(join(rootPath, 'abort'), fileSystem, this.machine).find() === undefined;
    const mayBeBehind = !cleanStop || this.options.inUse === true;
    if (!cleanStop && this.options.inUse !== true) this.tellUncleanStop();
    const checkpoint = new StoreCheckpoint(join(rootPath, 'checkpoint'), fileSystem);
    checkpoint.peek();
    checkLogFiles(survey, findings);
    const row = new LogRow(survey.logFiles, survey.segmentSizeBytes);
    const checks = new QueueChecks(survey, this.handles, findings);
    const point = checkpoint.point?.physicalOffset;
    const indexPaths = indexFilePaths(fileSystem, rootPath);
    const index = this.indexLogCheck(indexPaths, row.minOffset);
    const { walk, sawPoint } = await this.walk(row, checks, index, point);
    tellLogDamage(survey, row, walk, mayBeBehind, findings);
    const queues = await this.checkQueues(row, checks, walk, mayBeBehind);
    tellMissing(checks, queues, { consumeQueuePath: survey.consumeQueuePath, mayBeBehind }, findings);
    const queueEntries = entriesOf(survey, queues);
    checkCheckpoint(
      checkpoint,
      {
        rootPath,
        logEndOffset: walk.endOffset,
        logIsEmpty: this.records === 0 && walk.nonZeroEnd === walk.endOffset,
        pointIsBorder: point === undefined || point <= row.minOffset ? undefined : sawPoint || point === walk.endOffset,
        entryCount: queueEntries,
        mayBeBehind,
      },
      findings,
    );
    const isLost = (physicalOffset: number): boolean =>
      isWithin(physicalOffset, walk.damaged) || isWithin(physicalOffset, this.filled);
    const toldPaths = await checkIndex(
      indexPaths,
      this.handles,
      { logEndOffset: walk.endOffset, sizes: this.options.indexSizes, mayBeBehind },
      findings,
      (doneBytes, totalBytes) => {
        this.options.onProgress?.({ step: 'INDEX', doneBytes, totalBytes });
        return this.letOthersRun();
      },
    );
    index?.tell(
      { folder: join(rootPath, 'index'), endOffset: walk.endOffset, mayBeBehind, toldPaths, isLost },
      findings,
    );
    const timer = await checkTimer(
      fileSystem,
      this.handles,
      {
        rootPath,
        logEndOffset: walk.endOffset,
        mayBeBehind,
        row,
        isLost,
        onProgress: (doneBytes, totalBytes) => this.options.onProgress?.({ step: 'TIMER', doneBytes, totalBytes }),
      },
      findings,
    );
    const damagedBytes = walk.damaged.reduce((sum, { fromOffset, toOffset }) => sum + toOffset - fromOffset, 0);
    return {
      survey,
      cleanStop,
      log: {
        minOffset: row.minOffset,
        endOffset: walk.endOffset,
        lastRecordOffset: this.lastRecordOffset,
        lastRecordEndOffset: this.lastRecordEndOffset,
        records: this.records,
        recordBytes: this.recordBytes,
        damagedBytes,
        firstStoreTimestamp: this.firstStoreTimestamp,
        lastStoreTimestamp: this.lastStoreTimestamp,
      },
      damagedRanges: walk.damaged,
      tornEndOffset: walk.nonZeroEnd,
      queues,
      queueEntries,
      checkpoint,
      timer,
      findings: findings.listed,
      damageCount: findings.damageCount,
      noticeCount: findings.noticeCount,
      omittedFindings: findings.omitted,
      readBytes: fileSystem.readBytes,
      durationMs: this.clock.monotonicMs() - startMs,
    };
  }

  private async walk(
    row: LogRow,
    checks: QueueChecks,
    index: IndexLogCheck | undefined,
    point: number | undefined,
  ): Promise<{ walk: LogWalkResult; sawPoint: boolean }> {
    const decoder = this.decoder();
    const scanner = new LogScanner(row, this.handles, defaults.RECOVERY_READ_BYTES);
    const last = this.survey.logFiles.at(-1);
    const lastBytes = Math.min(last?.sizeBytes ?? 0, last?.allocatedBytes ?? 0);
    const totalBytes = Math.max(0, (last?.start ?? 0) + lastBytes - row.minOffset);
    let sawPoint = false;
    let told = -1;
    const walk = await walkLog(row, scanner, (buffer, at, sizeBytes, physicalOffset) => {
      const record = decoder.decode(buffer, at, sizeBytes);
      this.records++;
      this.recordBytes += sizeBytes;
      this.lastRecordOffset = physicalOffset;
      this.lastRecordEndOffset = physicalOffset + sizeBytes;
      this.firstStoreTimestamp ??= record.storeTimestamp;
      this.lastStoreTimestamp = record.storeTimestamp;
      if (physicalOffset + sizeBytes === point || physicalOffset === point) sawPoint = true;
      this.noteFilled(record);
      checks.match(record);
      index?.match(buffer, at, sizeBytes, physicalOffset);
      const piece = Math.floor(physicalOffset / PROGRESS_STEP_BYTES);
      if (piece === told) return;
      told = piece;
      this.options.onProgress?.({
        step: 'LOG',
        doneBytes: Math.min(physicalOffset - row.minOffset, totalBytes),
        totalBytes,
      });
    });
    checks.releaseAll();
    return { walk, sawPoint };
  }

  /** Remembers where a repair put records in the place of lost ones. */
  private noteFilled({ topic, properties, physicalOffset, sizeBytes }: DispatchRequest): void {
    const isFilled = topic === SKIPPED_TOPIC || String(properties).includes(LOST_PROPERTY);
    if (!isFilled) return;
    const last = this.filled.at(-1);
    const toOffset = physicalOffset + sizeBytes;
    if (last?.toOffset === physicalOffset) last.toOffset = toOffset;
    else if (this.filled.length < MAX_FILLED_RANGES) this.filled.push({ fromOffset: physicalOffset, toOffset });
  }

  private async checkQueues(
    row: LogRow,
    checks: QueueChecks,
    walk: LogWalkResult,
    mayBeBehind: boolean,
  ): Promise<QueueSummary[]> {
    const { survey, findings, options } = this;
    const totalBytes = survey.queues.reduce(
      (sum, { files }) => sum + files.reduce((all, file) => all + file.sizeBytes, 0),
      0,
    );
    let doneBytes = 0;
    const summaries: QueueSummary[] = [];
    const context = {
      log: { ...walk, minOffset: row.minOffset },
      scanner: new LogScanner(row, this.handles, defaults.RECORD_HEAD_READ_BYTES),
      decoder: this.decoder(),
      findings,
      mayBeBehind,
      onFile: (bytes: number) => {
        doneBytes += bytes;
        options.onProgress?.({ step: 'CONSUME_QUEUES', doneBytes, totalBytes });
      },
    };
    for (const check of checks.all()) {
      if (check.reader === undefined) continue;
      summaries.push(await new QueueRowCheck(check.reader, context).run(check.matched));
      // Reading is synchronous here: let signals and timers in between queues.
      await this.letOthersRun();
    }
    return summaries;
  }

  private indexLogCheck(paths: readonly string[], minOffset: number): IndexLogCheck | undefined {
    const entries = new IndexEntries(paths, this.options.indexSizes ?? RMQ_INDEX_SIZES, this.handles);
    return entries.isEmpty ? undefined : new IndexLogCheck(entries, minOffset);
  }

  private letOthersRun(): Promise<void> {
    return new Promise((resolve) => {
      this.clock.defer(resolve);
    });
  }

  private decoder(): RecordDecoder {
    return new RecordDecoder(this.options.delayLevelsMs ?? defaults.DELAY_LEVELS_MS);
  }

  private tellUncleanStop(): void {
    this.findings.add({
      kind: 'UNCLEAN_STOP',
      severity: 'notice',
      path: join(this.survey.rootPath, 'abort'),
      text: 'the last run did not end properly (the file abort is there)',
      remedy: 'the next start recovers; what it does at the end of the log is not counted as damage here',
    });
  }
}

/** Whether an offset lies in one of the ranges, which are in order. */
function isWithin(
  physicalOffset: number,
  ranges: readonly { readonly fromOffset: number; readonly toOffset: number }[],
): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle].toOffset <= physicalOffset) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low].fromOffset <= physicalOffset;
}

/** As the store itself counts: from the start of the first file to the last entry. */
export function entriesOf(
  survey: StoreSurvey,
  queues: readonly QueueSummary[],
  exceptFolders: ReadonlySet<string> = new Set(),
): number {
  const starts = new Map(survey.queues.map(({ folder, files }) => [folder, (files[0]?.start ?? 0) / ENTRY_BYTES]));
  return queues.reduce((sum, { topic, queueId, maxOffset }) => {
    const folder = join(survey.consumeQueuePath, topic, String(queueId));
    if (exceptFolders.has(folder)) return sum;
    const start = starts.get(folder) ?? 0;
    return sum + Math.max(0, maxOffset - start);
  }, 0);
}

const PROGRESS_STEP_BYTES = 4 * 1024 * 1024;
