import {
  isOwn,
  type LeaseCandidate,
  type LeaseClaim,
  type LeaseRecord,
  type LeaseStore,
  type LeaseView,
} from '../../../apps/broker/src/election/lease-store/lease-store.js';
import type { SimRandom } from '../../../libs/store/src/simulation/sim-random.js';
import type { SimMemberTime, SimTime } from './sim-time.js';

/** The lease of one group, kept by a system whose wall clock jumps. */
export class SimLeaseRegister {
  private record: LeaseRecord | undefined;
  private expiresAtMs = 0;
  private clockOffsetMs = 0;
  isDown = false;

  constructor(private readonly time: SimTime) {}

  get current(): LeaseRecord | undefined {
    return this.record;
  }

  jump(byMs: number): void {
    this.clockOffsetMs += byMs;
  }

  /** A clock that was set back makes leases last longer, by as much. */
  mendClock(): void {
    this.clockOffsetMs = Math.max(0, this.clockOffsetMs);
  }

  view(): LeaseView | undefined {
    return this.record === undefined ? undefined : { record: this.record, remainingMs: this.expiresAtMs - this.nowMs };
  }

  create(candidate: LeaseCandidate, epoch: number, ttlMs: number): void {
    if (this.record !== undefined) return;
    this.set({ ...candidate, epoch, inSyncIds: [candidate.holderId], version: 0 }, ttlMs);
  }

  acquire(candidate: LeaseCandidate, seen: LeaseRecord, ttlMs: number): void {
    const { record } = this;
    if (record?.epoch !== seen.epoch || record.version !== seen.version || this.expiresAtMs > this.nowMs) return;
    this.set(
      { ...candidate, epoch: record.epoch + 1, inSyncIds: [candidate.holderId], version: record.version + 1 },
      ttlMs,
    );
  }

  renew(claim: LeaseClaim, ttlMs: number): void {
    if (this.record !== undefined && isOwn(this.record, claim)) this.set(this.record, ttlMs);
  }

  changeInSync(claim: LeaseClaim, version: number, inSyncIds: readonly number[]): void {
    const { record } = this;
    if (record === undefined || !isOwn(record, claim) || record.version !== version) return;
    this.record = { ...record, inSyncIds: [...inSyncIds], version: version + 1 };
  }

  release(claim: LeaseClaim): void {
    if (this.record !== undefined && isOwn(this.record, claim)) this.set(this.record, 0);
  }

  private get nowMs(): number {
    return this.time.nowMs + this.clockOffsetMs;
  }

  private set(record: LeaseRecord, ttlMs: number): void {
    this.record = record;
    this.expiresAtMs = this.nowMs + ttlMs;
  }
}

/** How one member reaches the register: requests and answers are slow, get lost, or are carried out long after anybody waits for them. */
export class SimLeaseStore implements LeaseStore {
  readonly name = 'the simulated store';
  /** Share of requests that something happens to. */
  trouble = 0;

  constructor(
    private readonly register: SimLeaseRegister,
    private readonly time: SimTime,
    private readonly memberTime: SimMemberTime,
    private readonly random: SimRandom,
  ) {}

  read(_group: string): Promise<LeaseView | undefined> {
    return this.ask(() => undefined);
  }

  async create(candidate: LeaseCandidate, epoch: number, ttlMs: number): Promise<LeaseView> {
    return (await this.ask(() => this.register.create(candidate, epoch, ttlMs)))!;
  }

  acquire(candidate: LeaseCandidate, seen: LeaseRecord, ttlMs: number): Promise<LeaseView | undefined> {
    return this.ask(() => this.register.acquire(candidate, seen, ttlMs));
  }

  renew(claim: LeaseClaim, ttlMs: number): Promise<LeaseView | undefined> {
    return this.ask(() => this.register.renew(claim, ttlMs));
  }

  changeInSync(claim: LeaseClaim, version: number, ids: readonly number[]): Promise<LeaseView | undefined> {
    return this.ask(() => this.register.changeInSync(claim, version, ids));
  }

  async release(claim: LeaseClaim): Promise<void> {
    await this.ask(() => this.register.release(claim));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private ask(change: () => void): Promise<LeaseView | undefined> {
    const { random, trouble } = this;
    const { life } = this.memberTime;
    return new Promise((resolve, reject) => {
      if (this.register.isDown || random.chance(trouble / 3)) {
        this.memberTime.plan(random.between(1, 50), () => reject(new Error('not reached')));
        return;
      }
      const isLate = random.chance(trouble / 3);
      const isAnswerLost = random.chance(trouble / 3);
      this.time.at(isLate ? random.between(500, 8_000) : random.between(1, 20), () => {
        change();
        const view = this.register.view();
        if (!isAnswerLost) this.memberTime.plan(random.between(1, 20), () => resolve(view), life);
      });
    });
  }
}
