import { join } from 'node:path';
import type { DispatchService } from '../dispatch/dispatch-service.js';
import { Backoff } from '../io/backoff.js';
import type { Clock, Timer } from '../io/clock.js';
import { makeDurableFolders } from '../io/durable.js';
import type { FileSystem } from '../io/file-system.js';
import type { StoreLogger } from '../types.js';
import type { IndexFileContext } from './index-file.js';
import { IndexFile } from './index-file.js';
import { nextIndexFileName } from './index-file-name.js';
import type { IndexOrigin, IndexPoint } from './index-recovery.js';
import { IndexRecovery } from './index-recovery.js';
import { KeyBatch } from './key-batch.js';
import type { LogCursor } from './log-cursor.js';

export interface IndexServiceOptions {
  readonly folder: string;
  /** How long a message may wait for its entries when nobody asks for it. */
  readonly intervalMs: number;
  /** ... or until so many bytes of log wait. */
  readonly wakeBytes: number;
  /** Keys put into the file in one go. */
  readonly batchKeys: number;
  readonly maxKeysPerMessage: number;
  /** A query waits for the messages stored before it when they are no more than this. */
  readonly catchUpBytes: number;
  /** Progress is told after each such piece of log. */
  readonly progressBytes: number;
  /** After a failed read or write the index is opened again after this time, which doubles with each further failure. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
}

/** What opening the store found out; the rest is asked for when it is needed. */
export type IndexStart = Pick<
  IndexOrigin,
  'point' | 'isOwnCheckpoint' | 'cleanStop' | 'isDoubted' | 'indexMsgTimestamp'
>;

export interface IndexStats {
  readonly files: number;
  readonly entries: number;
  /** Bytes of log whose keys are not in the index yet. */
  readonly behindBytes: number;
  readonly memoryBytes: number;
  /** Why the index does not go on, or undefined. */
  readonly failure: string | undefined;
}

/**
 * Keeps RocketMQ's index files (IndexService.java): follows the log behind the messages that are dispatched, in small slices off the way of a put,
 * so that a put pays nothing. Its place in the log stands in the checkpoint, so it goes on where it was, whatever happened; an index that was
 * removed is made again while the store is already in use.
 */
export class IndexService {
  private files: IndexFile[] = [];
  private batch: KeyBatch | undefined = undefined;
  /** Work on the files, one piece after the other. */
  private tail: Promise<unknown> = Promise.resolve();
  private ready: Promise<void> = Promise.resolve();
  private building: Promise<void> | undefined = undefined;
  private timer: Timer | undefined = undefined;
  private stopped = true;
  private failure: Error | undefined = undefined;
  private committedPoint: IndexPoint | undefined = undefined;
  /** The keys of all messages before it are in the files, or in memory on the way there. The cursor is ahead while a slice is under way. */
  private reachedOffset = 0;
  private lastWorkMs = 0;
  private nextProgressOffset = Infinity;
  private isDoubted = false;
  private readonly backoff: Backoff;

  constructor(
    private readonly options: IndexServiceOptions,
    private readonly context: IndexFileContext,
    private readonly cursor: LogCursor,
    private readonly dispatch: DispatchService,
    private readonly logStartOffset: () => number,
    private readonly hasKey: IndexOrigin['hasKey'],
    private readonly saveCheckpoint: () => Promise<void>,
    private readonly onProgress: () => void,
    /** What was in doubt was made anew. */
    private readonly onTrusted: () => Promise<void>,
    private readonly fileSystem: FileSystem,
    private readonly clock: Clock,
    private readonly logger: StoreLogger,
  ) {
    this.backoff = new Backoff(options.retryMs, options.maxRetryMs);
  }

  /** What the checkpoint is to say: all before its offset is on stable storage. */
  get point(): IndexPoint | undefined {
    return this.committedPoint;
  }

  /** RocketMQ's indexMsgTimestamp: store time of the last message of the last full file. */
  get fullFileTimestamp(): number {
    return this.files.findLast((file) => file.isFull)?.header.endTimestamp ?? 0;
  }

  /** A checkpoint would move the point on. */
  get isBehind(): boolean {
    return !this.stopped && this.failure === undefined && this.reachedOffset !== this.committedPoint?.offset;
  }

  get memoryBytes(): number {
    let bytes = 0;
    for (const file of this.files) bytes += file.memoryBytes;
    return bytes;
  }

  /** The files, oldest first; they are only to be read. */
  get openFiles(): readonly IndexFile[] {
    return this.files;
  }

  stats(): IndexStats {
    return {
      files: this.files.length,
      entries: this.files.reduce((sum, file) => sum + file.entryCount, 0),
      behindBytes: Math.max(0, this.dispatch.dispatchedOffset - this.reachedOffset),
      memoryBytes: this.memoryBytes,
      failure: this.failure?.message,
    };
  }

