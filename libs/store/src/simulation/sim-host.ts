import type { FileSystem } from '../io/file-system.js';
import type { Machine } from '../io/machine.js';
import { SimClock } from './sim-clock.js';
import type { CrashKind } from './sim-crash.js';
import { SimCrashError } from './sim-crash.js';
import type { SimDiskOptions } from './sim-disk.js';
import { SimDisk } from './sim-disk.js';
import { SimFaults } from './sim-faults.js';
import { SimFileSystem } from './sim-file-system.js';
import type { SimRandom } from './sim-random.js';
import type { SimWorld } from './sim-world.js';

/** A crash to come: at the n-th call on the file system from now on. */
export interface CrashPlan {
  readonly kind: CrashKind;
  readonly afterOperations: number;
}

/** An asynchronous call under way. */
export interface InFlightCall {
  /** The process died: the kernel may have done none, a part or all of it. */
  abandon(random: SimRandom): void;
}

/** A machine with a disk and processes. A world can hold several of them. */
export class SimHost {
  readonly disk: SimDisk;
  readonly faults = new SimFaults();
  /** Added to the wall clock: time servers set it forward and back. */
  wallOffsetMs = 0;
  private boots = 1;
  private pids = 100;
  private processes: SimProcess[] = [];

  constructor(
    readonly world: SimWorld,
    readonly name: string,
    options: SimDiskOptions,
  ) {
    this.disk = new SimDisk(world, options);
  }

  get bootId(): string {
    return `${this.name}-boot-${this.boots}`;
  }

  start(): SimProcess {
    const process = new SimProcess(this, ++this.pids);
    this.processes = [...this.processes.filter(({ isAlive }) => isAlive), process];
    return process;
  }

  findProcess(pid: number): SimProcess | undefined {
    return this.processes.find((process) => process.pid === pid && process.isAlive);
  }

  /** Everything that runs here dies, and the disk keeps what it likes of what was not synced. */
  powerLoss(): void {
    for (const process of this.processes) process.die('power');
    this.disk.powerLoss(this.world.random);
    this.boots++;
  }
}

/** One process: what it asks of files, time and machine ends with it. */
export class SimProcess {
  isAlive = true;
  diedOf: CrashKind | undefined = undefined;
  /** Paths of open descriptors. */
  readonly openFiles = new Map<object, string>();
  /** Calls on the file system so far. */
  operations = 0;
  /**
   * An fdatasync failed, and the process has not written down yet that it did. Killed in these few microseconds it leaves nothing that tells the next
   * one: no store can survive that, and it is not played.
   */
  hasUnnotedFailure = false;
  readonly clock: SimClock;
  readonly fileSystem: FileSystem;
  readonly machine: Machine;
  private readonly inFlight = new Set<InFlightCall>();
  private armed: { kind: CrashKind; operationsLeft: number } | undefined = undefined;

  constructor(
    readonly host: SimHost,
    readonly pid: number,
  ) {
    this.clock = new SimClock(this);
    this.fileSystem = new SimFileSystem(this);
    this.machine = new SimMachine(this);
  }

  /** Dies at the n-th call on the file system from now on. */
  armCrash(kind: CrashKind, afterOperations: number): void {
    this.armed = { kind, operationsLeft: afterOperations };
  }

  /** @returns what was armed. */
  disarm(): CrashPlan | undefined {
    const { armed } = this;
    this.armed = undefined;
    return armed === undefined ? undefined : { kind: armed.kind, afterOperations: armed.operationsLeft };
  }

  /** Calls that were started and are not answered. */
  get callsInFlight(): number {
    return this.inFlight.size;
  }

  /** A call on the file system begins. Throws when the process is dead, or dies here; with `half`, the call is done in part before that. */
  enter(operation: string, path: string, half?: () => void): void {
    if (!this.isAlive) throw new SimCrashError();
    this.operations++;
    this.host.world.onOperation?.(operation, path);
    if (this.hasUnnotedFailure && path.endsWith('/abort')) {
      if (operation.startsWith('write')) this.hasUnnotedFailure = false;
      if (this.armed?.kind === 'kill') return;
    }
    if (this.armed === undefined || this.host.faults.suspended) return;
    if (--this.armed.operationsLeft > 0) return;
    half?.();
    this.crash(this.armed.kind);
    throw new SimCrashError();
  }

  crash(kind: CrashKind): void {
    if (kind === 'power') this.host.powerLoss();
    else this.die('kill');
  }

  die(kind: CrashKind): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.diedOf = kind;
    for (const call of this.inFlight) call.abandon(this.host.world.random);
    this.inFlight.clear();
  }

  /** The process ends by itself, or is told to: what it left running does not matter any more. */
  exit(): void {
    this.die('kill');
  }

  /** Runs an asynchronous call: `complete` after the latency, unless the process dies before. */
  startCall(latencyMs: number, complete: () => void, abandon: (random: SimRandom) => void): void {
    const call: InFlightCall = { abandon };
    this.inFlight.add(call);
    this.host.world.schedule(latencyMs, () => {
      if (!this.isAlive) return;
      this.inFlight.delete(call);
      try {
        complete();
      } catch (error) {
        if (!(error instanceof SimCrashError)) throw error;
      }
    });
  }
}

class SimMachine implements Machine {
  readonly memoryBytes = 1024 * 1024;
  readonly hostname: string;
  readonly pid: number;
  private tokens = 0;

  constructor(private readonly process: SimProcess) {
    this.hostname = process.host.name;
    this.pid = process.pid;
  }

  bootId(): string {
    return this.process.host.bootId;
  }

  pidNamespace(): string {
    return 'pid:[1]';
  }

  processStart(pid: number): string | undefined {
    return this.process.host.findProcess(pid) === undefined ? undefined : `start-${pid}`;
  }

  processExists(pid: number): boolean {
    return this.process.host.findProcess(pid) !== undefined;
  }

  lockHolders(): number[] {
    return [];
  }

  uniqueToken(): string {
    return `${this.hostname}-${this.pid}-${++this.tokens}`;
  }

  collectGarbage(): void {}
}
