import { POP_REVIVE_GROUP } from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import type { ConsumerOffsetManager } from '../metadata/index.js';
import type { CheckPointTable } from './check-point-table.js';
import { REVIVE_LOG_MAX_LAG } from './defaults.js';

interface LoggedCheckPoint {
  readonly slot: number;
  readonly serial: number;
  readonly reviveOffset: number;
}

/** One queue of the revive topic: its records of pending check points in their order. */
class ReviveQueue {
  private records: LoggedCheckPoint[] = [];
  private first = 0;
  /** First record that was not looked at. */
  unreadFrom = 0;
  /** Behind that: what this broker wrote itself. */
  private readonly own = new Set<number>();
  /** What may be committed once the log is flushed up to `flushTo`. */
  target: { readonly offset: number; readonly flushTo: number } | undefined = undefined;

  constructor(private readonly table: CheckPointTable) {}

  get pending(): number {
    return this.records.length - this.first;
  }

  add(record: LoggedCheckPoint): void {
    this.records.push(record);
  }

  /** This broker wrote a record. */
  wrote(offset: number): void {
    if (offset > this.unreadFrom) this.own.add(offset);
    else if (offset === this.unreadFrom) this.readUpTo(offset + 1);
  }

  readUpTo(offset: number): void {
    if (offset <= this.unreadFrom) return;
    this.unreadFrom = offset;
    if (this.own.size === 0) return;
    for (const own of this.own) if (own < offset) this.own.delete(own);
    while (this.own.delete(this.unreadFrom)) this.unreadFrom++;
  }

  /** The oldest record whose check point is pending. */
  head(): LoggedCheckPoint | undefined {
    for (; this.first < this.records.length; this.first++) {
      const record = this.records[this.first];
      const { slot, serial, reviveOffset } = record;
      // A record that was written again counts no more.
      if (this.table.isCurrent(slot, serial) && this.table.reviveOffsetOf(slot) === reviveOffset) return record;
    }
    this.records = [];
    this.first = 0;
    return undefined;
  }

  compact(): void {
    if (this.first < 1_024 || this.first * 2 < this.records.length) return;
    this.records = this.records.slice(this.first);
    this.first = 0;
  }
}

/**
 * How far the revive topic was read, and from where it must be read at the next start: from the oldest record of a pending check point on. Kept as the offset of RocketMQ's revive
 * group, which is that of the last record that is done with.
 */
export class ReviveProgress {
  private readonly queues: ReviveQueue[];

  constructor(
    private readonly store: MessageStore,
    private readonly offsets: ConsumerOffsetManager,
    private readonly table: CheckPointTable,
    private readonly topic: string,
    queueCount: number,
  ) {
    this.queues = Array.from({ length: queueCount }, () => new ReviveQueue(table));
  }

  /** First offset that must be read at a start. */
  startOffset(queueId: number): number {
    const done = this.offsets.query(POP_REVIVE_GROUP, this.topic, queueId);
    return Math.max(done + 1, this.store.minOffset(this.topic, queueId));
  }

  /** First offset of a queue that nobody looked at: another's records may stand there. */
  unreadFrom(queueId: number): number {
    return this.queues[queueId]?.unreadFrom ?? 0;
  }

  /** Everything before an offset was looked at. */
  wasRead(queueId: number, offset: number): void {
    this.queues[queueId]?.readUpTo(offset);
  }

  /** This broker wrote a record: it need not be read. */
  wrote(queueId: number, offset: number): void {
    this.queues[queueId]?.wrote(offset);
  }

  /** The record of a check point was written (again). */
  logged(queueId: number, slot: number, reviveOffset: number): void {
    this.queues[queueId]?.add({ slot, serial: this.table.serialOf(slot), reviveOffset });
  }

  /** Check points whose records hold up the progress too far: written again at the end, they do not. */
  laggards(limit: number): number[] {
    const slots: number[] = [];
    this.queues.forEach((queue, queueId) => {
      const head = queue.head();
      if (head === undefined || slots.length >= limit) return;
      // With many pending check points, writing all of them again must stay rare.
      const maxLag = Math.max(REVIVE_LOG_MAX_LAG, queue.pending * 4);
      if (this.store.maxOffset(this.topic, queueId) - head.reviveOffset > maxLag) slots.push(head.slot);
    });
    return slots;
  }

  /**
   * Commits how far each queue is done with, as soon as the log is flushed so far that what was done stays done.
   *
   * @param mayPassAll false while records are on their way into the log.
   */
  commit(flushedTo: number, mayPassAll: boolean): void {
    this.queues.forEach((queue, queueId) => {
      if (queue.target !== undefined && queue.target.flushTo <= flushedTo) {
        const { offset } = queue.target;
        queue.target = undefined;
        if (offset > this.offsets.query(POP_REVIVE_GROUP, this.topic, queueId)) {
          this.offsets.commit(POP_REVIVE_GROUP, this.topic, queueId, offset);
        }
      }
      const head = queue.head();
      queue.compact();
      if (queue.target !== undefined || (head === undefined && !mayPassAll)) return;
      const doneOffset =
        Math.min(head?.reviveOffset ?? this.store.maxOffset(this.topic, queueId), queue.unreadFrom) - 1;
      if (doneOffset <= this.offsets.query(POP_REVIVE_GROUP, this.topic, queueId)) return;
      queue.target = { offset: doneOffset, flushTo: this.store.maxPhysicalOffset };
    });
  }
}