  /** Opens the files and starts to follow the log, beside everything else: the store need not wait. */
  start(start: IndexStart): void {
    this.stopped = false;
    this.committedPoint = start.point;
    this.isDoubted = start.isDoubted;
    this.load(start);
  }

  /** What was not committed may not be on the disk, though the file shows it. */
  doubt(): void {
    this.isDoubted = true;
  }

  /** Something was written: the index follows soon. Called for each commit of the log, so it must cost nothing. */
  wake(): void {
    if (this.building !== undefined || this.stopped || this.failure !== undefined) return;
    if (this.dispatch.dispatchedOffset - this.reachedOffset >= this.options.wakeBytes) this.build();
    else if (this.timer === undefined) this.startTimer();
  }

  /** Resolves when the messages dispatched before the call can be found, unless the index is far behind or has failed. */
  async catchUp(): Promise<void> {
    await this.ready;
    const target = this.dispatch.dispatchedOffset;
    if (target - this.reachedOffset > this.options.catchUpBytes) return;
    await this.followTo(() => target);
  }

  /** Brings what was put in to stable storage, and moves the point. Never rejects: a failed index does not hold up the checkpoint of the log. */
  async commit(): Promise<void> {
    if (this.stopped || this.failure !== undefined) return;
    await this.exclusive(async () => {
      await this.files.at(-1)?.commit();
      this.committedPoint = this.currentPoint();
      this.backoff.reset();
    }).catch((error: unknown) => {
      this.fail(error as Error);
    });
  }

  /** The log starts here now: files that only tell of older messages go, except for the last one (IndexService.deleteExpiredFile). */
  async onMinPhysicalOffset(minPhysicalOffset: number): Promise<void> {
    await this.ready;
    if (this.stopped || this.failure !== undefined) return;
    const expired = await this.exclusive(() => {
      let count = 0;
      while (count < this.files.length - 1 && this.files[count].header.endPhyOffset < minPhysicalOffset) count++;
      return Promise.resolve(this.files.splice(0, count));
    });
    if (expired.length === 0) return;
    // First the checkpoint: a restart in between would miss the entries.
    await this.saveCheckpoint();
    for (const file of expired) file.remove();
  }

  /** Gives memory back when nothing was put in for so long. */
  releaseIdle(idleMs: number): void {
    if (this.building !== undefined || this.clock.monotonicMs() - this.lastWorkMs < idleMs) return;
    this.batch = undefined;
    this.cursor.release();
    for (const file of this.files) file.release();
  }

  /** Puts in what is dispatched, if it is not far behind, and stops. The next commit is the last one. */
  async finish(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    if (this.stopped) return;
    // The disk may have recovered since.
    if (this.failure !== undefined) this.reload();
    await this.catchUp();
    await this.commit();
    this.stopped = true;
    await this.tail;
  }

  /** Stops without bringing anything to an end: the store could not be opened. */
  async abandon(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = undefined;
    await this.ready;
    await this.tail;
  }

  private readonly onTimer = (): void => {
    this.timer = undefined;
    this.build();
  };

  private startTimer(): void {
    if (this.stopped || this.failure !== undefined) return;
    this.timer ??= this.clock.startTimer(this.onTimer, this.options.intervalMs);
  }

  private load(start: IndexStart): void {
    this.failure = undefined;
    this.ready = this.exclusive(async () => {
      const logEndOffset = this.dispatch.dispatchedOffset;
      const origin: IndexOrigin = {
        ...start,
        isDoubted: this.isDoubted,
        logStartOffset: this.logStartOffset(),
        logEndOffset,
        hasKey: this.hasKey,
      };
      const recovered = await new IndexRecovery(this.options.folder, this.context, origin).run();
      this.files = recovered.files;
      this.reachedOffset = recovered.resumeOffset;
      this.committedPoint = this.currentPoint();
      if (this.isDoubted) await this.trustAgain();
      for (const note of recovered.notes) this.logger.warn(note);
      this.planProgress(logEndOffset);
    })
      .catch((error: unknown) => {
        this.fail(error as Error);
      })
      .then(() => {
        this.wake();
      });
  }

  private async trustAgain(): Promise<void> {
    this.isDoubted = false;
    await this.onTrusted();
    this.logger.warn(`the index in ${this.options.folder} is on the disk again; its last file was made anew`);
  }

  private planProgress(logEndOffset: number): void {
    this.nextProgressOffset = Infinity;
    const behind = logEndOffset - this.reachedOffset;
    if (behind <= this.options.catchUpBytes) return;
    this.nextProgressOffset = this.reachedOffset + this.options.progressBytes;
    this.logger.log(
      `index: the keys of ${mebibytes(behind)} MiB of log are put in, from offset ${this.reachedOffset} on`,
    );
  }

