import { MessageStore } from '../message-store.js';
import type { RecoveryReport } from '../recovery/recovery-report.js';
import type { StoreError } from '../errors.js';
import { errnoOf } from '../io/file-system.js';
import type { FileSystem } from '../io/file-system.js';
import type { History, Step } from './history.js';
import type { CrashKind } from './sim-crash.js';
import type { CrashPlan, SimProcess } from './sim-host.js';
import { SimHost } from './sim-host.js';
import { SimModel } from './sim-model.js';
import { SimRandom } from './sim-random.js';
import { SimTrace } from './sim-trace.js';
import { SimViolation, demand } from './sim-violation.js';
import { SimWorld } from './sim-world.js';
import { MOUNT_PATH, ROOT_PATH, storeOptions } from './sim-options.js';
import { StoreChecker } from './store-checker.js';
import { StoreUser } from './store-user.js';

/** Longer than anything the store waits for by itself, and than the many small files take on the slowest disk: whoever is not answered by then is never answered. */
const HANG_MS = 3_600_000;

/** What a test may change about the machine under the store. */
export interface SimVariant {
  /** A file system that is wrong in some way: the simulator must notice. */
  readonly wrapFileSystem?: (real: FileSystem, process: SimProcess) => FileSystem;
}

/** What is written down of a run: nothing, what happened, or each call on the file system too. */
export type TraceLevel = 'none' | 'events' | 'files';

/** One history, played on a host of its own. Throws `SimViolation` when the store breaks an invariant. */
export class SimRun {
  readonly world: SimWorld;
  readonly model: SimModel;
  readonly trace: SimTrace;
  opens = 0;
  crashes = 0;
  private readonly host: SimHost;
  private readonly checker: StoreChecker;
  private readonly user: StoreUser;
  private process: SimProcess | undefined = undefined;
  private store: MessageStore | undefined = undefined;
  private recoveryCrashes: CrashPlan[] = [];
  private losses: string[] = [];
  private damagedFrom = Number.POSITIVE_INFINITY;
  private closedCleanly = false;
  private lastCrash: CrashKind | undefined = undefined;

  constructor(
    private readonly history: History,
    private readonly variant: SimVariant = {},
    traceLevel: TraceLevel = 'none',
  ) {
    const { config, seed } = history;
    this.world = new SimWorld(seed);
    this.host = new SimHost(this.world, 'host', config);
    this.host.disk.makeMountPoint(MOUNT_PATH);
    this.model = new SimModel(config.flushDiskType);
    this.trace = new SimTrace(traceLevel !== 'none');
    if (traceLevel === 'files') this.world.onOperation = (operation, path) => this.note(() => `${operation} ${path}`);
    this.checker = new StoreChecker(config, this.host, this.model, ROOT_PATH);
    this.user = new StoreUser(config, this.world, this.host, this.model, this.trace);
  }

  async run(): Promise<void> {
    this.note(() => `config ${JSON.stringify(this.history.config)}`);
    for (const [index, step] of this.history.steps.entries()) {
      this.world.random = new SimRandom(step.seed);
      this.note(() => `step ${index} ${JSON.stringify(step)}`);
      await this.step(step);
      await this.noticeCrash();
      this.checkStray();
    }
    await this.end();
  }

