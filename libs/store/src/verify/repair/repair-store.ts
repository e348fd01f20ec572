import { basename, join } from 'node:path';
import { RecordDecoder, storeTimestampOf } from '../../commit-log/record-check.js';
import { StoreCheckpoint } from '../../checkpoint/store-checkpoint.js';
import * as defaults from '../../defaults.js';
import { hasQueueEntry } from '../../dispatch/tags-code.js';
import { SystemClock, type Clock } from '../../io/clock.js';
import type { FileSystem } from '../../io/file-system.js';
import { HandlePool } from '../../io/handle-pool.js';
import { LocalMachine, type Machine } from '../../io/machine.js';
import { NodeFileSystem } from '../../io/node-file-system.js';
import { writeFullySync } from '../../io/transfer.js';
import { StoreLock } from '../../lock/store-lock.js';
import { LogScanner } from '../../recovery/log-scanner.js';
import { walkLog } from '../log-walk.js';
import { LogRow, surveyStore, type StoreSurvey } from '../store-survey.js';
import { entriesOf, type VerifyReport } from '../verify-store.js';
import { filler, fillRange } from './fill-records.js';
import { Keeper, needRoom } from './keeper.js';
import { LostMessages, type LostRange } from './lost-messages.js';
import { QueueRebuilder } from './queue-rebuilder.js';
import { describeStep, type RepairStep } from './repair-plan.js';

export interface RepairProgress {
  readonly step: 'LOG' | 'CONSUME_QUEUES';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface RepairOptions {
  /** Folder for what is taken away. @default `damaged/<time>` in the store folder */
  readonly keepFolder?: string;
  /** [messageDelayLevel] @default RocketMQ's 18 levels */
  readonly delayLevelsMs?: readonly number[];
  /** Called often. */
  readonly onProgress?: (progress: RepairProgress) => void;
  readonly fileSystem?: FileSystem;
  readonly clock?: Clock;
  readonly machine?: Machine;
}

export interface RepairReport {
  /** What was taken away lies here. */
  readonly keepFolder: string;
  /** Messages that stand marked in the place of lost ones. */
  readonly placeholders: number;
  readonly queuesRebuilt: number;
  /** Where each piece that was taken away lies now. */
  readonly kept: readonly string[];
}

/** Does what `planRepair` planned, under the lock of the store. What is taken away is kept first. A repair that is interrupted can be run again. */
export async function repairStore(
  report: VerifyReport,
  steps: readonly RepairStep[],
  options: RepairOptions = {},
): Promise<RepairReport> {
  const fileSystem = options.fileSystem ?? new NodeFileSystem();
  const clock = options.clock ?? new SystemClock();
  const { rootPath } = report.survey;
  let lost: string | undefined;
  const times = { heartbeatMs: defaults.LOCK_HEARTBEAT_MS, staleMs: defaults.LOCK_STALE_MS };
  const machine = options.machine ?? new LocalMachine();
  const lock = new StoreLock(join(rootPath, 'lock'), times, fileSystem, clock, machine, (reason) => {
    lost = reason;
  });
  await lock.acquire();
  const handles = new HandlePool(fileSystem, defaults.MAX_OPEN_FILES);
  const checkLock = (): void => {
    if (lost !== undefined) throw new Error(`${lost}: the repair was stopped`);
  };
  try {
    return await new StoreRepair(report, steps, options, fileSystem, clock, handles, checkLock).run();
  } finally {
    handles.closeAll();
    lock.release();
  }
}

class StoreRepair {
  private readonly keeper: Keeper;
  private placeholders = 0;
  private rebuiltEntries = 0;

  constructor(
    private readonly report: VerifyReport,
    private readonly steps: readonly RepairStep[],
    private readonly options: RepairOptions,
    private readonly fileSystem: FileSystem,
    clock: Clock,
    private readonly handles: HandlePool,
    private readonly checkLock: () => void,
  ) {
    const { rootPath } = report.survey;
    const name = new Date(clock.nowMs()).toISOString().replaceAll(':', '-');
    this.keeper = new Keeper(rootPath, options.keepFolder ?? join(rootPath, 'damaged', name), fileSystem);
  }

