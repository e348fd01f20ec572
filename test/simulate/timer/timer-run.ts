import type { StoreError } from '../../../libs/store/src/errors.js';
import { errnoOf } from '../../../libs/store/src/io/file-system.js';
import type { MessageStore } from '../../../libs/store/src/message-store.js';
import type { RecoveryReport } from '../../../libs/store/src/recovery/recovery-report.js';
import type { CrashKind } from '../../../libs/store/src/simulation/sim-crash.js';
import type { CrashPlan, SimProcess } from '../../../libs/store/src/simulation/sim-host.js';
import { SimHost } from '../../../libs/store/src/simulation/sim-host.js';
import { MIN_BODY_BYTES } from '../../../libs/store/src/simulation/sim-message.js';
import { MOUNT_PATH, ROOT_PATH } from '../../../libs/store/src/simulation/sim-options.js';
import { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';
import { SimTrace } from '../../../libs/store/src/simulation/sim-trace.js';
import { SimViolation, demand } from '../../../libs/store/src/simulation/sim-violation.js';
import { SimWorld } from '../../../libs/store/src/simulation/sim-world.js';
import type { TimerMessageStore } from '../../../libs/store/src/timer/timer-message-store.js';
import type { PutResult, StoreLogger } from '../../../libs/store/src/types.js';
import { SimTimerMessage } from './sim-timer-message.js';
import type { TimerHistory, TimerLoss, TimerStep } from './timer-history.js';
import { TimerLedger } from './timer-ledger.js';
import { makeStore, makeTimer } from './timer-parts.js';

/** Longer than anything that is waited for. */
const HANG_MS = 400_000;
const QUEUES = 2;
const MAX_OPENINGS = 20;
/** How late a message may be once nothing is in the way: what failed is tried again every 100 ms, the clock is looked at once a minute. */
const MAX_LATE_MS = 130_000;
/** A history does not look at the log more rarely: retention deletes nothing unseen. */
const LOOK_MS = 5_000;

/** Store and timer of one process. */
interface Opened {
  readonly process: SimProcess;
  readonly store: MessageStore;
  readonly timer: TimerMessageStore;
}

/**
 * One history of messages for later: the real timer over the real store on a simulated disk. Throws `SimViolation` when a message is lost, changed, early, delivered
 * twice or though it was recalled, or when deliveries do not go on by themselves.
 */
export class TimerRunOfHistory {
  readonly world: SimWorld;
  readonly trace: SimTrace;
  readonly ledger: TimerLedger;
  opens = 0;
  crashes = 0;
  private readonly host: SimHost;
  private current: Opened | undefined;
  private starting: SimProcess | undefined;
  private recoveryCrashes: CrashPlan[] = [];
  private losses: TimerLoss[] = [];
  private damagedFrom = Number.POSITIVE_INFINITY;
  private lastCrash: CrashKind | undefined;
  private isTroubled = false;
  private downMs = 1;
  private readonly logger: StoreLogger = {
    log: (line) => this.note(() => `log: ${line}`),
    warn: (line) => this.note(() => `warn: ${line}`),
    error: (line) => this.note(() => `error: ${line}`),
  };

  constructor(
    private readonly history: TimerHistory,
    isTraced = false,
  ) {
    const { config, seed } = history;
    this.world = new SimWorld(seed);
    this.host = new SimHost(this.world, 'host', config);
    this.host.disk.makeMountPoint(MOUNT_PATH);
    this.ledger = new TimerLedger(this.host.disk, config.segmentSizeBytes);
    this.trace = new SimTrace(isTraced);
  }

  async run(): Promise<void> {
    this.note(() => `config ${JSON.stringify(this.history.config)}`);
    for (const [index, step] of this.history.steps.entries()) {
      this.world.random = new SimRandom(step.seed);
      this.note(() => `step ${index} ${JSON.stringify(step)}`);
      await this.step(step);
      await this.noticeCrash();
      this.look();
    }
    await this.end();
  }

  private async step(step: TimerStep): Promise<void> {
    const { faults, disk } = this.host;
    switch (step.kind) {
      case 'put':
        return this.put(await this.opened(), step.count, step.maxDelayMs);
      case 'recall':
        return this.recall(await this.opened(), step.count);
      case 'run':
        await this.opened();
        return this.runFor(step.ms);
      case 'restart':
        await this.opened();
        this.downMs = step.downMs;
        return this.stop();
      case 'crash': {
        const { process } = await this.opened();
        this.recoveryCrashes.push(...step.recovery);
        this.downMs = step.downMs;
        if (step.crash.afterOperations === 0) process.crash(step.crash.kind);
        else process.armCrash(step.crash.kind, step.crash.afterOperations);
        return;
      }
      case 'syncError':
        faults.syncErrorIn = step.inCalls;
        this.isTroubled = true;
        return;
      case 'writeError':
        faults.writeErrorIn = step.inCalls;
        this.isTroubled = true;
        return;
      case 'readError':
        faults.readErrorIn = step.inCalls;
        this.isTroubled = true;
        return;
      case 'slow':
        faults.slowShare = step.share;
        faults.slowMs = step.ms;
        this.isTroubled = true;
        return;
      case 'heal':
        return this.heal();
      case 'diskFull':
        disk.capacityPages = disk.usedPages + step.freePages;
        this.isTroubled = true;
        return;
      case 'wallClock':
        this.host.wallOffsetMs += step.ms;
        this.ledger.untroubledFromMs = this.world.nowMs;
        return;
      case 'lose':
        this.losses.push(step.what);
        return;
    }
  }

  /** Whatever happened: once the disk works, all that waits is delivered, and nothing comes again after a clean restart. */
  private async end(): Promise<void> {
    this.world.random = new SimRandom(this.history.seed);
    this.heal();
    this.recoveryCrashes = [];
    let { store } = await this.opened();
    this.current?.process.disarm();
    // What the disk did may have ended the store for good: its puts say so, and it must be opened again.
    if (store.stats().notWritable !== undefined) {
      await this.runFor(2_000);
      if (store.stats().notWritable !== undefined) {
        await this.stop();
        ({ store } = await this.opened());
      }
    }
    const messages = [...this.ledger.messages.values()];
    const lastDueMs = Math.max(0, ...messages.map(({ deliverMs }) => deliverMs));
    const endMs = Math.max(lastDueMs, this.wallMs) + MAX_LATE_MS;
    while (this.wallMs < endMs && this.ledger.undelivered(Number.POSITIVE_INFINITY).length > 0)
      await this.runFor(5_000);
    this.demandDelivered(store);
    await this.stop();
    await this.opened();
    await this.runFor(5_000);
    await this.stop();
    this.checkStray();
  }

  private demandDelivered(store: MessageStore): void {
    const [first, ...others] = this.ledger.undelivered(Number.POSITIVE_INFINITY);
    demand(
      first === undefined,
      'undelivered',
      () =>
        `${first.toString()} and ${others.length} more were not delivered by ${this.wallMs}; the store: ${store.stats().notWritable ?? 'takes messages'}; the timer: ${JSON.stringify(this.current?.timer.stats())}`,
    );
  }

  private get wallMs(): number {
    return this.current?.process.clock.nowMs() ?? 0;
  }

  private heal(): void {
    this.host.faults.heal();
    this.host.disk.capacityPages = Number.POSITIVE_INFINITY;
    if (this.isTroubled) this.ledger.untroubledFromMs = this.world.nowMs + 2_000;
    this.isTroubled = false;
  }

  private async runFor(ms: number): Promise<void> {
    for (let left = ms; left > 0 && this.current?.process.isAlive === true; left -= LOOK_MS) {
      await this.world.runFor(Math.min(left, LOOK_MS), () => this.current?.process.isAlive !== true);
      this.look();
    }
  }

  private look(): void {
    if (this.isTroubled) this.ledger.untroubledFromMs = Number.POSITIVE_INFINITY;
    if (this.current?.process.isAlive === true) this.ledger.look(this.current.store, this.world.nowMs);
    this.checkStray();
  }

  private put({ store, process }: Opened, count: number, maxDelayMs: number): void {
    const { random } = this.world;
    for (let i = 0; i < count && process.isAlive; i++) {
      // Some are due already, many at the same second.
      const delayMs = random.chance(0.1) ? -random.below(3_000) : random.below(maxDelayMs + 1);
      const bodyBytes = random.between(MIN_BODY_BYTES, random.pick([40, 300, 1500]));
      this.send(store, process, process.clock.nowMs() + delayMs, bodyBytes);
    }
  }

  private recall({ store, process }: Opened, count: number): void {
    const { random } = this.world;
    const nowMs = process.clock.nowMs();
    const candidates = [...this.ledger.messages.values()].filter(
      ({ target, durability, deliverMs }) => target === undefined && durability !== 'none' && deliverMs > nowMs,
    );
    for (let i = 0; i < count && candidates.length > 0 && process.isAlive; i++) {
      const target = random.pick(candidates);
      this.send(store, process, target.deliverMs, MIN_BODY_BYTES, target);
    }
  }

  private send(
    store: MessageStore,
    process: SimProcess,
    deliverMs: number,
    bodyBytes: number,
    target?: SimTimerMessage,
  ): void {
    const { messages, life } = this.ledger;
    const id = messages.size + 1;
    const queueId = target?.realQueueId ?? this.world.random.below(QUEUES);
    const message = new SimTimerMessage(id, queueId, bodyBytes, deliverMs, target, life);
    messages.set(id, message);
    try {
      store.putMessage(message.toPut(), (result) => this.answered(message, result, process));
    } catch (error) {
      if (process.isAlive) throw error;
    }
  }

  private answered(message: SimTimerMessage, result: PutResult, process: SimProcess): void {
    if (!process.isAlive) return;
    message.answers++;
    message.status = result.status;
    if (result.status !== 'PUT_OK' && result.status !== 'FLUSH_DISK_TIMEOUT') return;
    message.physicalOffset = result.physicalOffset;
    message.sizeBytes = result.sizeBytes;
    const isStable = this.history.config.flushDiskType === 'SYNC_FLUSH' && result.status === 'PUT_OK';
    message.durability = isStable ? 'stable' : 'process';
    message.acknowledged = { wallMs: process.clock.nowMs(), atMs: this.world.nowMs };
  }

  private async opened(): Promise<Opened> {
    await this.noticeCrash();
    for (let attempt = 0; this.current === undefined; attempt++) {
      demand(attempt < MAX_OPENINGS, 'open-fails', () => 'store and timer cannot be opened');
      await this.world.runFor(this.downMs);
      this.downMs = 1;
      await this.tryOpen();
    }
    return this.current;
  }

  private async tryOpen(): Promise<void> {
    this.applyLosses();
    const process = this.host.start();
    this.starting = process;
    const plan = this.recoveryCrashes.shift();
    if (plan !== undefined) process.armCrash(plan.kind, Math.max(1, plan.afterOperations));
    this.opens++;
    const { config } = this.history;
    const isDamaged = this.damagedFrom < Number.POSITIVE_INFINITY;
    const store = makeStore(config, process, isDamaged, this.logger);
    let report: RecoveryReport | undefined;
    const storeFailure = await this.outcome(process, 'open() of the store', async () => {
      report = await store.open();
    });
    if (!process.isAlive) return this.noticeCrash();
    if (report === undefined) return this.openFailed(process, storeFailure);
    this.host.faults.suspended = true;
    this.ledger.opened(store, this.damagedFrom, this.world.nowMs);
    this.damagedFrom = Number.POSITIVE_INFINITY;
    this.lastCrash = undefined;
    this.host.faults.suspended = false;
    const timer = makeTimer(config, process, store, this.logger);
    this.current = { process, store, timer };
    this.starting = undefined;
    const timerFailure = await this.outcome(process, 'start() of the timer', () => timer.start());
    if (!process.isAlive || timerFailure === undefined) return;
    this.note(() => `the timer does not start: ${(timerFailure as Error).message}`);
    this.demandExpected(timerFailure);
    await this.stop();
    this.heal();
  }

  /** @returns what it failed with. */
  private async outcome(process: SimProcess, what: string, call: () => Promise<void>): Promise<unknown> {
    let isDone = false;
    let failure: unknown;
    call().then(
      () => (isDone = true),
      (error: unknown) => (failure = error),
    );
    const isOver = (): boolean => isDone || failure !== undefined || !process.isAlive;
    demand(await this.world.runUntil(isOver, HANG_MS), 'hang', () => `${what} does not end`);
    return failure;
  }

  private async openFailed(process: SimProcess, failure: unknown): Promise<void> {
    this.note(() => `open failed: ${String(failure)}`);
    this.demandExpected(failure);
    await this.world.runFor(1);
    process.exit();
    this.starting = undefined;
    this.evictDropped();
    this.heal();
  }

  private demandExpected(failure: unknown): void {
    const { faults, disk } = this.host;
    const isFull = disk.capacityPages < Number.POSITIVE_INFINITY;
    const { code, stack } = failure as StoreError;
    const isIo = ['EIO', 'ENOSPC'].includes(errnoOf(failure) ?? '') || code === 'STORE_NOT_WRITABLE';
    demand(isFull || (faults.fired > 0 && isIo), 'unexpected-error', () => stack ?? String(failure));
  }

  private async stop(): Promise<void> {
    const { current } = this;
    if (current === undefined || !current.process.isAlive) return;
    const { process, store, timer } = current;
    const failures = [
      await this.outcome(process, 'stop() of the timer', () => timer.stop()),
      process.isAlive ? await this.outcome(process, 'close() of the store', () => store.close()) : undefined,
    ];
    if (!process.isAlive) return;
    for (const failure of failures) if (failure !== undefined) this.demandExpected(failure);
    this.look();
    await this.world.runUntil(() => process.callsInFlight === 0 || !process.isAlive, HANG_MS);
    await this.world.runFor(50);
    if (!process.isAlive) return;
    const { openFiles, clock } = process;
    demand(openFiles.size === 0, 'leak', () => `open after the stop: ${[...openFiles.values()].join(', ')}`);
    demand(clock.waiting.size === 0, 'leak', () => `waiting after the stop: ${[...clock.waiting.values()].join(', ')}`);
    this.note(() => 'stopped');
    this.ledger.crashed('kill', store.stats().flushedPhysicalOffset);
    process.exit();
    this.current = undefined;
    this.evictDropped();
  }

  private async noticeCrash(): Promise<void> {
    const process = this.current?.process ?? this.starting;
    if (process === undefined || process.isAlive) return;
    await this.world.runFor(0);
    const kind = process.diedOf ?? 'kill';
    // What reached the log before it died, and is not lost yet.
    const flushedOffset = this.current?.store.stats().flushedPhysicalOffset ?? 0;
    this.crashes++;
    this.lastCrash = kind;
    this.note(() => `crash: ${kind}, flushed to ${flushedOffset}`);
    this.ledger.crashed(kind, flushedOffset);
    if (kind === 'power') this.ledger.powerLossMs = this.world.nowMs;
    this.current = undefined;
    this.starting = undefined;
    if (kind === 'kill') this.evictDropped();
  }

  private evictDropped(): void {
    if (!this.world.random.chance(0.5)) return;
    for (const { path, position } of this.host.disk.evictDropped()) {
      this.note(() => `the kernel forgot ${path} at ${position}`);
      const match = /commitlog\/(\d+)$/.exec(path);
      if (match !== null) this.damagedFrom = Math.min(this.damagedFrom, Number(match[1]) + position);
    }
  }

  private applyLosses(): void {
    // One disaster at a time.
    if (this.lastCrash === 'power') return;
    for (const what of this.losses) {
      const isLost = this.host.disk.forget(`${ROOT_PATH}/${what}`);
      this.note(() => `${what} taken away: ${isLost}`);
    }
    this.losses = [];
  }

  private checkStray(): void {
    const [error] = this.world.strayErrors;
    if (error instanceof SimViolation) throw error;
    demand(error === undefined, 'stray-error', () => (error instanceof Error ? (error.stack ?? '') : String(error)));
  }

  private note(line: () => string): void {
    this.trace.add(this.world.nowMs, line);
  }
}
