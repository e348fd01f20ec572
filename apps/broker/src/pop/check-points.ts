import type { PopCheckPoint } from '@rocknest/protocol';
import type { MessageStore, PutResult } from '@rocknest/store';
import type { BrokerLogger } from '../logger.js';
import type { ConsumerOffsetManager } from '../metadata/index.js';
import { CheckPointTable, type NewCheckPoint } from './check-point-table.js';
import { POP_TICK_MS, REVIVE_LOG_BATCH } from './defaults.js';
import type { PopQueue, PopStretch } from './pop-queue.js';
import { PopQueueTable } from './pop-queue-table.js';
import { isStored, type ReviveLog } from './revive-log.js';
import { ReviveProgress } from './revive-progress.js';

export interface CheckPointsOptions {
  readonly brokerName: string;
  readonly reviveQueueNum: number;
  readonly maxCheckPoints: number;
  /** A check point that is pending for so long is written to the revive topic, ms. */
  readonly stayBufferMs: number;
  /** False for a topic or group that was deleted: no offsets are noted for it. */
  readonly isKnown: (topic: string, group: string) => boolean;
  readonly logger: BrokerLogger;
}

/** A popped message as its handle names it. */
export interface PoppedMessage {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly startOffset: number;
  readonly popTimeMs: number;
}

/** A check point that is to be added to a queue. */
export type CheckPointOfQueue = Omit<NewCheckPoint, 'queueRef'>;

/**
 * What groups popped and did not acknowledge, and how far their offsets may follow.
 *
 * A pop's check point is in memory first. Acknowledged within `stayBufferMs` it goes without a trace, and the group's offset moves past it;
 * otherwise it is written to the revive topic, with the acknowledgements so far, and the offset moves past it then. Whatever a crash finds:
 * a message that was popped and not acknowledged is behind the offset and popped again, or in the revive topic and revived, or in its retry topic.
 *
 * Does what `broker/processor/PopBufferMergeService.java` does.
 */
export class CheckPoints {
  readonly table: CheckPointTable;
  readonly queues = new PopQueueTable();
  readonly progress: ReviveProgress;
  /** Stretches of check points that are not safe yet, by slot. */
  private readonly stretches: (PopStretch | undefined)[] = [];
  /** In the order of their pops: those not looked at for `stayBufferMs` yet. */
  private young: { readonly slot: number; readonly serial: number }[] = [];
  private firstYoung = 0;
  /** On their way into the log. */
  private readonly storing = new Set<number>();
  /** With acknowledgements that the revive topic does not know of. */
  private readonly dirty = new Set<number>();
  private readonly unsettled = new Set<PopQueue>();
  private writes = 0;
  private idle: (() => void)[] = [];

  constructor(
    private readonly store: MessageStore,
    private readonly offsets: ConsumerOffsetManager,
    private readonly log: ReviveLog,
    private readonly options: CheckPointsOptions,
  ) {
    this.table = new CheckPointTable(options.maxCheckPoints, POP_TICK_MS);
    this.progress = new ReviveProgress(store, offsets, this.table, log.topic, options.reviveQueueNum);
  }

  /** Something waits to be written, or to be safe. */
  get hasWork(): boolean {
    return this.table.size > 0 || this.unsettled.size > 0 || this.writes > 0;
  }

  /** Where the next pop of a queue begins; -1: the group has no offset there. */
  nextOffset(topic: string, group: string, queueId: number): number {
    const committed = this.offsets.query(group, topic, queueId);
    return this.queues.find(topic, group, queueId)?.nextOffset(committed) ?? committed;
  }

  /** Notes a pop. @returns false when there are too many check points. */
  popped(queue: PopQueue, ck: CheckPointOfQueue, nextOffset: number): boolean {
    const slot = this.table.add({ ...ck, queueRef: queue.ref });
    if (slot < 0) return false;
    queue.inflight += ck.count;
    queue.checkPoints++;
    this.stretches[slot] = queue.popped(nextOffset, false);
    this.unsettled.add(queue);
    this.young.push({ slot, serial: this.table.serialOf(slot) });
    return true;
  }

