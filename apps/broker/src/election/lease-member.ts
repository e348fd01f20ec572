import type { Clock, Timer } from '@rocknest/store';
import { AFTER_LEASE_MS } from './defaults.js';
import type { BrokerLogger } from '../logger.js';
import {
  isOwn,
  type LeaseCandidate,
  type LeaseRecord,
  type LeaseStore,
  type LeaseView,
} from './lease-store/lease-store.js';
import { MasterTerm } from './master-term.js';

/** The log and the roles of a member. Roles are taken on one after the other; the newest call counts. */
export interface Replica {
  /** End of the log, and the newest epoch in it; -1: none. */
  readonly logEndOffset: number;
  readonly lastEpoch: number;
  /** False while this member must not lead although the store says that it may. */
  readonly isElectable: boolean;
  /** Lead. */
  lead(term: MasterTerm): void;
  /** Follow whom the record names. */
  follow(leader: LeaseRecord): void;
}

export interface LeaseMemberOptions {
  readonly candidate: LeaseCandidate;
  readonly ttlMs: number;
  readonly renewMs: number;
  /** How often a follower looks, and a master checks who is in sync. */
  readonly pollMs: number;
  /** What is taken off a lease for clocks that do not run equally fast. */
  readonly marginMs: number;
  /** A slave that had not everything for so long is not in sync. */
  readonly maxLagMs: number;
  /** How long an answer of the store is waited for. */
  readonly requestTimeoutMs: number;
  /** How long a member without messages lets others found the group. */
  readonly foundingDelayMs: number;
}

/**
 * A member of a broker group, as the lease decides about it: follower, master, follower again. A follower looks at the lease; once that has expired, and
 * this member is in sync, it tries to take it. A master renews it; what it may write ends when its own clock says so, counted from before each renewal.
 */
export class LeaseMember {
  private term: MasterTerm | undefined = undefined;
  private leader: LeaseRecord | undefined = undefined;
  /** No record of an older epoch is believed: it was read from somewhere that is behind. */
  private seenEpoch = -1;
  private renewedAtMs = -Infinity;
  private foundingSinceMs: number | undefined = undefined;
  private timer: Timer | undefined = undefined;
  private running: Promise<void> | undefined = undefined;
  private stopped = true;
  private mayLead = true;
  private lastProblem = '';
  private lastWarning = '';
  /** ms until the next look: less than usual when the lease ends before. */
  private nextLookMs: number;

  constructor(
    private readonly store: LeaseStore,
    private readonly replica: Replica,
    private readonly options: LeaseMemberOptions,
    private readonly clock: Clock,
    private readonly logger: BrokerLogger,
  ) {
    this.nextLookMs = options.pollMs;
  }

  /** The term of this member; undefined while it follows. */
  get currentTerm(): MasterTerm | undefined {
    return this.term;
  }

  start(): void {
    this.stopped = false;
    this.schedule(0);
  }

  /** Takes no lease from now on, and goes on renewing the one it has. */
  holdBack(): void {
    this.mayLead = false;
  }

  /** Gives the term up at once: the role could not be taken on. */
  async resign(): Promise<void> {
    const { term } = this;
    if (term === undefined) return;
    this.endTerm();
    await this.bounded(this.store.release(term.claim)).catch(() => undefined);
  }