  private async step(step: Step): Promise<void> {
    const { faults, disk } = this.host;
    switch (step.kind) {
      case 'put':
      case 'batch':
      case 'pull': {
        const store = await this.opened();
        if (step.kind === 'put') this.user.put(store, step.count, step.maxBytes);
        else if (step.kind === 'batch') this.user.putBatch(store, step.count, step.maxBytes);
        else this.user.pull(store, step.count);
        return;
      }
      case 'run':
        await this.opened();
        return this.world.runFor(step.ms, () => this.process?.isAlive !== true);
      case 'deleteTopic':
        return this.deleteTopic(await this.opened());
      case 'restart':
        await this.opened();
        return this.stop();
      case 'crash':
        await this.opened();
        this.recoveryCrashes.push(...step.recovery);
        if (step.crash.afterOperations === 0) this.process?.crash(step.crash.kind);
        else this.process?.armCrash(step.crash.kind, step.crash.afterOperations);
        return;
      case 'syncError':
        faults.syncErrorIn = step.inCalls;
        return;
      case 'writeError':
        faults.writeErrorIn = step.inCalls;
        return;
      case 'readError':
        faults.readErrorIn = step.inCalls;
        return;
      case 'shortWrites':
        faults.shortWriteShare = step.share;
        return;
      case 'slow':
        faults.slowShare = step.share;
        faults.slowMs = step.ms;
        return;
      case 'heal':
        return this.heal();
      case 'diskFull':
        disk.capacityPages = disk.usedPages + step.freePages;
        return;
      case 'wallClock':
        this.host.wallOffsetMs += step.ms;
        return;
      case 'lose':
        this.losses.push(step.what);
        return;
    }
  }

  /** Every history ends like this: whatever happened, the store works again once disk and machine do, and stops cleanly. */
  private async end(): Promise<void> {
    this.world.random = new SimRandom(this.history.seed);
    this.heal();
    this.recoveryCrashes = [];
    await this.opened();
    await this.stop();
    const store = await this.opened();
    await this.user.checkTakesMessages(store, (what, call) => this.wait(what, call));
    await this.stop();
    demand(this.closedCleanly, 'unclean-end', () => 'the store did not stop cleanly on a sound disk');
    await this.checker.checkWholeIndex(await this.opened(), (what, call) => this.wait(what, call));
    await this.stop();
    this.checkStray();
  }

  private heal(): void {
    this.host.faults.heal();
    this.host.disk.capacityPages = Number.POSITIVE_INFINITY;
  }

  /** The open store; opened, and checked, when it is not. */
  private async opened(): Promise<MessageStore> {
    await this.noticeCrash();
    for (let attempt = 0; this.store === undefined; attempt++) {
      demand(attempt < 20, 'open-fails', () => 'the store cannot be opened');
      await this.tryOpen();
    }
    return this.store;
  }

  private async tryOpen(): Promise<void> {
    const queuesLost = this.applyLosses();
    const wasClean = this.closedCleanly;
    const process = this.host.start();
    const plan = this.recoveryCrashes.shift();
    if (plan !== undefined) process.armCrash(plan.kind, Math.max(1, plan.afterOperations));
    const store = this.makeStore(process);
    this.process = process;
    this.opens++;
    this.model.life++;
    let report: RecoveryReport | undefined;
    let failure: unknown;
    store.open().then(
      (value) => (report = value),
      (error: unknown) => (failure = error),
    );
    const isOver = (): boolean => report !== undefined || failure !== undefined || !process.isAlive;
    demand(await this.world.runUntil(isOver, HANG_MS), 'hang', () => 'open() does not end');
    if (!process.isAlive) {
      if (queuesLost) this.losses.push('remembered');
      this.store = store;
      return this.noticeCrash();
    }
    if (report === undefined) {
      if (queuesLost) this.losses.push('remembered');
      return this.openFailed(failure, process);
    }
    this.closedCleanly = false;
    this.lastCrash = undefined;
    this.losses = this.losses.filter((what) => what !== 'remembered');
    this.noteReport(report);
    demand(!wasClean || report.cleanStop, 'unclean-start', () => 'a clean stop was not recognised');
    const crash = process.disarm();
    this.host.faults.suspended = true;
    const damagedFrom = this.damagedFrom;
    this.damagedFrom = Number.POSITIVE_INFINITY;
    await this.checker.check(store, { report, queuesLost, damagedFrom }, (what, call) => this.wait(what, call));
    this.host.faults.suspended = false;
    if (crash !== undefined) process.armCrash(crash.kind, crash.afterOperations);
    this.store = store;
    this.user.opened(store, process);
  }

