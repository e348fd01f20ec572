import { TIMER_TOPIC } from '@rocknest/protocol';
import { TIMER_DOUBT } from '../checkpoint/flush-doubts.js';
import * as defaults from '../defaults.js';
import { Backoff } from '../io/backoff.js';
import type { Clock, Timer } from '../io/clock.js';
import { makeDurableFolders } from '../io/durable.js';
import type { FileSystem } from '../io/file-system.js';
import type { MessageStore } from '../message-store.js';
import type { StoreLogger } from '../types.js';
import { SCAN_BY_TIME, SCAN_NOTHING, type Delivered, type TimerCheckpoint } from './timer-checkpoint.js';
import type { TimerDequeuer } from './timer-dequeuer.js';
import type { TimerEnqueuer } from './timer-enqueuer.js';
import { MAGIC_DEFAULT, MAGIC_DELETE, SLOT_MS, slotOf } from './timer-layout.js';
import type { TimerLog } from './timer-log.js';
import { TimerUnitsLostError } from './timer-log-copy.js';
import type { TimerMetrics } from './timer-metrics.js';
import { rebuildRules } from './timer-rebuild.js';
import {
  deliveredBefore,
  findCopies,
  readTimeOf,
  rebuildStart,
  recoverTimer,
  type TimerStart,
} from './timer-recovery.js';
import type { TimerWheel } from './timer-wheel.js';

/** A slave keeps log and wheel, and delivers nothing. */
export type TimerRole = 'master' | 'slave';

export interface TimerRunParts {
  readonly store: MessageStore;
  readonly wheel: TimerWheel;
  readonly log: TimerLog;
  readonly checkpoint: TimerCheckpoint;
  readonly metrics: TimerMetrics;
  readonly dequeuer: TimerDequeuer;
  readonly enqueuer: TimerEnqueuer;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: StoreLogger;
  readonly configFolder: string;
  readonly flushIntervalMs: number;
  /** The timer log lost what was written to it. */
  readonly damaged: (problem: string) => void;
}

/** Where a slave goes on: what is late was delivered by the master, or will be by this broker once it is one. */
function followed(start: TimerStart, masterReadTimeMs: number): TimerStart {
  const readTimeMs = slotOf(masterReadTimeMs - defaults.TIMER_MARGIN_MS);
  if (readTimeMs <= start.readTimeMs && start.rebuild === undefined) return start;
  return { ...start, readTimeMs, delivered: deliveredBefore(readTimeMs) };
}

/** The timer's files while they are open, in one role: taking them up, bringing them to the disk, closing them. */
export class TimerRun {
  private flushTimer: Timer | undefined = undefined;
  private lane: Promise<void> = Promise.resolve();
  private cleanedMs = 0;
  private stopped = false;
  private isBegun = false;
  private readonly backoff: Backoff;
  /** Why the files cannot be written, or undefined. */
  failure: Error | undefined = undefined;
  /** What can be said of deliveries once the log before `from` is on stable storage. */
  private next: { readonly delivered: Delivered; readonly from: number } | undefined = undefined;

  constructor(
    private readonly role: TimerRole,
    readonly parts: TimerRunParts,
  ) {
    this.backoff = new Backoff(parts.flushIntervalMs, defaults.TIMER_MAX_RETRY_MS);
  }

  /**
   * Takes the files up and goes on with them.
   *
   * @param problem why log and wheel are to be made again whatever they hold.
   * @param masterReadTimeMs on a slave: before it the master delivered what was due.
   */
  async begin(problem: string | undefined, masterReadTimeMs = 0): Promise<void> {
    const { checkpoint, dequeuer, enqueuer, store, logger } = this.parts;
    const isMaster = this.role === 'master';
    const found = await this.recover(problem);
    const start = isMaster ? found : followed(found, masterReadTimeMs);
    if (start.rebuild?.problem !== undefined) await this.clear(start, start.rebuild.problem);
    const copies = isMaster ? await findCopies(store, start.delivered, start.scanFrom) : undefined;
    if (copies !== undefined && copies.size > 0) {
      logger.log(`${copies.size} timer messages were delivered since the timer's last note`);
    }
    dequeuer.begin(start.readTimeMs, start.delivered, copies);
    enqueuer.begin(start.queueOffset, start.rebuild && (await rebuildRules(store, start.rebuild)));
    checkpoint.delivered = start.delivered;
    checkpoint.scanFrom = isMaster ? start.scanFrom : SCAN_BY_TIME;
    this.isBegun = true;
    enqueuer.start();
    if (!isMaster) return;
    // First the messages that still lie in the topic: one of them may cancel what is due.
    void enqueuer.caughtUp().then(() => {
      if (!this.stopped) dequeuer.start();
    });
  }

  /** Runs one piece of work at a time, flushes included. */
  readonly alone = (work: () => Promise<void>): Promise<void> => {
    const run = this.lane.then(work);
    this.lane = run.catch(() => {});
    this.scheduleFlush();
    return run;
  };