  async run(): Promise<RepairReport> {
    const { keeper, report } = this;
    await this.checkRoom();
    keeper.write('plan.txt', `${this.steps.map(describeStep).join('\n')}\n`);
    // Lost messages are looked up in the queues as they are: before anything of them is moved.
    const lostMessages = new LostMessages(report.survey, report.queues, this.handles);
    for (const step of this.steps) {
      this.checkLock();
      await this.apply(step, lostMessages);
    }
    const queuesRebuilt = await this.rebuildQueues();
    for (const step of this.steps) if (step.kind === 'WRITE_CHECKPOINT') await this.writeCheckpoint(step.path);
    await this.syncFolders();
    keeper.write('report.txt', `${[...this.steps.map(describeStep), '', ...keeper.kept].join('\n')}\n`);
    return { keepFolder: keeper.folder, placeholders: this.placeholders, queuesRebuilt, kept: keeper.kept };
  }

  private async checkRoom(): Promise<void> {
    let needed = 0;
    for (const step of this.steps)
      if ('fromOffset' in step && step.kind !== 'WRITE_FILLER') needed += step.toOffset - step.fromOffset;
    this.fileSystem.makeFolder(this.keeper.folder);
    await needRoom(this.fileSystem, this.keeper.folder, needed);
  }

  private async apply(step: RepairStep, lostMessages: LostMessages): Promise<void> {
    switch (step.kind) {
      case 'SET_ASIDE':
        this.handles.forget(step.path);
        return this.keeper.setAside(step.path);
      case 'TRIM_FILE':
        await this.keeper.copyRange(step.path, step.toBytes, Number.MAX_SAFE_INTEGER);
        return this.change(step.path, (file) => {
          file.truncate(step.toBytes);
        });
      case 'EXTEND_FILE':
        this.fileSystem.open(step.path, { create: true }).close();
        return this.change(step.path, (file) => {
          file.truncate(step.toBytes);
        });
      case 'CUT_TAIL': {
        const { segmentSizeBytes } = this.report.survey;
        const from = step.fromOffset % segmentSizeBytes;
        await this.keeper.copyRange(step.path, from, from + step.toOffset - step.fromOffset);
        return this.change(step.path, (file) => {
          file.truncate(from);
          file.truncate(segmentSizeBytes);
        });
      }
      case 'WRITE_FILLER':
      case 'FILL_RANGE':
        return this.fill(step, lostMessages);
      case 'REBUILD_QUEUE':
      case 'WRITE_CHECKPOINT':
        return undefined;
    }
  }

  private async change(path: string, work: (file: ReturnType<HandlePool['open']>) => void): Promise<void> {
    const file = this.handles.open(path);
    work(file);
    file.syncDataSync();
    return Promise.resolve();
  }

  private async fill(
    step: LostRange & { kind: 'FILL_RANGE' | 'WRITE_FILLER'; path: string },
    lostMessages: LostMessages,
  ): Promise<void> {
    const { fromOffset, toOffset, path, kind } = step;
    const { segmentSizeBytes } = this.report.survey;
    const start = fromOffset - (fromOffset % segmentSizeBytes);
    const endsSegment = toOffset === start + segmentSizeBytes;
    const position = fromOffset - start;
    await this.keeper.copyRange(path, position, kind === 'WRITE_FILLER' ? position + 8 : toOffset - start);
    if (kind === 'WRITE_FILLER') {
      return this.change(path, (file) => {
        const bytes = filler(toOffset - fromOffset);
        writeFullySync(file, bytes, 0, bytes.length, position);
      });
    }
    const lost = lostMessages.of(step);
    const storeTimestamp = await this.timestampBehind(toOffset);
    this.placeholders += lost.length;
    return this.change(path, (file) => {
      for (const { physicalOffset, bytes } of fillRange(fromOffset, toOffset, lost, storeTimestamp, endsSegment))
        writeFullySync(file, bytes, 0, bytes.length, physicalOffset - start);
      this.tell('LOG', toOffset);
    });
  }

  /** Store time of the first whole record from there on. */
  private async timestampBehind(physicalOffset: number): Promise<number> {
    const scanner = new LogScanner(this.row(), this.handles, defaults.RECOVERY_READ_BYTES);
    const { recordOffset } = await scanner.leftover(physicalOffset, true);
    const found = recordOffset === undefined ? undefined : await scanner.recordAt(recordOffset);
    return found === undefined ? (this.report.log.lastStoreTimestamp ?? 0) : storeTimestampOf(found.buffer, 0);
  }