  /** Notes that a filter let nothing through up to an offset. */
  skipped(queue: PopQueue, nextOffset: number): void {
    queue.popped(nextOffset, true);
    this.unsettled.add(queue);
    this.settle(queue);
  }

  /** @returns false when the message is not pending: acknowledged before, or its time is over. */
  acknowledge(message: PoppedMessage, queueOffset: number): boolean {
    const slot = this.find(message);
    const index = slot < 0 ? -1 : this.table.indexOf(slot, queueOffset);
    return index >= 0 && this.acknowledgeAt(slot, index);
  }

  isPending(message: PoppedMessage, queueOffset: number): boolean {
    const slot = this.find(message);
    const index = slot < 0 ? -1 : this.table.indexOf(slot, queueOffset);
    return index >= 0 && !this.table.isAcknowledged(slot, index);
  }

  /** The same for a message of a known check point. @param physicalOffset end of the record that keeps the message from now on. */
  acknowledgeAt(slot: number, index: number, physicalOffset?: number): boolean {
    if (!this.table.acknowledge(slot, index)) return false;
    const queue = this.queues.of(this.table.queueRefOf(slot));
    queue.inflight--;
    const stretch = this.stretches[slot];
    if (stretch !== undefined && physicalOffset !== undefined) {
      stretch.physicalOffset = Math.max(stretch.physicalOffset ?? 0, physicalOffset);
    }
    if (this.table.isDone(slot)) this.finish(slot, queue);
    else if (this.isLogged(slot)) this.dirty.add(slot);
    return true;
  }

  /**
   * A check point of its own for one message, written to the revive topic before anything else relies on it.
   *
   * @param done told whether it is there.
   */
  addLogged(queue: PopQueue, ck: CheckPointOfQueue, done: (isLogged: boolean) => void): void {
    const slot = this.table.add({ ...ck, queueRef: queue.ref });
    if (slot < 0) {
      done(false);
      return;
    }
    queue.inflight += ck.count;
    queue.checkPoints++;
    this.write(slot, (result) => {
      if (!isStored(result.status)) this.drop(slot);
      done(isStored(result.status));
    });
  }

  /** A check point that the revive topic holds already. */
  recovered(queue: PopQueue, ck: CheckPointOfQueue, reviveOffset: number): number {
    const slot = this.table.add({ ...ck, queueRef: queue.ref }, true);
    if (slot < 0) return slot;
    queue.checkPoints++;
    queue.inflight += this.table.pendingOf(slot);
    this.table.setLogged(slot, reviveOffset, ck.ackedBits);
    this.progress.logged(ck.reviveQueueId, slot, reviveOffset);
    return slot;
  }

  /** The revive topic has acknowledged a message already. */
  recoveredAck(slot: number, index: number): void {
    if (!this.table.acknowledge(slot, index)) return;
    this.table.takeUnlogged(slot);
    this.queues.of(this.table.queueRefOf(slot)).inflight--;
    if (this.table.isDone(slot)) this.drop(slot);
  }

  /** A check point whose topic or group is gone. */
  abandon(slot: number): void {
    for (let index = 0; index < this.table.countOf(slot); index++) this.acknowledgeAt(slot, index);
  }

  isBusy(slot: number): boolean {
    return this.storing.has(slot);
  }

  /** Writes what has been pending for long, what was acknowledged of that, and commits what is safe. */
  tend(nowMs: number): void {
    this.writeOld(nowMs - this.options.stayBufferMs, REVIVE_LOG_BATCH);
    this.writeAcks(REVIVE_LOG_BATCH);
    for (const slot of this.progress.laggards(REVIVE_LOG_BATCH)) if (!this.storing.has(slot)) this.write(slot);
    this.commit(this.store.stats().flushedPhysicalOffset);
  }