  /** Stops. A lease that is held is let go, so that another member need not wait for its end. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.running;
    await this.resign();
  }

  private schedule(delayMs: number): void {
    this.timer?.cancel();
    if (this.stopped) return;
    this.timer = this.clock.startTimer(() => {
      this.running = this.step().finally(() => {
        this.running = undefined;
        this.schedule(this.nextLookMs);
      });
    }, delayMs);
  }

  private async step(): Promise<void> {
    this.nextLookMs = this.options.pollMs;
    try {
      if (this.term === undefined) await this.look();
      else await this.keep(this.term);
      if (this.lastProblem !== '') this.logger.log(`the lease store ${this.store.name} answers again`);
      this.lastProblem = '';
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.lastProblem)
        this.logger.warn(`the lease store ${this.store.name} could not be asked, trying on: ${problem}`);
      this.lastProblem = problem;
    }
  }

  private async look(): Promise<void> {
    const { candidate } = this.options;
    const view = await this.bounded(this.store.read(candidate.group));
    if (this.stopped) return;
    if (view === undefined) return this.found();
    this.foundingSinceMs = undefined;
    const { record } = view;
    if (record.epoch < this.seenEpoch) return;
    this.seenEpoch = record.epoch;
    // Taken by a request whose answer did not come in time.
    if (record.holderToken === candidate.holderToken) return this.resume(record);
    this.follow(record);
    if (view.remainingMs > 0) {
      // At its end, not up to a look later.
      this.nextLookMs = Math.min(this.nextLookMs, view.remainingMs + AFTER_LEASE_MS);
      return;
    }
    if (!this.isCandidate(record)) return;
    const startMs = this.clock.monotonicMs();
    const after = await this.bounded(this.store.acquire(candidate, record, this.options.ttlMs));
    if (this.stopped) return;
    if (after !== undefined) this.take(after, record.epoch + 1, startMs);
  }

  /**
   * In sync as the store says, and with the log that it said that of: whoever is in sync has the epoch of the record. A store folder that was emptied
   * since has not. Of a member that is in sync alone, there is no better log.
   */
  private isCandidate({ epoch, inSyncIds }: LeaseRecord): boolean {
    if (!this.mayLead || !this.replica.isElectable) return false;
    if (!inSyncIds.includes(this.options.candidate.holderId)) return false;
    if (inSyncIds.length === 1 || this.replica.lastEpoch === epoch) return true;
    this.warnOnce(
      `the lease record has this broker in sync in epoch ${epoch}, but its log has no such epoch: it does not lead. Start a member that has the messages`,
    );
    return false;
  }

  private warnOnce(warning: string): void {
    if (warning !== this.lastWarning) this.logger.warn(warning);
    this.lastWarning = warning;
  }

  /** There never was a lease. Members that have messages go first; a log with epochs belongs to a group whose lease is elsewhere. */
  private async found(): Promise<void> {
    const { candidate, foundingDelayMs, ttlMs } = this.options;
    const { lastEpoch, logEndOffset, isElectable } = this.replica;
    if (lastEpoch >= 0)
      throw new Error(
        `it has no record of the group ${candidate.group}, but the log of this member was written under its epoch ${lastEpoch}. Is it the right store (leaseStore)? ` +
          'If the record is lost for good, remove epochFileCheckpoint from the store folder of the member that has the most messages, and move those of the others away',
      );
    const nowMs = this.clock.monotonicMs();
    this.foundingSinceMs ??= nowMs;
    if (!this.mayLead || !isElectable || (logEndOffset === 0 && nowMs - this.foundingSinceMs < foundingDelayMs)) return;
    const after = await this.bounded(this.store.create(candidate, 1, ttlMs));
    if (!this.stopped) this.take(after, 1, nowMs);
  }

  private take(view: LeaseView, epoch: number, startMs: number): void {
    const { candidate } = this.options;
    const { record } = view;
    if (record.epoch < this.seenEpoch) return;
    if (!isOwn(record, { ...candidate, epoch })) {
      this.seenEpoch = record.epoch;
      if (record.holderToken !== candidate.holderToken) this.follow(record);
      return;
    }
    this.begin(record, startMs);
  }

  private async resume(record: LeaseRecord): Promise<void> {
    // The term that this member gave up is not taken up again: only its end, or another holder, is waited for.
    if (this.endedEpoch === record.epoch || !this.mayLead) {
      await this.bounded(this.store.release(record));
      if (!this.isCandidate(record)) return;
      const startMs = this.clock.monotonicMs();
      const after = await this.bounded(this.store.acquire(this.options.candidate, record, this.options.ttlMs));
      if (after !== undefined && !this.stopped) this.take(after, record.epoch + 1, startMs);
      return;
    }
    const startMs = this.clock.monotonicMs();
    const view = await this.bounded(this.store.renew(record, this.options.ttlMs));
    if (!this.stopped && view !== undefined) this.take(view, record.epoch, startMs);
  }