  private makeStore(process: SimProcess): MessageStore {
    const { config } = this.history;
    const wrap = this.variant.wrapFileSystem;
    return new MessageStore({
      ...storeOptions(config),
      damagedLog: this.damagedFrom < Number.POSITIVE_INFINITY ? 'CUT' : 'REFUSE',
      fileSystem: wrap === undefined ? process.fileSystem : wrap(process.fileSystem, process),
      clock: process.clock,
      machine: process.machine,
      logger: {
        log: (line) => this.note(() => `log: ${line}`),
        warn: (line) => this.note(() => `warn: ${line}`),
        error: (line) => this.note(() => `error: ${line}`),
      },
    });
  }

  /** A refusal to open is fine when the disk gives errors or is full; then it is mended, and the next attempt must succeed. */
  private async openFailed(failure: unknown, process: SimProcess): Promise<void> {
    const { code, message } = failure as StoreError;
    this.note(() => `open failed: ${message}`);
    this.closedCleanly = false;
    const isFull = this.host.disk.capacityPages < Number.POSITIVE_INFINITY && code === 'STORE_NOT_WRITABLE';
    const isIoError = this.host.faults.fired > 0 && (errnoOf(failure) === 'EIO' || code === 'STORE_NOT_WRITABLE');
    demand(isFull || isIoError, 'open-refused', () => message);
    await this.world.runFor(1);
    this.checkLeaks(process, 'a failed open()');
    this.endProcess(process);
    this.host.faults.fired = 0;
    this.heal();
  }

  private async deleteTopic(store: MessageStore): Promise<void> {
    const topic = this.world.random.pick(this.history.config.topics);
    const messages = [...this.model.messages.values()].filter((message) => message.topic === topic);
    const process = this.process;
    let failure: unknown;
    let isDone = false;
    store.deleteTopic(topic).then(
      () => (isDone = true),
      (error: unknown) => (failure = error),
    );
    const isOver = (): boolean => isDone || failure !== undefined || process?.isAlive !== true;
    demand(await this.world.runUntil(isOver, HANG_MS), 'hang', () => `deleteTopic(${topic}) does not end`);
    if (failure !== undefined && process?.isAlive === true) this.tolerate('deleteTopic', failure);
    for (const message of messages) {
      if (message.deleted === 'no' || isDone) message.deleted = isDone ? 'yes' : 'maybe';
    }
    this.note(() => `deleted ${topic}: ${isDone ? 'yes' : 'perhaps'}`);
    for (let queueId = 0; queueId < this.history.config.queues; queueId++) {
      if (isDone || store.maxOffset(topic, queueId) === 0) this.model.entries(topic, queueId).clear();
    }
  }

  private async stop(): Promise<void> {
    const { store, process } = this;
    if (store === undefined || process === undefined) return;
    let isClosed = false;
    let failure: unknown;
    store.close().then(
      () => (isClosed = true),
      (error: unknown) => (failure = error),
    );
    const isOver = (): boolean => isClosed || failure !== undefined || !process.isAlive;
    demand(await this.world.runUntil(isOver, HANG_MS), 'hang', () => 'close() does not end');
    if (!process.isAlive) return;
    if (failure !== undefined) this.tolerate('close', failure);
    // Pulls under way may end after the store.
    await this.world.runUntil(() => process.callsInFlight === 0 || !process.isAlive, HANG_MS);
    await this.world.runFor(50);
    if (!process.isAlive) return;
    this.checkLeaks(process, 'close()');
    this.user.checkAllAnswered();
    this.closedCleanly = isClosed && this.host.disk.find(`${ROOT_PATH}/abort`) === undefined;
    this.note(() => `closed ${this.closedCleanly ? 'cleanly' : 'with a failure'}`);
    this.model.crashed('kill', store.stats().flushedPhysicalOffset);
    this.endProcess(process);
  }

  private endProcess(process: SimProcess): void {
    process.exit();
    this.process = undefined;
    this.store = undefined;
    this.evictDropped();
  }

