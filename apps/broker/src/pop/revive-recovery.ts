import {
  decodeMessages,
  decodePopAckMsg,
  decodePopCheckPoint,
  getTags,
  type MessageExt,
  type PopAckMsg,
  type PopCheckPoint,
} from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import type { BrokerLogger } from '../logger.js';
import type { CheckPoints } from './check-points.js';
import { REVIVE_READ_MESSAGES } from './defaults.js';
import { ACK_TAG, BATCH_ACK_TAG, CK_TAG, type ReviveLog } from './revive-log.js';

/**
 * Brings back the check points that were pending when the broker stopped: reads the revive topic from where everything before is done with.
 *
 * Does what the reading part of `broker/processor/PopReviveService.java` does, once and at the start.
 */
export class ReviveRecovery {
  constructor(
    private readonly store: MessageStore,
    private readonly checkPoints: CheckPoints,
    private readonly log: ReviveLog,
    private readonly brokerName: string,
    private readonly logger: BrokerLogger,
  ) {}

  /** @returns how many check points are pending. */
  async run(reviveQueueNum: number): Promise<number> {
    for (let queueId = 0; queueId < reviveQueueNum; queueId++) await this.readQueue(queueId);
    return this.checkPoints.table.size;
  }

  private async readQueue(queueId: number): Promise<void> {
    let offset = this.checkPoints.progress.startOffset(queueId);
    const end = this.store.maxOffset(this.log.topic, queueId);
    let lost = 0;
    while (offset < end) {
      const result = await this.store.getMessage({
        topic: this.log.topic,
        queueId,
        queueOffset: offset,
        maxMessages: REVIVE_READ_MESSAGES,
      });
      for (const record of result.records) {
        for (const message of decodeMessages(record)) if (!this.take(message, queueId)) lost++;
      }
      // Records that retention took meanwhile are passed over.
      offset = Math.max(result.nextBeginOffset, offset + 1);
    }
    if (lost > 0) {
      this.logger.warn(
        `${lost} records of queue ${queueId} of ${this.log.topic} were passed over: they are no check points or acknowledgements of this broker`,
      );
    }
  }

  private take(message: MessageExt, reviveQueueId: number): boolean {
    try {
      switch (getTags(message)) {
        case CK_TAG:
          return this.takeCheckPoint(decodePopCheckPoint(message.body), message.queueOffset, reviveQueueId);
        case ACK_TAG:
        case BATCH_ACK_TAG:
          this.takeAck(decodePopAckMsg(message.body));
          return true;
        default:
          return false;
      }
    } catch {
      // Whatever else was written there must not keep the broker from starting.
      return false;
    }
  }

  private takeCheckPoint(ck: PopCheckPoint, reviveOffset: number, reviveQueueId: number): boolean {
    if (ck.topic === '' || ck.cid === '' || ck.num === 0) return false;
    const { checkPoints } = this;
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
    if (slot >= 0 && checkPoints.table.isDone(slot)) checkPoints.abandon(slot);
    return slot >= 0;
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