  /** Writes everything that is pending and commits all of it: the broker stops. */
  async close(): Promise<void> {
    this.writeOld(Infinity, Infinity);
    await this.written();
    this.writeAcks(Infinity);
    await this.written();
    // Twice: the second time for what the first one noted.
    this.commit(Infinity);
    this.commit(Infinity);
  }

  /** Forgets what was popped of a topic: it was deleted. Its offsets begin anew, and none of the old ones means a message any more. */
  topicDeleted(topic: string): void {
    const queues = this.queues.ofTopic(topic);
    if (queues.length === 0) return;
    const refs = new Set(queues.map(({ ref }) => ref));
    for (const slot of this.table.slotsOf(refs)) this.abandon(slot);
    for (const queue of queues) {
      queue.observe(Infinity);
      queue.observe(-1);
      this.settle(queue);
    }
  }

  private find({ topic, group, queueId, startOffset, popTimeMs }: PoppedMessage): number {
    const queue = this.queues.find(topic, group, queueId);
    return queue === undefined ? -1 : this.table.find(queue.ref, startOffset, popTimeMs);
  }

  private isLogged(slot: number): boolean {
    return this.table.reviveOffsetOf(slot) >= 0 || this.storing.has(slot);
  }

  private finish(slot: number, queue: PopQueue): void {
    const stretch = this.stretches[slot];
    if (stretch !== undefined) {
      // What was moved to a retry topic is safe once the log is flushed so far.
      if (stretch.physicalOffset === undefined) stretch.safe = true;
      this.stretches[slot] = undefined;
      this.settle(queue);
    }
    if (this.isLogged(slot)) this.dirty.add(slot);
    else this.drop(slot);
  }

  private drop(slot: number): void {
    const queue = this.queues.of(this.table.queueRefOf(slot));
    queue.inflight -= this.table.pendingOf(slot);
    queue.checkPoints--;
    this.stretches[slot] = undefined;
    this.dirty.delete(slot);
    this.table.remove(slot);
    this.queues.dropIfIdle(queue);
  }

  private writeOld(poppedUntilMs: number, limit: number): void {
    let count = 0;
    for (; this.firstYoung < this.young.length && count < limit; this.firstYoung++) {
      const { slot, serial } = this.young[this.firstYoung];
      if (!this.table.isCurrent(slot, serial)) continue;
      if (this.table.popTimeMsOf(slot) > poppedUntilMs) break;
      if (this.isLogged(slot) || this.table.isDone(slot)) continue;
      this.write(slot);
      count++;
    }
    if (this.firstYoung === this.young.length) this.young = [];
    else if (this.firstYoung > 1_024 && this.firstYoung * 2 > this.young.length)
      this.young = this.young.slice(this.firstYoung);
    else return;
    this.firstYoung = 0;
  }

  /** Writes a check point to the revive topic, or writes it again. */
  private write(slot: number, then?: (result: PutResult) => void): void {
    const serial = this.table.serialOf(slot);
    const ackedBits = this.table.ackedBitsOf(slot);
    const reviveQueueId = this.table.reviveQueueIdOf(slot);
    this.storing.add(slot);
    this.begin();
    this.log.putCheckPoint(reviveQueueId, this.recordOf(slot), (result) => {
      this.storing.delete(slot);
      if (isStored(result.status)) {
        this.table.setLogged(slot, result.queueOffset, ackedBits);
        this.progress.wrote(reviveQueueId, result.queueOffset);
        this.progress.logged(reviveQueueId, slot, result.queueOffset);
        const stretch = this.stretches[slot];
        if (stretch !== undefined) stretch.physicalOffset = result.physicalOffset + result.sizeBytes;
        this.stretches[slot] = undefined;
        if (this.table.hasUnlogged(slot)) this.dirty.add(slot);
      } else {
        this.options.logger.warn(
          `a check point of group ${this.queues.of(this.table.queueRefOf(slot)).group} was not written: ${result.reason ?? result.status}; trying again`,
        );
        if (then === undefined && this.table.reviveOffsetOf(slot) < 0) {
          if (this.table.isDone(slot)) this.drop(slot);
          else this.young.push({ slot, serial });
        }
      }
      then?.(result);
      this.end();
    });
  }

