import { parseLog } from '../../../libs/store/src/simulation/log-reader.js';
import type { CrashPlan } from '../../../libs/store/src/simulation/sim-host.js';
import { SimCrashError } from '../../../libs/store/src/simulation/sim-crash.js';
import { idOfBody, MIN_BODY_BYTES, SimMessage } from '../../../libs/store/src/simulation/sim-message.js';
import { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';
import { SimTrace } from '../../../libs/store/src/simulation/sim-trace.js';
import { demand } from '../../../libs/store/src/simulation/sim-violation.js';
import { SimWorld } from '../../../libs/store/src/simulation/sim-world.js';
import type { MessageStore } from '../../../libs/store/src/message-store.js';
import type { PutResult } from '../../../libs/store/src/types.js';
import type { ReplicationHistory, ReplicationStep, Who } from './replication-history.js';
import { SimNetwork } from './sim-network.js';
import { SimReplica } from './sim-replica.js';

const HANG_MS = 200_000;
const QUEUES = 2;
const TOPIC = 'Orders';
const MAX_OPENINGS = 20;

/** A message that a master called safe in two places. */
interface Acknowledged {
  readonly message: SimMessage;
  readonly physicalOffset: number;
  readonly endOffset: number;
  /** Slaves that had it then. */
  readonly holders: Set<SimReplica>;
}

/**
 * One history of a master and its slaves: crashes at any call on a file system, lines that break behind any byte, full disks, machines that are lost. Throws
 * `SimViolation` when a slave has anything but a part of its master's log, when a message is called safe before a slave has it or is lost later, or when a group
 * does not become equal once everything works.
 */
export class ReplicationRun {
  readonly world: SimWorld;
  readonly trace: SimTrace;
  readonly network: SimNetwork;
  readonly messages = new Map<number, SimMessage>();
  acknowledged = 0;
  crashes = 0;
  failOvers = 0;
  /** All that there ever were, those that were lost included. */
  opens = 0;
  private readonly failures: Error[] = [];
  private readonly safe: Acknowledged[] = [];
  private readonly waiting = new Set<SimMessage>();
  private master: SimReplica;
  private slaves: SimReplica[];
  private names = 0;
  private recovery = new Map<SimReplica, CrashPlan[]>();

  constructor(
    private readonly history: ReplicationHistory,
    isTraced = false,
  ) {
    this.world = new SimWorld(history.seed);
    this.trace = new SimTrace(isTraced);
    this.network = new SimNetwork(this.world);
    this.master = this.newReplica();
    this.slaves = Array.from({ length: history.config.slaves }, () => this.newReplica());
  }

  async run(): Promise<void> {
    this.note(() => `config ${JSON.stringify(this.history.config)}`);
    await this.up(this.master);
    for (const [index, step] of this.history.steps.entries()) {
      this.world.random = new SimRandom(step.seed);
      this.note(() => `step ${index} ${JSON.stringify(step)}`);
      await this.bringUp(0.6);
      await this.step(step);
      this.check();
    }
    await this.end();
  }

  private async step(step: ReplicationStep): Promise<void> {
    switch (step.kind) {
      case 'put':
        this.put(step.count, step.maxBytes);
        return;
      case 'run':
        return this.world.runFor(step.ms, () => !this.master.isUp);
      case 'cutLine':
        this.network.cutLine(this.slaves[step.who].name, step.afterBytes);
        return;
      case 'crash': {
        const replica = this.who(step.who);
        this.recovery.set(replica, [...step.recovery]);
        if (!replica.isUp) return;
        if (step.crash.afterOperations === 0) replica.process?.crash(step.crash.kind);
        else replica.process?.armCrash(step.crash.kind, step.crash.afterOperations);
        return;
      }
      case 'restart':
        return this.who(step.who).stop();
      case 'writeError':
        this.slaves[step.who].host.faults.writeErrorIn = step.inCalls;
        return;
      case 'diskFull': {
        const { disk } = this.slaves[step.who].host;
        disk.capacityPages = disk.usedPages + step.freePages;
        return;
      }
      case 'slow': {
        const { faults } = this.who(step.who).host;
        faults.slowShare = step.share;
        faults.slowMs = step.ms;
        return;
      }
      case 'heal':
        for (const replica of this.all) replica.heal();
        return;
      case 'wipe':
        return this.wipe(this.slaves[step.who]);
      case 'failOver':
        return this.failOver();
    }
  }

  /** Everything works from now on: the slaves get all of the log, and whatever was called safe is there. */
  private async end(): Promise<void> {
    this.world.random = new SimRandom(this.history.seed);
    this.recovery.clear();
    for (const replica of this.all) {
      replica.heal();
      replica.process?.disarm();
    }
    // One that had to begin anew is opened again, and who that is may show once another one has become master.
    for (let round = 0; round < 4; round++) await this.bringUp(1);
    this.put(5, 300);
    const isEqual = (): boolean =>
      this.failures.length > 0 ||
      (this.waiting.size === 0 &&
        this.slaves.every(({ store }) => store?.maxPhysicalOffset === this.master.store?.maxPhysicalOffset));
    const reached = await this.world.runUntil(isEqual, HANG_MS);
    this.check();
    const ends = (): string =>
      this.all.map(({ name, store }) => `${name} ${String(store?.maxPhysicalOffset)}`).join(', ');
    demand(reached, 'not-caught-up', () => `${ends()}, ${this.waiting.size} puts are not answered`);
    this.checkSafe(this.master);
    for (const slave of this.slaves) await this.checkQueues(slave);
    for (const replica of this.all) {
      await replica.stop();
      await this.up(replica);
      this.check();
    }
    const [error] = this.world.strayErrors;
    demand(error === undefined, 'stray-error', () => (error instanceof Error ? (error.stack ?? '') : String(error)));
  }

  private put(count: number, maxBytes: number): void {
    const { random } = this.world;
    const { store, process } = this.master;
    if (store === undefined || !this.master.isUp) return;
    for (let i = 0; i < count; i++) {
      const id = this.messages.size + 1;
      const bodyBytes = random.between(MIN_BODY_BYTES, Math.min(maxBytes, this.history.config.segmentSizeBytes - 300));
      const message = new SimMessage(id, TOPIC, random.below(QUEUES), bodyBytes, 'TagA', 1, 0, true, 0);
      this.messages.set(id, message);
      this.waiting.add(message);
      try {
        store.putMessage(message.toPut(), (result) => {
          if (process?.isAlive === true) this.guard(() => this.answered(message, result));
        });
      } catch (error) {
        if (!(error instanceof SimCrashError)) throw error;
      }
    }
  }

  private answered(message: SimMessage, result: PutResult): void {
    demand(this.waiting.delete(message), 'answered-once', () => `${message.toString()} was answered twice`);
    this.note(() => `${result.status} ${message.id} at ${result.physicalOffset}+${result.sizeBytes}`);
    if (result.status !== 'PUT_OK') return;
    this.acknowledged++;
    if (this.history.config.brokerRole !== 'SYNC_MASTER') return;
    const endOffset = result.physicalOffset + result.sizeBytes;
    for (const slave of this.slaves) slave.noteEnd();
    const hadIt = this.slaves.some(({ highestOffset }) => highestOffset >= endOffset);
    demand(hadIt, 'no-copy', () => `${message.id} was answered before a slave had it`);
    const holders = new Set(this.slaves.filter((slave) => this.endOf(slave) >= endOffset));
    this.safe.push({ message, physicalOffset: result.physicalOffset, endOffset, holders });
  }

  /** Slaves that are down come back, the master always does. */
  private async bringUp(probability: number): Promise<void> {
    this.noticeDeaths();
    for (let attempt = 0; !this.master.isUp; attempt++) {
      demand(attempt < MAX_OPENINGS, 'open-fails', () => `${this.master.name} cannot be opened`);
      await this.up(this.master);
    }
    // A power loss may take from a master what its slaves have: as an operator would, the one that has most becomes master.
    const mustLook = this.master.hasLost;
    this.master.hasLost = false;
    for (const slave of this.slaves) {
      if (!slave.isUp && (mustLook || this.world.random.chance(probability))) {
        for (let attempt = 0; attempt < MAX_OPENINGS && !(await this.up(slave)); attempt++);
      }
    }
    // Nobody has what it lacks any more, or it has nothing but the place where a master of before told it to begin: it begins anew, as its master says.
    const masterStart = this.master.store?.minPhysicalOffset ?? 0;
    for (const slave of this.slaves) {
      const end = this.endOf(slave);
      const isBare = slave.store?.minPhysicalOffset === end && end > this.endOf(this.master);
      if (slave.isUp && end > 0 && (end < masterStart || isBare)) await this.wipe(slave);
    }
    if (this.slaves.some((slave) => this.endOf(slave) > this.endOf(this.master))) await this.promote();
  }

  private endOf({ store, sureOffset }: SimReplica): number {
    return store?.maxPhysicalOffset ?? sureOffset;
  }

  /** The one with the longest log, once all of them are stopped: what a slave had received is stored until then. */
  private async stopAndChoose(replicas: readonly SimReplica[]): Promise<SimReplica> {
    for (const replica of replicas) await replica.stop();
    this.noticeDeaths();
    return replicas.reduce((best, replica) => (this.endOf(replica) > this.endOf(best) ? replica : best));
  }

  private async promote(): Promise<void> {
    const before = this.master;
    const chosen = await this.stopAndChoose([before, ...this.slaves]);
    this.note(() => `${chosen.name} becomes master`);
    this.master = chosen;
    this.slaves = this.slaves.map((slave) => (slave === chosen ? before : slave));
    this.waiting.clear();
    for (let attempt = 0; !chosen.isUp; attempt++) {
      demand(attempt < MAX_OPENINGS, 'open-fails', () => `${chosen.name} cannot be opened`);
      await this.up(chosen);
    }
  }

  /** The machine of the master burns. */
  private async failOver(): Promise<void> {
    const lost = this.master;
    lost.process?.exit();
    lost.noticeDeath();
    this.network.noticeDeaths();
    this.waiting.clear();
    this.failOvers++;
    this.recovery.clear();
    for (const slave of this.slaves) {
      slave.process?.disarm();
      slave.heal();
      for (let attempt = 0; !slave.isUp && attempt < MAX_OPENINGS; attempt++) await this.up(slave);
    }
    const chosen = await this.stopAndChoose(this.slaves);
    const joining = this.newReplica();
    this.master = lost;
    for (const safe of this.safe) safe.holders.delete(lost);
    this.slaves = this.slaves.map((slave) => (slave === chosen ? joining : slave));
    this.master = chosen;
    for (let attempt = 0; !chosen.isUp && attempt < MAX_OPENINGS; attempt++) await this.up(chosen);
    this.checkSafe(chosen);
    // What only the lost machine and slaves that were wiped since had is gone.
    for (let at = this.safe.length - 1; at >= 0; at--)
      if (this.safe[at].endOffset > this.endOf(chosen)) this.safe.splice(at, 1);
  }

  private async wipe(slave: SimReplica): Promise<void> {
    await slave.stop();
    this.noticeDeaths();
    slave.wipe();
    for (const { holders } of this.safe) holders.delete(slave);
  }

  private async up(replica: SimReplica): Promise<boolean> {
    if (replica.isUp) return true;
    this.noticeDeaths();
    const [crash, ...later] = this.recovery.get(replica) ?? [];
    this.recovery.set(replica, later);
    const isOpen = await replica.open(replica === this.master ? 'master' : 'slave', this.master.name, crash);
    this.opens++;
    // A power loss may have taken from a slave what it had said to have.
    if (isOpen)
      for (const { holders, endOffset } of this.safe) if (endOffset > this.endOf(replica)) holders.delete(replica);
    return isOpen;
  }

  private noticeDeaths(): void {
    this.network.noticeDeaths();
    for (const replica of this.all) {
      if (!replica.noticeDeath()) continue;
      this.crashes++;
      if (replica === this.master) this.waiting.clear();
    }
  }

  /** Slaves have the log of their master, as far as it goes. */
  private check(): void {
    this.noticeDeaths();
    const [failure] = this.failures;
    if (failure !== undefined) throw failure;
    if (!this.master.isUp) return;
    const master = this.master.log();
    for (const slave of this.slaves) {
      if (!slave.isUp) continue;
      const { start, end, bytes } = slave.log();
      if (end === start) continue;
      demand(
        end <= master.end,
        'ahead',
        () => `${slave.name} ends at ${end}, its master ${this.master.name} at ${master.end}`,
      );
      const from = Math.max(start, master.start);
      const theirs = master.bytes.subarray(from - master.start, Math.max(from, end) - master.start);
      const own = bytes.subarray(from - start);
      const at = own.findIndex((byte, index) => byte !== theirs[index]);
      demand(at < 0, 'different', () => `${slave.name} differs from its master at offset ${from + at}`);
      parseLog(bytes, start, end, this.history.config.segmentSizeBytes);
    }
  }

  /** What was called safe is in a log, if anybody who had it is still there. */
  private checkSafe(replica: SimReplica): void {
    const { start, end, bytes } = replica.log();
    const records = parseLog(bytes, start, end, this.history.config.segmentSizeBytes);
    const byOffset = new Map(records.map((record) => [record.physicalOffset, record]));
    for (const { message, physicalOffset, holders } of this.safe) {
      if (holders.size === 0 || physicalOffset < start) continue;
      const record = byOffset.get(physicalOffset);
      demand(
        record !== undefined && idOfBody(record.body) === message.id && record.body.equals(message.body()),
        'lost',
        () =>
          `${message.id} was called safe at ${physicalOffset}; ${replica.name} (${start} to ${end}) does not have it`,
      );
    }
  }

  /** Consumers get the same from a slave as from its master, as far back as both go. */
  private async checkQueues(slave: SimReplica): Promise<void> {
    const { store } = slave;
    const master = this.master.store;
    if (store === undefined || master === undefined) return;
    const from = Math.max(store.minPhysicalOffset, master.minPhysicalOffset);
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      const theirs = await this.pullAll(store, queueId, from);
      const ours = await this.pullAll(master, queueId, from);
      demand(theirs.equals(ours), 'queues-differ', () => `${slave.name}: queue ${queueId} differs from the master's`);
    }
  }

  /** The records of a queue that stand behind an offset of the log. */
  private async pullAll(store: MessageStore, queueId: number, fromOffset: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let queueOffset = store.minOffset(TOPIC, queueId); queueOffset < store.maxOffset(TOPIC, queueId);) {
      const pulled = store.getMessage({ topic: TOPIC, queueId, queueOffset, maxMessages: 32 });
      let result = pulled instanceof Promise ? undefined : pulled;
      if (pulled instanceof Promise) void pulled.then((value) => (result = value));
      demand(await this.world.runUntil(() => result !== undefined, HANG_MS), 'hang', () => 'a pull does not end');
      if (result === undefined || result.nextBeginOffset <= queueOffset) break;
      const bytes = Buffer.concat(result.records);
      for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at)) {
        if (Number(bytes.readBigInt64BE(at + 28)) >= fromOffset)
          pieces.push(bytes.subarray(at, at + bytes.readInt32BE(at)));
      }
      queueOffset = result.nextBeginOffset;
    }
    return Buffer.concat(pieces);
  }

  private get all(): SimReplica[] {
    return [this.master, ...this.slaves];
  }

  private who(who: Who): SimReplica {
    return who === 'master' ? this.master : this.slaves[who];
  }

  private newReplica(): SimReplica {
    const name = `broker${this.names++}`;
    return new SimReplica(name, this.world, this.network, this.history.config, (line) => this.note(line));
  }

  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.failures.push(error as Error);
    }
  }

  private note(line: () => string): void {
    this.trace.add(this.world.nowMs, line);
  }
}