  private async rebuildQueues(): Promise<number> {
    const wanted = new Map<string, QueueRebuilder>();
    const { fileEntries } = this.report.survey;
    for (const step of this.steps) {
      if (step.kind !== 'REBUILD_QUEUE') continue;
      for (const file of this.fileSystem.list(step.folder)) this.handles.forget(join(step.folder, file.name));
      await this.keeper.setAside(step.folder);
      const rebuilder = new QueueRebuilder(step.folder, fileEntries, this.fileSystem, this.handles);
      wanted.set(`${step.topic}/${step.queueId}`, rebuilder);
    }
    if (wanted.size === 0) return 0;
    const decoder = new RecordDecoder(this.options.delayLevelsMs ?? defaults.DELAY_LEVELS_MS);
    const scanner = new LogScanner(this.row(), this.handles, defaults.RECOVERY_READ_BYTES);
    let records = 0;
    await walkLog(this.row(), scanner, (buffer, at, sizeBytes, physicalOffset) => {
      const record = decoder.decode(buffer, at, sizeBytes);
      if (hasQueueEntry(record.sysFlag)) wanted.get(`${record.topic}/${record.queueId}`)?.add(record);
      if (++records % PROGRESS_RECORDS === 0) {
        this.checkLock();
        this.tell('CONSUME_QUEUES', physicalOffset);
      }
    });
    const ends = new Map(this.report.queues.map(({ topic, queueId, rowEnd }) => [`${topic}/${queueId}`, rowEnd]));
    for (const [name, rebuilder] of wanted) {
      await rebuilder.finish(ends.get(name) ?? 0);
      this.rebuiltEntries += rebuilder.entries;
    }
    return wanted.size;
  }

  /** The log was checked to its end, and all queues with it. */
  private async writeCheckpoint(path: string): Promise<void> {
    const { log, checkpoint: before } = this.report;
    const rebuilt = new Set(this.steps.map((step) => (step.kind === 'REBUILD_QUEUE' ? step.folder : '')));
    const keptEntries = entriesOf(this.report.survey, this.report.queues, rebuilt);
    await this.keeper.setAside(path);
    const checkpoint = new StoreCheckpoint(path, this.fileSystem);
    checkpoint.set(
      {
        // A store that goes on finds its last record by these two.
        physicalOffset: log.lastRecordOffset < 0 ? log.endOffset : log.lastRecordEndOffset,
        lastRecordOffset: log.lastRecordOffset,
        entryCount: keptEntries + this.rebuiltEntries,
        flushedOffset: log.endOffset,
        index: before.damage === undefined ? before.point?.index : undefined,
        logStartOffset: log.minOffset,
      },
      log.lastStoreTimestamp ?? 0,
    );
    try {
      checkpoint.saveSync();
    } finally {
      checkpoint.close();
    }
  }

  private tell(step: RepairProgress['step'], physicalOffset: number): void {
    const { minOffset, endOffset } = this.report.log;
    this.options.onProgress?.({ step, doneBytes: physicalOffset - minOffset, totalBytes: endOffset - minOffset });
  }

  /** As the files are now: a missing one may have been made. */
  private row(): LogRow {
    const { rootPath, commitLogPath, segmentSizeBytes, fileEntries } = this.report.survey;
    const survey: StoreSurvey = surveyStore(
      { rootPath, commitLogPath, segmentSizeBytes, consumeQueueFileEntries: fileEntries },
      this.fileSystem,
    );
    return new LogRow(survey.logFiles, segmentSizeBytes);
  }

  private async syncFolders(): Promise<void> {
    const { commitLogPath, rootPath } = this.report.survey;
    const folders = new Set([rootPath, commitLogPath]);
    for (const step of this.steps) if (step.kind === 'REBUILD_QUEUE') folders.add(step.folder);
    for (const folder of folders) {
      if (this.fileSystem.stat(folder) === undefined) continue;
      await new Promise<void>((resolve, reject) => {
        this.fileSystem.syncFolder(folder, (error) => {
          if (error === undefined) resolve();
          else reject(new Error(`cannot sync ${basename(folder)}: ${error.message}`, { cause: error }));
        });
      });
    }
  }
}

const PROGRESS_RECORDS = 4_096;