  /** Messages are about to be delivered: the checkpoint says from where on the log tells about them, unless it does already. */
  readonly delivering = async (): Promise<void> => {
    const { checkpoint, dequeuer } = this.parts;
    this.scheduleFlush();
    if (checkpoint.scanFrom !== SCAN_NOTHING) return;
    checkpoint.delivered = dequeuer.delivered;
    checkpoint.scanFrom = dequeuer.deliveredFrom;
    await checkpoint.save(false);
  };

  /** What a slave asks for. */
  encodeCheckpoint(): Buffer {
    const { checkpoint, dequeuer, enqueuer } = this.parts;
    if (this.role === 'slave' || !this.isBegun) {
      return checkpoint.encode(checkpoint.lastReadTimeMs, checkpoint.masterTimerQueueOffset);
    }
    // What is in the topic and not in the wheel may be due before what the wheel is done with.
    const known = enqueuer.lastStoreTimestamp > 0 ? slotOf(enqueuer.lastStoreTimestamp) : checkpoint.lastReadTimeMs;
    const untilMs = enqueuer.behindMessages > 0 ? known : Infinity;
    return checkpoint.encode(Math.min(dequeuer.readTimeMs, untilMs), enqueuer.queueOffset);
  }

  /** The master delivered what was due before a time, and gave units to the messages of the topic before an offset. */
  follow(lastReadTimeMs: number, masterTimerQueueOffset: number): void {
    const { dequeuer, checkpoint } = this.parts;
    if (this.role !== 'slave' || !this.isBegun || this.stopped) return;
    checkpoint.masterTimerQueueOffset = masterTimerQueueOffset;
    const readTimeMs = slotOf(lastReadTimeMs - defaults.TIMER_MARGIN_MS);
    if (readTimeMs > dequeuer.readTimeMs) dequeuer.begin(readTimeMs, deliveredBefore(readTimeMs));
    this.scheduleFlush();
  }

  /** Stops behind the batch under way, and leaves files with which either broker goes on. The store must still be open. */
  async stop(): Promise<void> {
    await this.halt();
    const { wheel, log, checkpoint } = this.parts;
    try {
      if (this.isBegun) {
        await this.alone(async () => {
          const readTimeMs = this.role === 'master' ? this.tidySlot() : this.parts.dequeuer.readTimeMs;
          await this.flush(readTimeMs, true);
        });
      }
    } finally {
      wheel.close();
      log.close();
      checkpoint.close();
    }
  }

  /** Stops and leaves the files as they are. */
  async abandon(): Promise<void> {
    await this.halt();
    await this.lane;
    const { wheel, log, checkpoint } = this.parts;
    wheel.close();
    log.close();
    checkpoint.close();
  }

  private async halt(): Promise<void> {
    this.stopped = true;
    await this.parts.enqueuer.stop();
    await this.parts.dequeuer.stop();
    this.flushTimer?.cancel();
  }

  private async recover(problem: string | undefined): Promise<TimerStart> {
    const { store, wheel, log, checkpoint, metrics, clock, logger, fileSystem, configFolder } = this.parts;
    await makeDurableFolders(fileSystem, [configFolder, log.folder]);
    const isThere = checkpoint.load();
    metrics.load();
    const nowMs = clock.nowMs();
    const isNew = !isThere && fileSystem.stat(wheel.path) === undefined;
    const missing = isNew ? '' : `${checkpoint.path} is missing`;
    const checkpointProblem = checkpoint.isDamaged ? `${checkpoint.path} is damaged` : isThere ? undefined : missing;
    const wheelProblem = await wheel.open(readTimeOf(checkpoint, nowMs));
    const logProblem = log.open();
    // An earlier run was killed before it made anew what a failed fdatasync had left.
    if (store.doubts.has(TIMER_DOUBT)) for (const file of [wheel, log, checkpoint]) file.doubt();
    if (problem !== undefined) return rebuildStart(store, checkpoint, checkpointProblem === undefined, problem, nowMs);
    return recoverTimer({
      store,
      wheel,
      log,
      checkpoint,
      checkpointProblem,
      wheelProblem,
      logProblem,
      nowMs,
      warn: (text) => logger.warn(text),
    });
  }

  /** Makes room for log and wheel to be made again. The checkpoint says so first: a crash begins anew. */
  private async clear(start: TimerStart, problem: string): Promise<void> {
    const { wheel, log, checkpoint, metrics, logger } = this.parts;
    if (problem !== '') {
      logger.warn(`the timer log and the timer wheel are made again from the messages of ${TIMER_TOPIC}: ${problem}`);
    }
    checkpoint.rebuildUntil = start.rebuild?.untilQueueOffset ?? 0;
    checkpoint.lastTimerLogFlushPos = 0;
    checkpoint.lastTimerQueueOffset = start.queueOffset;
    checkpoint.lastReadTimeMs = start.rebuild?.doneBeforeMs ?? 0;
    checkpoint.logStart = 0;
    checkpoint.delivered = start.delivered;
    checkpoint.scanFrom = start.scanFrom;
    await checkpoint.save(true);
    log.clear();
    wheel.clear();
    metrics.clear();
  }