  private async noticeCrash(): Promise<void> {
    const { process, store } = this;
    if (process === undefined || process.isAlive) return;
    // What the dead process still has on its stack runs out without effect.
    await this.world.runFor(0);
    const kind: CrashKind = process.diedOf ?? 'kill';
    const flushedOffset = store?.stats().flushedPhysicalOffset ?? 0;
    this.crashes++;
    this.lastCrash = kind;
    this.note(() => `crash: ${kind}, flushed to ${flushedOffset}`);
    this.model.crashed(kind, flushedOffset);
    // With a queue table, the checkpoint follows a deletion slowly: only the kernel knows of it meanwhile.
    if (kind === 'power' && this.history.config.queueTableMinQueues === 1) this.model.forgetDeletions();
    this.user.crashed();
    this.closedCleanly = false;
    this.process = undefined;
    this.store = undefined;
    if (kind === 'kill') this.evictDropped();
  }

  /** Page cache that a failed fdatasync left behind may go at any time: here, when the process is gone. */
  private evictDropped(): void {
    if (!this.world.random.chance(0.5)) return;
    for (const { path, position } of this.host.disk.evictDropped()) {
      this.note(() => `the kernel forgot ${path} at ${position}`);
      const match = /commitlog\/(\d+)$/.exec(path);
      if (match !== null) this.damagedFrom = Math.min(this.damagedFrom, Number(match[1]) + position);
    }
  }

  private applyLosses(): boolean {
    // One disaster at a time: a power loss may take the checkpoint's word for the queues as well.
    if (this.lastCrash === 'power') return this.losses.includes('remembered');
    const losses = this.losses;
    this.losses = [];
    for (const what of losses) {
      if (what === 'remembered') continue;
      const path = `${ROOT_PATH}/${what === 'checkpoint' ? 'checkpoint' : 'consumequeue'}`;
      const queue = `${path}/${this.history.config.topics[0]}/0`;
      const lost = this.host.disk.forget(what === 'queue' ? queue : path);
      this.note(() => `${what} taken away: ${lost}`);
    }
    return losses.length > 0;
  }

  private tolerate(what: string, error: unknown): void {
    const { faults, disk } = this.host;
    const isExpected = faults.fired > 0 || disk.capacityPages < Number.POSITIVE_INFINITY;
    this.note(() => `${what} failed: ${(error as Error).message}`);
    demand(isExpected, 'unexpected-error', () => `${what}: ${(error as Error).stack ?? String(error)}`);
  }

  private checkLeaks(process: SimProcess, after: string): void {
    const { openFiles, clock } = process;
    demand(openFiles.size === 0, 'leak', () => `open after ${after}: ${[...openFiles.values()].join(', ')}`);
    demand(clock.waiting.size === 0, 'leak', () => `waiting after ${after}: ${[...clock.waiting.values()].join(', ')}`);
    demand(process.callsInFlight === 0, 'leak', () => `${process.callsInFlight} calls run after ${after}`);
  }

  private checkStray(): void {
    const [error] = [...this.world.strayErrors, ...this.user.failures];
    if (error instanceof SimViolation) throw error;
    demand(error === undefined, 'stray-error', () => (error instanceof Error ? (error.stack ?? '') : String(error)));
  }

  private async wait<T>(what: string, call: () => T | Promise<T>): Promise<T> {
    const called = call();
    if (!(called instanceof Promise)) return called;
    let outcome: { value: T } | { error: unknown } | undefined;
    called.then(
      (value) => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    );
    demand(await this.world.runUntil(() => outcome !== undefined, HANG_MS), 'hang', () => `${what} does not end`);
    if (outcome === undefined || 'error' in outcome) {
      throw new SimViolation('unexpected-error', `${what}: ${String(outcome?.error)}`);
    }
    return outcome.value;
  }

  private noteReport(report: RecoveryReport): void {
    const { cleanStop, machineRestarted, scannedFromOffset, scannedRecords, logEndOffset, cutBytes, queuesRebuilt } =
      report;
    this.note(() => {
      const facts = {
        cleanStop,
        machineRestarted,
        scannedFromOffset,
        scannedRecords,
        logEndOffset,
        cutBytes,
        queuesRebuilt,
      };
      return `open: ${JSON.stringify(facts)}`;
    });
  }

  private note(line: () => string): void {
    this.trace.add(this.world.nowMs, line);
  }
}
