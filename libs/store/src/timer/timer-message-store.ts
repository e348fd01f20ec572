import { join } from 'node:path';
import { TIMER_TOPIC } from '@rocknest/protocol';
import * as defaults from '../defaults.js';
import { makeDurableFolders } from '../io/durable.js';
import { type Clock, SystemClock, type Timer } from '../io/clock.js';
import type { FileSystem } from '../io/file-system.js';
import { NodeFileSystem } from '../io/node-file-system.js';
import type { MessageStore } from '../message-store.js';
import type { StoreLogger } from '../types.js';
import { TimerCheckpoint } from './timer-checkpoint.js';
import { TimerDequeuer } from './timer-dequeuer.js';
import { TimerEnqueuer } from './timer-enqueuer.js';
import { MAGIC_DEFAULT, MAGIC_DELETE, slotOf, SLOT_MS } from './timer-layout.js';
import { TimerLog } from './timer-log.js';
import { TimerMetrics } from './timer-metrics.js';
import type { TimerOptions } from './timer-options.js';
import { oldestReadTime, recoverTimer } from './timer-recovery.js';
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
  readonly memoryBytes: number;
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
  private readonly wheel: TimerWheel;
  private readonly log: TimerLog;
  private readonly checkpoint: TimerCheckpoint;
  private readonly dequeuer: TimerDequeuer;
  private readonly enqueuer: TimerEnqueuer;
  private readonly configFolder: string;
  private readonly flushIntervalMs: number;
  private readonly maxMessagesPerSlot: number;
  private beginning: Promise<void> | undefined;
  private flushTimer: Timer | undefined;
  private lane: Promise<void> = Promise.resolve();
  private cleanedMs = 0;
  private started = false;
  private stopped = false;

  constructor(
    private readonly store: MessageStore,
    options: TimerOptions,
  ) {
    const { rootPath, fileSystem = new NodeFileSystem(), clock = new SystemClock(), logger } = options;
    this.fileSystem = fileSystem;
    this.clock = clock;
    this.logger = logger;
    this.configFolder = join(rootPath, 'config');
    this.flushIntervalMs = options.flushIntervalMs ?? defaults.TIMER_FLUSH_INTERVAL_MS;
    this.maxMessagesPerSlot = options.maxMessagesPerSlot ?? defaults.TIMER_CONGEST_NUM_EACH_SLOT;
    this.metrics = new TimerMetrics(join(this.configFolder, 'timermetrics'), fileSystem);
    this.wheel = new TimerWheel(join(rootPath, 'timerwheel'), fileSystem);
    const logFileSizeBytes = options.logFileSizeBytes ?? defaults.TIMER_LOG_FILE_BYTES;
    this.log = new TimerLog(join(rootPath, 'timerlog'), logFileSizeBytes, fileSystem);
    this.checkpoint = new TimerCheckpoint(join(this.configFolder, 'timercheck'), fileSystem);
    this.dequeuer = new TimerDequeuer(store, this.wheel, this.log, this.metrics, clock, logger, () => this.note());
    this.enqueuer = new TimerEnqueuer(
      store,
      this.wheel,
      this.log,
      this.metrics,
      this.dequeuer,
      options.rollWindowMs ?? defaults.TIMER_ROLL_WINDOW_MS,
      clock,
      logger,
      (work) => this.alone(work),
    );
  }

  /**
   * Takes the files up and begins to deliver what is due; the store must be open. A store in which no timer was ever set gets no files: they are made with the first one.
   *
   * @throws StoreError STORE_FOREIGN_LAYOUT, or what the file system throws.
   */
  async start(): Promise<void> {
    this.started = true;
    const isUsed = this.fileSystem.stat(this.wheel.path) !== undefined || this.store.maxOffset(TIMER_TOPIC, 0) > 0;
    if (isUsed) await this.begin();
  }

  /** To be called when something came into the timer topic. */
  onArrival(): void {
    if (!this.started || this.stopped) return;
    if (this.beginning !== undefined) {
      this.enqueuer.wake();
      return;
    }
    this.begin().catch((error: unknown) => {
      this.logger.error(`the timer's files can't be made (${String(error)}); trying again with the next timer message`);
      this.beginning = undefined;
    });
  }

  /** Too many messages are due in the second of this time already. Between the limit and twice of it the more are refused the more there are. */
  isCongested(deliverMs: number): boolean {
    const count = this.wheel.countOf(slotOf(deliverMs));
    if (count < this.maxMessagesPerSlot) return false;
    return Math.random() <= (count - this.maxMessagesPerSlot) / this.maxMessagesPerSlot;
  }

  /** RocketMQ's checkpoint of the timer, as GET_TIMER_CHECK_POINT answers it. */
  encodeCheckpoint(): Buffer {
    return this.checkpoint.encode();
  }

  stats(): TimerStats {
    const { dequeuer, enqueuer, wheel } = this;
    const readTimeMs = dequeuer.readTimeMs;
    const firstMs = wheel.nextUsed(readTimeMs, slotOf(this.clock.nowMs()));
    return {
      waitingMessages: wheel.totalFrom(readTimeMs),
      enqueueBehindMessages: this.started ? enqueuer.behindMessages : 0,
      dequeueBehindMs: firstMs === undefined ? 0 : Math.max(0, this.clock.nowMs() - firstMs - SLOT_MS),
      enqueuedMessages: enqueuer.enqueued,
      dequeuedMessages: dequeuer.dequeued,
      recalledMessages: dequeuer.recalled,
      droppedMessages: dequeuer.dropped,
      memoryBytes: wheel.memoryBytes + dequeuer.memoryBytes,
    };
  }

  /** Stops behind the batch under way, and leaves files with which either broker goes on. The store must still be open. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.beginning === undefined) return;
    await this.beginning.catch(() => {});
    await this.enqueuer.stop();
    await this.dequeuer.stop();
    this.flushTimer?.cancel();
    try {
      await this.alone(async () => {
        const doneUntilMs = this.tidySlot();
        await this.flush(doneUntilMs);
      });
    } finally {
      this.wheel.close();
      this.log.close();
      this.checkpoint.close();
    }
  }

  private begin(): Promise<void> {
    this.beginning ??= this.beginNow();
    return this.beginning;
  }

  private async beginNow(): Promise<void> {
    const { store, wheel, log, checkpoint, clock, logger } = this;
    await makeDurableFolders(this.fileSystem, [this.configFolder]);
    const hasCheckpoint = checkpoint.load();
    this.metrics.load();
    await wheel.open(oldestReadTime(hasCheckpoint ? checkpoint.lastReadTimeMs : 0, clock.nowMs()));
    await log.open();
    const start = await recoverTimer(store, wheel, log, checkpoint, hasCheckpoint, clock, logger);
    this.dequeuer.begin(start.readTimeMs, start.delivered);
    this.enqueuer.begin(start.queueOffset);
    this.enqueuer.start();
    // First the messages that still lie in the topic: one of them may cancel what is due.
    void this.enqueuer.caughtUp().then(() => {
      if (!this.stopped) this.dequeuer.start();
    });
  }

  private alone(work: () => Promise<void>): Promise<void> {
    const run = this.lane.then(work);
    this.lane = run.catch(() => {});
    this.scheduleFlush();
    return run;
  }

  /** Notes what was delivered. Where log and wheel stand on stable storage only a flush says. */
  private note(): Promise<void> {
    this.checkpoint.delivered = this.dequeuer.delivered;
    this.checkpoint.lastReadTimeMs = this.dequeuer.readTimeMs;
    this.scheduleFlush();
    return this.checkpoint.save(false);
  }

  private scheduleFlush(): void {
    if (this.stopped) return;
    this.flushTimer ??= this.clock.startTimer(() => {
      const run = this.lane.then(() => this.flush(this.dequeuer.readTimeMs));
      this.lane = run
        .catch((error: unknown) => {
          this.logger.warn(`the timer's files can't be written: ${String(error)}; trying again`);
        })
        .finally(() => {
          this.flushTimer = undefined;
          if (this.log.isDirty || this.wheel.isDirty) this.scheduleFlush();
        });
    }, this.flushIntervalMs);
  }

  /** The order makes a crash harmless: the wheel never names a unit that is not there, the checkpoint none that the wheel does not know. */
  private async flush(readTimeMs: number): Promise<void> {
    const { log, wheel, checkpoint, enqueuer } = this;
    await log.commit();
    const { committedEnd } = log;
    const { queueOffset } = enqueuer;
    await log.flush();
    await wheel.flush();
    if (checkpoint.lastReadTimeMs !== readTimeMs || checkpoint.lastTimerQueueOffset !== queueOffset) {
      checkpoint.dataVersion.timestamp = this.clock.nowMs();
      checkpoint.dataVersion.counter++;
    }
    checkpoint.delivered = this.dequeuer.delivered;
    checkpoint.lastReadTimeMs = readTimeMs;
    checkpoint.lastTimerLogFlushPos = committedEnd;
    checkpoint.lastTimerQueueOffset = queueOffset;
    checkpoint.masterTimerQueueOffset = queueOffset;
    await checkpoint.save(true);
    this.metrics.save();
    wheel.forget(readTimeMs);
    if (this.clock.monotonicMs() - this.cleanedMs < defaults.TIMER_CLEAN_INTERVAL_MS) return;
    this.cleanedMs = this.clock.monotonicMs();
    await log.removeBefore(this.store.minPhysicalOffset);
  }

  /**
   * The Java broker delivers whole seconds: what is left of one that is partly delivered gets units of its own, so that it delivers nothing twice.
   *
   * @returns the time before which all slots are done.
   */
  private tidySlot(): number {
    const { dequeuer, wheel, log } = this;
    const readTimeMs = dequeuer.readTimeMs;
    const slotMs = slotOf(dequeuer.delivered.dueMs);
    const left = slotMs === readTimeMs ? dequeuer.leftOf(slotMs) : undefined;
    if (left === undefined) return readTimeMs;
    wheel.cut(slotMs, -1);
    if (left.messages.length === 0) return slotMs + SLOT_MS;
    const nowMs = this.clock.nowMs();
    const units = [
      ...left.cancellations.map((unit) => ({ ...unit, magic: MAGIC_DEFAULT | MAGIC_DELETE })),
      ...left.messages,
    ];
    for (const unit of units) {
      const previous = wheel.lastOf(slotMs);
      const position = log.add({ ...unit, previous }, nowMs, 0);
      wheel.add(slotMs, position, (unit.magic & MAGIC_DELETE) === 0 ? 1 : -1);
    }
    return readTimeMs;
  }
}
