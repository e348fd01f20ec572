import type { LeaseRecord } from './lease-store/lease-store.js';
import type { SlaveAcks } from './slave-acks.js';

/**
 * Who must have a message before it counts, as the master of a term sees it. Whoever the lease store may call in sync must be waited for, since it may
 * lead next. So a member is waited for before the store is asked to add it, and until the store has confirmed that it is removed; a change whose
 * outcome is not known counts as both made and not made.
 */
export class InSyncSet {
  private recordedIds: readonly number[];
  private version: number;
  /** May be recorded, by changes whose outcome is not known. */
  private readonly maybe = new Set<number>();
  /** Waited for already, to be added once they have all that counts. */
  private readonly joining = new Set<number>();
  private confirmed = 0;
  /** Those who are waited for; made again after a change. */
  private requiredIds: readonly number[] | undefined = undefined;

  constructor(
    private readonly selfId: number,
    record: LeaseRecord,
  ) {
    this.recordedIds = record.inSyncIds;
    this.version = record.version;
  }

  /** As the store has it. */
  get ids(): readonly number[] {
    return this.recordedIds;
  }

  /** What the next change is compared with. */
  get recordVersion(): number {
    return this.version;
  }

  /** Everything before this offset is with all who may lead next. */
  get confirmedOffset(): number {
    return this.confirmed;
  }

  /** Computes how far all have the log. @returns the confirmed offset, which never goes back. */
  advance(logEndOffset: number, acks: SlaveAcks): number {
    let confirmed = logEndOffset;
    this.requiredIds ??= this.required();
    for (const id of this.requiredIds) confirmed = Math.min(confirmed, acks.ackOf(id));
    this.confirmed = Math.max(this.confirmed, confirmed);
    return this.confirmed;
  }

  /**
   * Which members should be in sync now.
   *
   * @returns undefined when the store says so already
   */
  wanted(acks: SlaveAcks, logEndOffset: number, nowMs: number, maxLagMs: number): readonly number[] | undefined {
    const isClose = (id: number): boolean => acks.lagMs(id, logEndOffset, nowMs) <= maxLagMs;
    const connected = acks.connectedIds();
    this.requiredIds = undefined;
    for (const id of [...this.joining]) if (!connected.includes(id) || !isClose(id)) this.joining.delete(id);
    const wanted = new Set(this.recordedIds.filter((id) => id === this.selfId || isClose(id)));
    for (const id of connected) {
      if (this.recordedIds.includes(id) || acks.ackOf(id) < 0 || !isClose(id)) continue;
      this.joining.add(id);
      if (acks.ackOf(id) >= this.confirmed) wanted.add(id);
    }
    const isSame = wanted.size === this.recordedIds.length && this.recordedIds.every((id) => wanted.has(id));
    return isSame && this.maybe.size === 0 ? undefined : [...wanted].sort((a, b) => a - b);
  }

  /** The store is about to be asked for this. */
  proposed(ids: readonly number[]): void {
    this.requiredIds = undefined;
    for (const id of ids) this.maybe.add(id);
  }

  /** The store answered with its record. Changes from an older version cannot be made any more. */
  settle(record: LeaseRecord): void {
    if (record.version <= this.version) return;
    this.requiredIds = undefined;
    this.version = record.version;
    this.recordedIds = record.inSyncIds;
    this.maybe.clear();
    for (const id of record.inSyncIds) this.joining.delete(id);
  }

  private required(): readonly number[] {
    const ids = new Set([...this.recordedIds, ...this.maybe, ...this.joining]);
    ids.delete(this.selfId);
    return [...ids];
  }
}
