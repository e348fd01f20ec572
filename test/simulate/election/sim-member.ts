import type { LeaseRecord } from '../../../apps/broker/src/election/lease-store/lease-store.js';
import { LeaseMember, type LeaseMemberOptions, type Replica } from '../../../apps/broker/src/election/lease-member.js';
import type { MasterTerm } from '../../../apps/broker/src/election/master-term.js';
import { silentLogger } from '../../../apps/broker/src/logger.js';
import { EpochTable } from '../../../libs/store/src/replication/epoch-table.js';
import type { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';
import type { SimGroup } from './sim-group.js';
import { SimLeaseStore } from './sim-lease-store.js';
import { SimMemberTime } from './sim-time.js';

/** One line of a slave to a master, alive until either end drops it. */
interface Line {
  readonly slave: SimMember;
  readonly master: SimMember;
  open: boolean;
  /** The slave's next offset, as the master knows it; -1 before its first report. */
  sentOffset: number;
  busy: boolean;
}

/**
 * One member in the simulated world: the real state machine, in-sync set and epochs over a log of numbers. What is on its disk (log, epochs) survives a
 * crash, all else does not.
 */
export class SimMember implements Replica {
  readonly log: number[] = [];
  epochs = new EpochTable();
  readonly time: SimMemberTime;
  readonly store: SimLeaseStore;
  /** Everything before is confirmed, and seen. */
  confirmedOffset = 0;
  isElectable = true;
  private member: LeaseMember | undefined;
  private term: MasterTerm | undefined;
  /** The role is taken on: writes are taken. */
  private leads = false;
  private line: Line | undefined;
  private slaves: Line[] = [];
  private wanted: MasterTerm | LeaseRecord | undefined;
  private changing = false;
  private waiting: { value: number; offset: number }[] = [];
  private lives = 0;

  constructor(
    readonly id: number,
    private readonly group: SimGroup,
    private readonly random: SimRandom,
  ) {
    this.time = new SimMemberTime(group.time, 1 + (random.float() - 0.5) / 50);
    this.store = new SimLeaseStore(group.register, group.time, this.time, random);
  }

  get isUp(): boolean {
    return this.member !== undefined;
  }

  get logEndOffset(): number {
    return this.log.length;
  }

  get lastEpoch(): number {
    return this.epochs.lastEpoch;
  }

  start(options: Omit<LeaseMemberOptions, 'candidate'>): void {
    const holderToken = `${this.id}-${++this.lives}`;
    const address = String(this.id);
    const candidate = { group: 'g', holderId: this.id, holderToken, brokerAddress: address, haAddress: address };
    this.member = new LeaseMember(this.store, this, { ...options, candidate }, this.time, silentLogger);
    this.member.start();
  }

  crash(): void {
    this.time.die();
    this.member = undefined;
    this.term = undefined;
    this.leads = false;
    this.wanted = undefined;
    this.changing = false;
    this.waiting = [];
    this.confirmedOffset = 0;
    this.dropLines();
  }

  /** A sender's message: false when it is refused. */
  put(value: number): boolean {
    if (!this.leads || this.term?.isValid !== true || this.time.isPaused) return false;
    this.waiting.push({ value, offset: this.log.length });
    this.log.push(value);
    this.advance();
    for (const line of this.slaves) this.send(line);
    return true;
  }

  lead(term: MasterTerm): void {
    this.term = term;
    this.want(term);
  }

  follow(leader: LeaseRecord): void {
    this.want(leader);
  }

  /** Cuts every line that this member has. */
  dropLines(): void {
    if (this.line !== undefined) this.drop(this.line);
    for (const line of [...this.slaves]) this.drop(line);
  }

  private want(role: MasterTerm | LeaseRecord): void {
    this.wanted = role;
    if (this.changing) return;
    this.changing = true;
    this.leads = false;
    this.dropLines();
    // Nobody is told any more that its message is safe.
    this.waiting = [];
    this.time.plan(this.random.between(1, 600), () => void this.change());
  }

  private change(): void {
    this.changing = false;
    const { wanted } = this;
    if (wanted === undefined) return;
    if (!('acks' in wanted)) {
      this.confirmedOffset = 0;
      this.connect(wanted);
      return;
    }
    if (wanted.isOver) return;
    this.group.leads(this, wanted.epoch);
    this.epochs.append({ epoch: wanted.epoch, startOffset: this.log.length });
    this.leads = true;
    wanted.onChange(() => this.advance());
    this.advance();
  }

  private connect(leader: LeaseRecord): void {
    if (this.wanted !== leader) return;
    const master = this.group.member(leader.holderId);
    const retry = (): void => void this.time.plan(this.random.between(20, 200), () => this.connect(leader));
    this.time.plan(this.random.between(1, 20), () => {
      if (this.wanted !== leader) return;
      const canConnect = master.isUp && master.leads && !this.group.isCut(this.id, master.id);
      if (!canConnect || master.term?.epoch !== leader.epoch || master.lastEpoch < this.lastEpoch) return retry();
      const common =
        this.log.length === 0 ? 0 : this.epochs.commonEnd(this.log.length, master.epochs, master.log.length);
      if (common === undefined) return this.group.violated(`member ${this.id} has nothing in common with its master`);
      if (common < this.log.length) {
        this.group.cut(this, common);
        this.log.length = common;
        this.epochs.cutTo(common);
      }
      this.epochs = new EpochTable(master.epochs.entries);
      const line: Line = { slave: this, master, open: true, sentOffset: -1, busy: false };
      this.line = line;
      master.slaves.push(line);
      master.term.acks.connected(this.id, master.log.length, master.time.monotonicMs());
      this.report(line);
    });
  }

  /** The slave reports what it has: it arrives later, in order. */
  private report(line: Line): void {
    const offset = this.log.length;
    const { master } = line;
    master.time.plan(this.random.between(1, 15), () => {
      if (!line.open || master.term === undefined) return;
      line.sentOffset = Math.max(line.sentOffset, offset);
      line.busy = false;
      master.term.acks.reported(this.id, offset, master.log.length, master.time.monotonicMs());
      master.advance();
      master.send(line);
    });
  }

  private send(line: Line): void {
    if (!line.open || line.busy || line.sentOffset < 0) return;
    const { slave } = line;
    const confirmed = this.confirmedOffset;
    const from = line.sentOffset;
    const values = this.log.slice(from, from + this.random.between(1, 5));
    if (values.length === 0 && slave.confirmedOffset >= confirmed) return;
    line.busy = true;
    slave.time.plan(this.random.between(1, 15), () => {
      if (!line.open) return;
      if (slave.log.length !== from) return this.group.violated(`member ${slave.id} was sent a gap`);
      slave.log.push(...values);
      slave.see(confirmed);
      slave.report(line);
    });
  }

  /** Acknowledges what all that must have it have. */
  private advance(): void {
    const { term } = this;
    if (!this.leads || term === undefined || !term.isValid) return;
    const confirmed = term.inSync.advance(this.log.length, term.acks);
    while (this.waiting.length > 0 && this.waiting[0].offset < confirmed) {
      const { value, offset } = this.waiting.shift()!;
      this.group.acknowledged(this, term.epoch, offset, value);
    }
    this.see(confirmed);
    for (const line of this.slaves) this.send(line);
  }

  private see(confirmed: number): void {
    const end = Math.min(confirmed, this.log.length);
    for (let offset = this.confirmedOffset; offset < end; offset++) this.group.seen(this, offset, this.log[offset]);
    this.confirmedOffset = Math.max(this.confirmedOffset, end);
  }

  private drop(line: Line): void {
    if (!line.open) return;
    line.open = false;
    const { slave, master } = line;
    if (slave.line === line) slave.line = undefined;
    master.slaves = master.slaves.filter((other) => other !== line);
    master.term?.acks.disconnected(slave.id);
    const leader = slave.wanted;
    if (leader === undefined || 'acks' in leader || slave.changing) return;
    slave.time.plan(20, () => {
      if (slave.line === undefined && slave.wanted === leader && !slave.changing) slave.connect(leader);
    });
  }
}
