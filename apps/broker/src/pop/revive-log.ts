import {
  encodePopAckMsg,
  encodePopBatchAckMsg,
  encodePopCheckPoint,
  MessageConst,
  type PopAckMsg,
  type PopCheckPoint,
  tagsCodeOf,
  TIMER_TOPIC,
} from '@rocknest/protocol';
import type { MessageStore, PutMessage, PutResult, PutStatus } from '@rocknest/store';

/** Tags of the records in the revive topic (`common/PopAckConstants.java`). */
export const CK_TAG = 'ck';
export const ACK_TAG = 'ack';
export const BATCH_ACK_TAG = 'bAck';

/** RocketMQ lets a check point's record become due so much before its messages do. */
const ACK_TIME_INTERVAL_MS = 1_000;

const CK_TAGS_CODE = tagsCodeOf(CK_TAG);
const ACK_TAGS_CODE = tagsCodeOf(ACK_TAG);
const BATCH_ACK_TAGS_CODE = tagsCodeOf(BATCH_ACK_TAG);

/** Statuses with which a message is in the log. */
const STORED: ReadonlySet<PutStatus> = new Set([
  'PUT_OK',
  'FLUSH_DISK_TIMEOUT',
  'FLUSH_SLAVE_TIMEOUT',
  'SLAVE_NOT_AVAILABLE',
]);

export function isStored(status: PutStatus): boolean {
  return STORED.has(status);
}

/**
 * Writes check points and acknowledgements into the revive topic, as records of the form that Java brokers read (`store/pop/PopCheckPoint.java`,
 * `AckMsg.java`, `BatchAckMsg.java`).
 *
 * Other than there, a record is written where it stays, and not by way of the timer topic; and it has no UNIQ_KEY, so that the index holds nothing of it.
 */
export class ReviveLog {
  /** @param host `ip + port` of the broker, as born host of the records. */
  constructor(
    private readonly store: MessageStore,
    readonly topic: string,
    private readonly host: Buffer,
  ) {}

  putCheckPoint(reviveQueueId: number, ck: PopCheckPoint, done: (result: PutResult) => void): void {
    const deliverMs = ck.popTime + ck.invisibleTime - ACK_TIME_INTERVAL_MS;
    this.put(reviveQueueId, CK_TAG, CK_TAGS_CODE, encodePopCheckPoint(ck), deliverMs, done);
  }

  /** @param deliverMs end of the check point's invisible time. */
  putAcks(reviveQueueId: number, ack: PopAckMsg, deliverMs: number, done: (result: PutResult) => void): void {
    if (ack.ackOffsets.length === 1) {
      this.put(reviveQueueId, ACK_TAG, ACK_TAGS_CODE, encodePopAckMsg(ack), deliverMs, done);
    } else {
      this.put(reviveQueueId, BATCH_ACK_TAG, BATCH_ACK_TAGS_CODE, encodePopBatchAckMsg(ack), deliverMs, done);
    }
  }

  /** By way of the timer, as a Java broker writes it: for a check point that comes from there too. */
  putTimedAck(reviveQueueId: number, ack: PopAckMsg, deliverMs: number, done: (result: PutResult) => void): void {
    const { TIMER_OUT_MS, REAL_TOPIC, REAL_QUEUE_ID } = MessageConst;
    const way = `${TIMER_OUT_MS}\u0001${deliverMs - 1}\u0002${REAL_TOPIC}\u0001${this.topic}\u0002${REAL_QUEUE_ID}\u0001${reviveQueueId}\u0002`;
    this.put(0, ACK_TAG, ACK_TAGS_CODE, encodePopAckMsg(ack), deliverMs, done, { topic: TIMER_TOPIC, properties: way });
  }

  private put(
    queueId: number,
    tag: string,
    tagsCode: number,
    body: Buffer,
    deliverMs: number,
    done: (result: PutResult) => void,
    way = { topic: this.topic, properties: '' },
  ): void {
    const message: PutMessage = {
      topic: way.topic,
      queueId,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: Date.now(),
      bornHost: this.host,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body,
      properties: `${MessageConst.TAGS}\u0001${tag}\u0002${MessageConst.TIMER_DELIVER_MS}\u0001${deliverMs}\u0002${way.properties}`,
      tagsCode,
      waitStoreOk: false,
    };
    this.store.putMessage(message, done);
  }
}
