import { join } from 'node:path';
import { TIMER_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import { type Clock, SystemClock } from '../io/clock.js';
import type { FileSystem } from '../io/file-system.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import type { MessageStore } from '../message-store.js';
import type { StoreLogger } from '../types.js';
import { TimerCheckpoint } from './timer-checkpoint.js';
import { TimerDequeuer } from './timer-dequeuer.js';
import { TimerEnqueuer } from './timer-enqueuer.js';
import { slotOf, SLOT_MS } from './timer-layout.js';
import { TimerLog } from './timer-log.js';
import { TimerMetrics } from './timer-metrics.js';
import type { TimerOptions } from './timer-options.js';
import { type TimerRole, TimerRun } from './timer-run.js';
import { TimerWheel } from './timer-wheel.js';

export interface TimerStats {
  /** Messages in the wheel, those that were cancelled not counted. */
  readonly waitingMessages: number;
  /** Messages of the timer topic that are not in the wheel yet. */
  readonly enqueueBehindMessages: number;
  /** How long ago the oldest second that is not done began, 0 when nothing is late. */
  readonly dequeueBehindMs: number;
  readonly enqueuedMessages: number;
  readonly dequeuedMessages: number;
  readonly recalledMessages: number;
  readonly droppedMessages: number;
  /** How often log and wheel were made again from the topic. */
  readonly rebuilds: number;
  readonly memoryBytes: number;
  /** Why its files cannot be brought onto the disk, or undefined. Messages are taken and delivered all the same. */
  readonly failure: string | undefined;
}

/**
 * Messages that are due at any ms: they lie in the timer topic, the timer log and the wheel in RocketMQ's file layout say when each of them is due, and those of the next
 * second are in memory. docs/internals/timer.md shows the way through the files.
 *
 * Follows `store/timer/TimerMessageStore.java`.
 */
export class TimerMessageStore {
  readonly metrics: TimerMetrics;
  private readonly fileSystem: FileSystem;
  private readonly clock: Clock;
  private readonly logger: StoreLogger;
  private readonly maxMessagesPerSlot: number;
  private readonly wheelPath: string;
  private readonly counts = { enqueued: 0, dequeued: 0, recalled: 0, dropped: 0, rebuilds: 0 };
  private role: TimerRole = 'master';
  private run: TimerRun;
  private beginning: Promise<void> | undefined = undefined;
  private ending: Promise<void> = Promise.resolve();
  /** What the master said last. */
  private master: { readonly lastReadTimeMs: number; readonly masterTimerQueueOffset: number } | undefined = undefined;
  private started = false;

  constructor(
    private readonly store: MessageStore,
    private readonly options: TimerOptions,
  ) {
    const { rootPath, fileSystem = new NodeFileSystem(), clock = new SystemClock(), logger } = options;
    this.fileSystem = fileSystem;
    this.clock = clock;
    this.logger = logger;
    this.wheelPath = join(rootPath, 'timerwheel');
    this.maxMessagesPerSlot = options.maxMessagesPerSlot ?? defaults.TIMER_CONGEST_NUM_EACH_SLOT;
    this.metrics = new TimerMetrics(join(rootPath, 'config', 'timermetrics'), fileSystem);
    this.run = this.newRun();
  }

  /**
   * Takes the files up and begins to deliver what is due, or, on a slave, to keep what the master will not have delivered once it is gone. The store must be open. A store in which no
   * timer was ever set gets no files: they are made with the first one. After `stop` it may be started again, in either role.
   *
   * @throws StoreError STORE_FOREIGN_LAYOUT, or what the file system throws.
   */
  async start(role: TimerRole = 'master'): Promise<void> {
    await this.ending;
    this.role = role;
    // A slave waits for what its master says; what an earlier one said is in the checkpoint.
    this.master = undefined;
    this.run = this.newRun();
    this.started = true;
    if (this.isUsed && this.isReady) await this.begin();
  }

  private get isUsed(): boolean {
    return this.fileSystem.stat(this.wheelPath) !== undefined || this.store.maxOffset(TIMER_TOPIC, 0) > 0;
  }

  /** A slave knows what its master delivered before it makes its files. */
  private get isReady(): boolean {
    return this.role === 'master' || this.master !== undefined;
  }

  /** To be called when something came into the timer topic. */
  onArrival(): void {
    if (!this.started) return;
    if (this.beginning !== undefined) {
      this.run.parts.enqueuer.wake();
      return;
    }
    if (!this.isReady) return;
    this.begin().catch((error: unknown) => {
      this.logger.error(`the timer's files can't be made (${String(error)}); trying again with the next timer message`);
    });
  }

  /** Too many messages are due in the second of this time already. Between the limit and twice of it the more are refused the more there are. */
  isCongested(deliverMs: number): boolean {
    const count = this.run.parts.wheel.countOf(slotOf(deliverMs));
    if (count < this.maxMessagesPerSlot) return false;
    return Math.random() <= (count - this.maxMessagesPerSlot) / this.maxMessagesPerSlot;
  }

  /** Something that is due was not delivered, or may stand among what is not in the wheel yet. */
  get isBehind(): boolean {
    if (this.beginning === undefined) return false;
    const { dequeuer, enqueuer, wheel } = this.run.parts;
    return enqueuer.behindMessages > 0 || wheel.nextUsed(dequeuer.readTimeMs, slotOf(this.clock.nowMs())) !== undefined;
  }

  /** RocketMQ's checkpoint of the timer, as GET_TIMER_CHECK_POINT answers it. */
  encodeCheckpoint(): Buffer {
    return this.run.encodeCheckpoint();
  }

  /**
   * Takes over, on a slave, what the master answered to GET_TIMER_CHECK_POINT.
   *
   * @throws ProtocolError PROTOCOL_BODY
   */
  takeMasterCheckpoint(body: Buffer): void {
    const master = TimerCheckpoint.decode(body);
    // A master without timer messages has none.
    if (master.lastReadTimeMs <= 0) return;
    this.master = master;
    if (this.beginning === undefined && this.isUsed) this.onArrival();
    else this.run.follow(master.lastReadTimeMs, master.masterTimerQueueOffset);
  }

  stats(): TimerStats {
    const { counts } = this;
    const { dequeuer, enqueuer, wheel } = this.run.parts;
    const readTimeMs = dequeuer.readTimeMs;
    const isMaster = this.role === 'master';
    const firstMs = isMaster ? wheel.nextUsed(readTimeMs, slotOf(this.clock.nowMs())) : undefined;
    return {
      waitingMessages: wheel.totalFrom(readTimeMs),
      enqueueBehindMessages: this.started ? enqueuer.behindMessages : 0,
      dequeueBehindMs: firstMs === undefined ? 0 : Math.max(0, this.clock.nowMs() - firstMs - SLOT_MS),
      enqueuedMessages: counts.enqueued + enqueuer.enqueued,
      dequeuedMessages: counts.dequeued + dequeuer.dequeued,
      recalledMessages: counts.recalled + dequeuer.recalled,
      droppedMessages: counts.dropped + dequeuer.dropped,
      rebuilds: counts.rebuilds,
      memoryBytes: wheel.memoryBytes + dequeuer.memoryBytes,
      failure: this.run.failure?.message,
    };
  }

  /** Stops behind the batch under way, and leaves files with which either broker goes on. The store must still be open. */
  stop(): Promise<void> {
    if (!this.started) return this.ending;
    this.started = false;
    const { beginning } = this;
    this.beginning = undefined;
    this.ending = (async () => {
      if (beginning === undefined) return;
      await beginning.catch(() => {});
      await this.run.stop();
      this.count(this.run);
    })();
    return this.ending;
  }

  private begin(problem?: string): Promise<void> {
    this.beginning ??= this.beginNow(problem).catch(async (error: unknown) => {
      // What it opened is closed, and the next attempt begins with nothing in memory.
      await this.run.abandon();
      this.count(this.run);
      this.run = this.newRun();
      this.beginning = undefined;
      throw error;
    });
    return this.beginning;
  }

  private async beginNow(problem: string | undefined): Promise<void> {
    const { run, master } = this;
    await run.begin(problem, master?.lastReadTimeMs);
    if (master !== undefined) run.follow(master.lastReadTimeMs, master.masterTimerQueueOffset);
  }

  /** The timer log cannot be read as the wheel says: both are made again, and nothing is delivered until then. */
  private rebuild(problem: string): void {
    if (!this.started) return;
    const { run } = this;
    this.counts.rebuilds++;
    this.beginning = (async () => {
      await run.abandon();
      this.count(run);
      this.run = this.newRun();
      await this.beginNow(problem);
    })();
    this.beginning.catch((error: unknown) => {
      this.beginning = undefined;
      this.logger.error(`${problem}, and the timer's files can't be made again: ${String(error)}`);
    });
  }

  private count({ parts: { enqueuer, dequeuer } }: TimerRun): void {
    this.counts.enqueued += enqueuer.enqueued;
    this.counts.dequeued += dequeuer.dequeued;
    this.counts.recalled += dequeuer.recalled;
    this.counts.dropped += dequeuer.dropped;
    enqueuer.enqueued = dequeuer.dequeued = dequeuer.recalled = dequeuer.dropped = 0;
  }

  private newRun(): TimerRun {
    const { store, options, role, metrics, fileSystem, clock, logger } = this;
    const configFolder = join(options.rootPath, 'config');
    const wheel = new TimerWheel(this.wheelPath, fileSystem);
    const logFileSizeBytes = options.logFileSizeBytes ?? defaults.TIMER_LOG_FILE_BYTES;
    const log = new TimerLog(join(options.rootPath, 'timerlog'), logFileSizeBytes, fileSystem);
    const checkpoint = new TimerCheckpoint(join(configFolder, 'timercheck'), fileSystem);
    const dequeuer = new TimerDequeuer(store, wheel, log, metrics, clock, logger, {
      delivering: () => run.delivering(),
      damaged: (problem) => this.rebuild(problem),
    });
    const enqueuer = new TimerEnqueuer({
      store,
      wheel,
      log,
      metrics: role === 'master' ? metrics : undefined,
      dequeuer,
      rollWindowMs: options.rollWindowMs ?? defaults.TIMER_ROLL_WINDOW_MS,
      clock,
      logger,
      alone: (work) => run.alone(work),
    });
    const flushIntervalMs = options.flushIntervalMs ?? defaults.TIMER_FLUSH_INTERVAL_MS;
    const run: TimerRun = new TimerRun(role, {
      store,
      wheel,
      log,
      checkpoint,
      metrics,
      dequeuer,
      enqueuer,
      fileSystem,
      clock,
      logger,
      configFolder,
      flushIntervalMs,
      damaged: (problem) => this.rebuild(problem),
    });
    return run;
  }
}