  private scheduleFlush(pauseMs = this.parts.flushIntervalMs): void {
    if (this.stopped) return;
    const { clock, log, wheel, dequeuer, checkpoint } = this.parts;
    this.flushTimer ??= clock.startTimer(() => {
      const run = this.lane.then(() => this.flush(dequeuer.readTimeMs, false));
      this.lane = run.then(
        () => {
          this.flushTimer = undefined;
          const isSettled = this.role === 'slave' || checkpoint.scanFrom === SCAN_NOTHING;
          if (log.isDirty || wheel.isDirty || checkpoint.isDoubted || !isSettled) this.scheduleFlush();
        },
        (error: unknown) => {
          this.flushTimer = undefined;
          this.flushFailed(error as Error);
        },
      );
    }, pauseMs);
  }

  private flushFailed(error: Error): void {
    const { store, wheel, log, checkpoint, logger, damaged } = this.parts;
    this.failure = error;
    if (error instanceof TimerUnitsLostError) return damaged(error.message);
    const isDoubted = log.isDoubted || wheel.isDoubted || checkpoint.isDoubted;
    if (isDoubted) store.doubts.note(TIMER_DOUBT);
    const pauseMs = this.backoff.next();
    logger.error(
      `the timer's files can't be brought onto the disk (${error.message}): timer messages are taken and delivered, a start would make more of them again; ` +
        `${isDoubted ? 'what failed is made anew' : 'tried again'} in ${pauseMs} ms`,
    );
    this.scheduleFlush(pauseMs);
  }

  /** The order makes a crash harmless: the wheel never names a unit that is not there, the checkpoint none that the wheel does not know. */
  private async flush(readTimeMs: number, isLast: boolean): Promise<void> {
    const { log, wheel, checkpoint, enqueuer, dequeuer, metrics, clock, store } = this.parts;
    if (!this.isBegun) return;
    dequeuer.doneBeforeMs = Math.max(dequeuer.doneBeforeMs, readTimeMs);
    await enqueuer.commit();
    const { committedEnd } = log;
    const { queueOffset, rebuildUntil } = enqueuer;
    await log.flush();
    await wheel.flush();
    if (checkpoint.lastReadTimeMs !== readTimeMs || checkpoint.lastTimerQueueOffset !== queueOffset) {
      checkpoint.dataVersion.timestamp = clock.nowMs();
      checkpoint.dataVersion.counter++;
    }
    this.settle(isLast);
    checkpoint.lastReadTimeMs = readTimeMs;
    checkpoint.lastTimerLogFlushPos = committedEnd;
    checkpoint.lastTimerQueueOffset = queueOffset;
    if (this.role === 'master') checkpoint.masterTimerQueueOffset = queueOffset;
    checkpoint.rebuildUntil = rebuildUntil;
    if (isLast || clock.monotonicMs() - this.cleanedMs >= defaults.TIMER_CLEAN_INTERVAL_MS) {
      this.cleanedMs = clock.monotonicMs();
      await log.removeBefore(store.minPhysicalOffset);
    }
    checkpoint.logStart = log.start;
    await checkpoint.save(true);
    wheel.forget(readTimeMs);
    await this.trustAgain();
    metrics.save();
  }

  private async trustAgain(): Promise<void> {
    const { store, logger } = this.parts;
    const { failure } = this;
    this.failure = undefined;
    this.backoff.reset();
    if (failure !== undefined) logger.warn("the timer's files are on the disk again");
    await store.doubts.settle(TIMER_DOUBT);
  }

  /** Lets the checkpoint say what was delivered, as far as that is on stable storage. */
  private settle(isLast: boolean): void {
    const { checkpoint, dequeuer, store } = this.parts;
    if (this.role === 'slave') {
      checkpoint.delivered = dequeuer.delivered;
      checkpoint.scanFrom = SCAN_BY_TIME;
      return;
    }
    // While the log still tells what need not be delivered, it is looked at again by the next start.
    if (dequeuer.hasCopies) return;
    const { next } = this;
    const { delivered, isIdle } = dequeuer;
    if (isLast && isIdle) {
      checkpoint.delivered = delivered;
      checkpoint.scanFrom = SCAN_NOTHING;
    } else if (next !== undefined && next.from <= store.stats().flushedPhysicalOffset) {
      checkpoint.delivered = next.delivered;
      checkpoint.scanFrom = isIdle && next.delivered === delivered ? SCAN_NOTHING : next.from;
      this.next = undefined;
    }
    if (checkpoint.scanFrom !== SCAN_NOTHING) this.next ??= { delivered, from: dequeuer.deliveredFrom };
  }

  /**
   * The Java broker delivers whole seconds: what is left of one that is partly delivered gets units of its own, so that it delivers nothing twice.
   *
   * @returns the time before which all slots are done.
   */
  private tidySlot(): number {
    const { dequeuer, wheel, log, clock } = this.parts;
    const { readTimeMs } = dequeuer;
    const slotMs = slotOf(dequeuer.delivered.dueMs);
    const left = slotMs === readTimeMs ? dequeuer.leftOf(slotMs) : undefined;
    if (left === undefined) return readTimeMs;
    wheel.cut(slotMs, -1);
    if (left.messages.length === 0) return slotMs + SLOT_MS;
    const nowMs = clock.nowMs();
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