  private build(): void {
    if (this.building !== undefined || this.stopped || this.failure !== undefined) return;
    this.timer?.cancel();
    this.timer = undefined;
    this.building = this.ready
      .then(() => this.followTo(() => this.dispatch.dispatchedOffset))
      .then(() => {
        this.building = undefined;
        this.onProgress();
        if (this.reachedOffset < this.dispatch.dispatchedOffset) this.startTimer();
      });
  }

  /** Goes on slice by slice; other work on the files, and the event loop, get their turn between two of them. */
  private async followTo(target: () => number): Promise<void> {
    while (!this.stopped && this.failure === undefined && this.reachedOffset < target()) {
      const before = this.reachedOffset;
      await this.exclusive(() => this.buildSlice()).catch((error: unknown) => {
        this.fail(error as Error);
      });
      if (this.reachedOffset <= before) return;
      if (this.reachedOffset >= this.nextProgressOffset) this.tellProgress();
      await new Promise<void>((resolve) => {
        this.clock.defer(resolve);
      });
    }
    if (this.nextProgressOffset !== Infinity && this.reachedOffset >= this.dispatch.dispatchedOffset) {
      this.nextProgressOffset = Infinity;
      this.logger.log(`index: complete up to offset ${this.reachedOffset}`);
    }
  }

  private async buildSlice(): Promise<void> {
    // Another one who waited for its turn may have done it all.
    const end = this.dispatch.dispatchedOffset;
    if (this.stopped || this.failure !== undefined || this.reachedOffset >= end) return;
    const batch = (this.batch ??= new KeyBatch(this.options.batchKeys, this.options.maxKeysPerMessage));
    batch.clear();
    this.lastWorkMs = this.clock.monotonicMs();
    this.cursor.offset = this.reachedOffset;
    const reading = this.cursor.fill(batch, end);
    if (reading !== undefined) await reading;
    for (let done = 0; done < batch.count;) {
      const file = await this.writableFile();
      const loading = file.slots.ensure(batch.hashes, batch.count);
      if (loading !== undefined) await loading;
      done = file.append(batch, done);
      if (file.mustWrite) await file.writeEntries();
    }
    this.reachedOffset = this.cursor.offset;
  }

  /** The last file, or a new one when it is full: then the full one is brought to stable storage first (getAndCreateLastIndexFile). */
  private async writableFile(): Promise<IndexFile> {
    const last = this.files.at(-1);
    if (last !== undefined && !last.isFull) return last;
    if (last !== undefined) {
      await last.commit();
      last.release();
    }
    await makeDurableFolders(this.fileSystem, [this.options.folder]);
    const name = nextIndexFileName(this.clock.nowMs(), last?.name);
    const file = IndexFile.create(join(this.options.folder, name), last?.header, this.context);
    this.files.push(file);
    return file;
  }

  private currentPoint(): IndexPoint {
    return {
      offset: this.reachedOffset,
      entryCount: this.files.reduce((sum, file) => sum + file.entryCount, 0),
    };
  }

  private tellProgress(): void {
    this.nextProgressOffset += this.options.progressBytes;
    const behind = this.dispatch.dispatchedOffset - this.reachedOffset;
    this.logger.log(
      `index: ${this.cursor.messages} messages gone over, at offset ${this.reachedOffset}, ${mebibytes(behind)} MiB to go`,
    );
    this.onProgress();
  }

  /**
   * A read or write failed. What is in memory may not match the files any more, so it is dropped, and the files are opened again later, as after a
   * crash: they are complete up to the point, and the rest comes from the log.
   */
  private fail(error: Error): void {
    if (this.failure !== undefined || this.stopped) return;
    this.failure = error;
    const retryMs = this.backoff.next();
    this.logger.error(
      `the index in ${this.options.folder} cannot go on: ${error.message}; messages are taken and read, queries by key find none until it is opened again in ${retryMs} ms, from its last commit`,
    );
    for (const file of this.files) this.context.handles.forget(file.path);
    this.files = [];
    this.batch = undefined;
    this.timer?.cancel();
    this.timer = this.clock.startTimer(() => {
      this.timer = undefined;
      if (!this.stopped) this.reload();
    }, retryMs);
  }

  private reload(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.load({
      point: this.committedPoint,
      isOwnCheckpoint: true,
      cleanStop: false,
      isDoubted: this.isDoubted,
      indexMsgTimestamp: 0,
    });
  }

  private exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = this.tail.then(work);
    this.tail = run.catch(() => undefined);
    return run;
  }
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / (1024 * 1024));
}
