import {
  decodePopAckMsg,
  decodePopCheckPoint,
  getTags,
  MessageConst,
  type MessageExt,
  type PopAckMsg,
  type PopCheckPoint,
} from '@rocknest/protocol';
import type { Clock } from '../clock.js';
import type { CheckPoints } from './check-points.js';
import { TIMER_ACKS_WAIT_MS, WAITING_TIDY_INTERVAL_MS } from './defaults.js';
import { ACK_TAG, BATCH_ACK_TAG, CK_TAG } from './revive-log.js';

/** A check point that waits for acknowledgements. */
interface WaitingCheckPoint {
  readonly slot: number;
  readonly serial: number;
  /** When it is revived. */
  dueMs: number;
}

/** Whether the timer delivered a record: a Java broker wrote it there. What this broker writes stands in the revive topic at once. */
export function isFromTimer(message: MessageExt): boolean {
  return message.properties[MessageConst.REAL_TOPIC] !== undefined;
}

/**
 * Takes over what records of the revive topic say, this broker's own at a start and those that a Java broker wrote.
 *
 * Java brokers write check points and acknowledgements by way of the timer: a check point comes a second before the end of its invisible time, its
 * acknowledgements come at the end, also those for check points of this broker. So what was read waits for them, `TIMER_ACKS_WAIT_MS` beyond its time and
 * until the timer is not behind (`PopReviveService.java` waits for records that are younger by 2 s).
 */
export class ReviveRecords {
  private waiting: WaitingCheckPoint[] = [];
  private tidiedMs = 0;

  constructor(
    private readonly checkPoints: CheckPoints,
    private readonly brokerName: string,
    private readonly clock: Clock,
  ) {}

  /** @returns false for what is no check point or acknowledgement of this broker. Never throws: whatever was written there must not stop the broker. */
  take(message: MessageExt, reviveQueueId: number): boolean {
    try {
      switch (getTags(message)) {
        case CK_TAG:
          return this.takeCheckPoint(decodePopCheckPoint(message.body), message, reviveQueueId);
        case ACK_TAG:
        case BATCH_ACK_TAG:
          this.takeAck(decodePopAckMsg(message.body));
          return true;
        default:
          return false;
      }
    } catch {
      return false;
    }
  }

  /** While the timer is behind, acknowledgements are still on their way: nothing that waits for them is revived. */
  waitForAcks(nowMs: number, isTimerBehind: () => boolean): void {
    if (this.waiting.length === 0) return;
    const isBehind = isTimerBehind();
    // There may be a million of them.
    if (!isBehind && nowMs - this.tidiedMs < WAITING_TIDY_INTERVAL_MS) return;
    this.tidiedMs = nowMs;
    const { table } = this.checkPoints;
    this.waiting = this.waiting.filter(({ slot, serial, dueMs }) => dueMs > nowMs && table.isCurrent(slot, serial));
    if (!isBehind) return;
    for (const one of this.waiting) {
      if (one.dueMs >= nowMs + TIMER_ACKS_WAIT_MS) continue;
      one.dueMs = nowMs + TIMER_ACKS_WAIT_MS;
      table.reschedule(one.slot, one.dueMs);
    }
  }

  private takeCheckPoint(ck: PopCheckPoint, message: MessageExt, reviveQueueId: number): boolean {
    if (ck.topic === '' || ck.cid === '' || ck.num === 0) return false;
    const { checkPoints } = this;
    const reviveOffset = message.queueOffset;
    // Check points of another broker, for which this one stood in, are not in this log.
    if (ck.brokerName !== undefined && ck.brokerName !== this.brokerName) return false;
    const queue = checkPoints.queues.obtain(ck.topic, ck.cid, ck.queueId);
    const known = checkPoints.table.find(queue.ref, ck.startOffset, ck.popTime);
    if (known >= 0) {
      // Written again, so that the first record need not be read any more.
      for (let index = 0; index < ck.num; index++) {
        if ((ck.bitMap & (1 << index)) !== 0) checkPoints.recoveredAck(known, index);
      }
      if (checkPoints.table.find(queue.ref, ck.startOffset, ck.popTime) !== known) return true;
      checkPoints.table.setLogged(known, reviveOffset, checkPoints.table.ackedBitsOf(known));
      checkPoints.progress.logged(reviveQueueId, known, reviveOffset);
      return true;
    }
    const slot = checkPoints.recovered(
      queue,
      {
        startOffset: ck.startOffset,
        popTimeMs: ck.popTime,
        invisibleMs: ck.invisibleTime,
        reviveQueueId,
        count: ck.num,
        diffs: ck.queueOffsetDiff.length === ck.num ? ck.queueOffsetDiff : undefined,
        ackedBits: ck.bitMap,
        attempts: Number(ck.rePutTimes ?? 0) || 0,
      },
      reviveOffset,
    );
    if (slot < 0) return false;
    if (checkPoints.table.isDone(slot)) checkPoints.abandon(slot);
    else this.delay(slot, ck.popTime + ck.invisibleTime);
    return true;
  }

  private delay(slot: number, reviveMs: number): void {
    const { table } = this.checkPoints;
    const dueMs = Math.max(reviveMs, this.clock()) + TIMER_ACKS_WAIT_MS;
    table.reschedule(slot, dueMs);
    this.waiting.push({ slot, serial: table.serialOf(slot), dueMs });
  }

  private takeAck(ack: PopAckMsg): void {
    const queue = this.checkPoints.queues.find(ack.topic, ack.consumerGroup, ack.queueId);
    if (queue === undefined) return;
    for (const offset of ack.ackOffsets) {
      const slot = this.checkPoints.table.find(queue.ref, ack.startOffset, ack.popTime);
      const index = slot < 0 ? -1 : this.checkPoints.table.indexOf(slot, offset);
      if (index >= 0) this.checkPoints.recoveredAck(slot, index);
    }
  }
}