  private endedEpoch = -1;

  private begin(record: LeaseRecord, startMs: number): void {
    this.seenEpoch = record.epoch;
    this.leader = undefined;
    this.renewedAtMs = startMs;
    const term = new MasterTerm(this.options.candidate.holderId, record, this.validUntil(startMs), this.clock);
    this.term = term;
    this.logger.log(`this broker leads ${record.group} now, in epoch ${record.epoch}`);
    this.replica.lead(term);
  }

  private async keep(term: MasterTerm): Promise<void> {
    const { renewMs, ttlMs } = this.options;
    const startMs = this.clock.monotonicMs();
    if (startMs - this.renewedAtMs >= renewMs || !term.isValid) {
      const view = await this.bounded(this.store.renew(term.claim, ttlMs));
      if (!this.stillHolds(term, view)) return;
      this.renewedAtMs = startMs;
      term.extend(this.validUntil(startMs));
    }
    await this.keepInSync(term);
  }

  /** Writes down who is in sync. What the store may hold meanwhile is waited for in any case. */
  private async keepInSync(term: MasterTerm): Promise<void> {
    const { inSync, acks, claim } = term;
    const wanted = inSync.wanted(acks, this.replica.logEndOffset, this.clock.monotonicMs(), this.options.maxLagMs);
    if (wanted === undefined) return;
    const before = inSync.ids.join(', ');
    inSync.proposed(wanted);
    const view = await this.bounded(this.store.changeInSync(claim, inSync.recordVersion, wanted));
    if (!this.stillHolds(term, view)) return;
    const after = inSync.ids.join(', ');
    if (after !== before) this.logger.log(`brokers of ${claim.group} in sync: ${after} (before: ${before})`);
  }

  /** Looks at what the store says after a change. */
  private stillHolds(term: MasterTerm, view: LeaseView | undefined): boolean {
    if (this.term !== term) return false;
    if (view !== undefined && view.record.epoch < term.epoch) return false;
    if (view !== undefined && isOwn(view.record, term.claim)) {
      term.inSync.settle(view.record);
      term.changed();
      return true;
    }
    const { group, epoch } = term.claim;
    this.logger.warn(
      view === undefined
        ? `the lease of ${group} is gone from ${this.store.name}: this broker leads no more`
        : `broker ${view.record.holderId} leads ${group} now, in epoch ${view.record.epoch}: this one, of epoch ${epoch}, writes no more`,
    );
    this.endTerm();
    if (view === undefined) return false;
    this.seenEpoch = Math.max(this.seenEpoch, view.record.epoch);
    if (!this.stopped) this.follow(view.record);
    return false;
  }

  private endTerm(): void {
    const { term } = this;
    this.term = undefined;
    if (term === undefined) return;
    this.endedEpoch = term.epoch;
    term.end();
  }

  private follow(record: LeaseRecord): void {
    const { leader } = this;
    const isKnown = leader !== undefined && leader.epoch === record.epoch && leader.holderToken === record.holderToken;
    if (isKnown) return;
    this.leader = record;
    this.replica.follow(record);
  }

  private validUntil(startMs: number): number {
    return startMs + this.options.ttlMs - this.options.marginMs;
  }

  /** An answer that comes too late is none. */
  private async bounded<T>(answer: Promise<T>): Promise<T> {
    const { requestTimeoutMs } = this.options;
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = this.clock.startTimer(
        () => reject(new Error(`no answer within ${requestTimeoutMs} ms`)),
        requestTimeoutMs,
      );
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      timer?.cancel();
      answer.catch(() => undefined);
    }
  }
}