  private writeAcks(limit: number): void {
    let count = 0;
    for (const slot of this.dirty) {
      if (this.storing.has(slot)) continue;
      if (++count > limit) return;
      this.dirty.delete(slot);
      this.writeAcksOf(slot);
    }
  }

  private writeAcksOf(slot: number): void {
    const indexes = this.table.takeUnlogged(slot);
    if (indexes.length === 0) {
      if (this.table.isDone(slot)) this.drop(slot);
      return;
    }
    const queue = this.queues.of(this.table.queueRefOf(slot));
    const ack = {
      ackOffsets: indexes.map((index) => this.table.offsetAt(slot, index)),
      startOffset: this.table.startOffsetOf(slot),
      consumerGroup: queue.group,
      topic: queue.topic,
      queueId: queue.queueId,
      popTime: this.table.popTimeMsOf(slot),
      brokerName: this.options.brokerName,
    };
    const deliverMs = ack.popTime + this.table.invisibleMsOf(slot);
    this.storing.add(slot);
    this.begin();
    const reviveQueueId = this.table.reviveQueueIdOf(slot);
    this.log.putAcks(reviveQueueId, ack, deliverMs, (result) => {
      this.storing.delete(slot);
      if (isStored(result.status)) this.progress.wrote(reviveQueueId, result.queueOffset);
      if (!isStored(result.status)) {
        this.table.forgetLogged(slot, indexes);
        this.dirty.add(slot);
      } else if (this.table.hasUnlogged(slot)) {
        this.dirty.add(slot);
      } else if (this.table.isDone(slot)) {
        this.drop(slot);
      }
      this.end();
    });
  }

  private recordOf(slot: number): PopCheckPoint {
    const { table } = this;
    const queue = this.queues.of(table.queueRefOf(slot));
    const startOffset = table.startOffsetOf(slot);
    const num = table.countOf(slot);
    const attempts = table.attemptsOf(slot);
    return {
      startOffset,
      popTime: table.popTimeMsOf(slot),
      invisibleTime: table.invisibleMsOf(slot),
      bitMap: table.ackedBitsOf(slot),
      num,
      queueId: queue.queueId,
      topic: queue.topic,
      cid: queue.group,
      reviveOffset: 0,
      queueOffsetDiff: Array.from({ length: num }, (_, index) => table.offsetAt(slot, index) - startOffset),
      brokerName: this.options.brokerName,
      rePutTimes: attempts === 0 ? undefined : String(attempts),
    };
  }

  private commit(flushedTo: number): void {
    for (const queue of this.unsettled) this.settle(queue, flushedTo);
    this.progress.commit(flushedTo, this.writes === 0);
  }

  private settle(queue: PopQueue, flushedTo = -1): void {
    const committed = this.offsets.query(queue.group, queue.topic, queue.queueId);
    queue.observe(committed);
    const safeTo = queue.takeSafe(flushedTo);
    if (safeTo !== undefined && safeTo > committed && this.options.isKnown(queue.topic, queue.group)) {
      this.offsets.commit(queue.group, queue.topic, queue.queueId, safeTo);
      queue.observe(safeTo);
    }
    if (!queue.isSettled) return;
    this.unsettled.delete(queue);
    this.queues.dropIfIdle(queue);
  }

  private begin(): void {
    this.writes++;
  }

  private end(): void {
    if (--this.writes > 0) return;
    const waiting = this.idle;
    this.idle = [];
    for (const resolve of waiting) resolve();
  }

  private written(): Promise<void> {
    if (this.writes === 0) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }
}
