import type { Clock } from '@rocknest/store';
import { InSyncSet } from './in-sync-set.js';
import type { LeaseClaim, LeaseRecord } from './lease-store/lease-store.js';
import { SlaveAcks } from './slave-acks.js';

/** One member's time as master: an epoch, until when it may write, and who must have what it writes. */
export class MasterTerm {
  readonly inSync: InSyncSet;
  readonly acks: SlaveAcks;
  readonly claim: LeaseClaim;
  private ended = false;
  private listeners: (() => void)[] = [];

  /** @param validUntilMs by the member's own monotonic clock, counted from before the store was asked */
  constructor(
    readonly memberId: number,
    record: LeaseRecord,
    private validUntilMs: number,
    private readonly clock: Clock,
  ) {
    const { group, epoch, holderToken } = record;
    this.claim = { group, epoch, holderToken };
    this.inSync = new InSyncSet(memberId, record);
    this.acks = new SlaveAcks(clock.monotonicMs());
  }

  get epoch(): number {
    return this.claim.epoch;
  }

  /** Over for good: another member leads, or may. */
  get isOver(): boolean {
    return this.ended;
  }

  /** Nobody else can lead now. False: nothing may be written, until the lease is renewed. */
  get isValid(): boolean {
    return !this.ended && this.clock.monotonicMs() < this.validUntilMs;
  }

  extend(validUntilMs: number): void {
    this.validUntilMs = Math.max(this.validUntilMs, validUntilMs);
    this.changed();
  }

  end(): void {
    this.ended = true;
    this.changed();
  }

  /** Called after the lease was renewed or lost, and after the in-sync set changed. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  changed(): void {
    for (const listener of this.listeners) listener();
  }
}
