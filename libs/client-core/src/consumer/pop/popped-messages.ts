import {
  decodeOrderCountInfo,
  decodePopExtraInfo,
  decodeStartOffsetInfo,
  encodePopExtraInfo,
  MessageConst,
  popOrderCountKey,
  popQueueKey,
  popRetryFlagOf,
  type MessageExt,
  type PopExtraInfo,
  type PopMessageResponse,
  type PopRetryFlag,
  type SubscriptionData,
} from '@rocknest/protocol';
import { decodeRecords, tagFilterOf } from '../pulled-messages.js';
import { PopLease, type PopReceipt } from './pop-lease.js';

export interface PoppedContext {
  /** The topic that was popped. */
  topic: string;
  subscription: SubscriptionData;
  brokerName: string;
  /** ms at which the answer came. */
  nowMs: number;
}

export interface PoppedMessages {
  leases: PopLease[];
  /** Messages that only share a hash with the subscribed tags: to be acknowledged unseen. */
  filtered: PopLease[];
  /** Messages whose body can't be read, and why; they are among `leases`. */
  unreadable: Map<MessageExt, Error> | undefined;
}

/** A receipt by what the broker's answer says. */
export function receiptOf(topic: string, extraInfo: string, queueOffset: number): PopReceipt {
  const info = decodePopExtraInfo(extraInfo);
  return { topic, extraInfo, info, queueOffset: info.queueOffset ?? queueOffset };
}

/**
 * The messages of a pop's body as listeners get them, with their receipts (RocketMQ: `MQClientAPIImpl.processPopResponse`): the original
 * topic restored, POP_CK and the time of the first pop among the properties, and with ordered pops the deliveries counted by the broker.
 */
export function decodePoppedMessages(body: Buffer, header: PopMessageResponse, context: PoppedContext): PoppedMessages {
  const { topic, nowMs } = context;
  const accepts = tagFilterOf(context.subscription);
  const receipts = new ReceiptMaker(header, context);
  const orderCounts = decodeOrderCountInfo(header.orderCountInfo ?? '');
  const popTime = String(header.popTime);
  const popped: PoppedMessages = { leases: [], filtered: [], unreadable: undefined };

  decodeRecords(body, (message, problem) => {
    if (problem) (popped.unreadable ??= new Map()).set(message, problem);
    const { properties, queueId, queueOffset } = message;
    if (orderCounts.size > 0) {
      const retry = popRetryFlagOf(message.topic);
      const count =
        orderCounts.get(popOrderCountKey(retry, queueId, queueOffset)) ?? orderCounts.get(popQueueKey(retry, queueId));
      if (count !== undefined && count > 0) message.reconsumeTimes = count;
    }
    const own = properties[MessageConst.POP_CK];
    const receipt = own === undefined ? receipts.receiptOf(message) : receiptOf(topic, own, queueOffset);
    properties[MessageConst.POP_CK] = receipt.extraInfo;
    properties[MessageConst.FIRST_POP_TIME] ??= popTime;
    const accepted = accepts(message);
    message.brokerName = context.brokerName;
    message.topic = topic;
    const lease = new PopLease(message, receipt, nowMs);
    (accepted ? popped.leases : popped.filtered).push(lease);
  });
  return popped;
}

/** Makes the POP_CK of messages for which the broker sent none of their own. Messages of one check point come one after the other, and share its parts. */
class ReceiptMaker {
  private readonly startOffsets: ReadonlyMap<string, number>;
  /** Without start offsets (5.0 brokers) the first message of a queue names the check point. */
  private readonly firstSeen = new Map<string, number>();
  private lastTopic = '';
  private info: PopExtraInfo | undefined = undefined;
  private head = '';

  constructor(
    private readonly header: PopMessageResponse,
    private readonly context: PoppedContext,
  ) {
    this.startOffsets = decodeStartOffsetInfo(header.startOffsetInfo ?? '');
  }

  receiptOf({ topic, queueId, queueOffset }: MessageExt): PopReceipt {
    if (this.info === undefined || this.lastTopic !== topic || this.info.queueId !== queueId) {
      this.lastTopic = topic;
      this.info = this.infoOf(popRetryFlagOf(topic), queueId, queueOffset);
      this.head = encodePopExtraInfo(this.info);
    }
    return { topic: this.context.topic, extraInfo: `${this.head} ${queueOffset}`, info: this.info, queueOffset };
  }

  private infoOf(retry: PopRetryFlag, queueId: number, queueOffset: number): PopExtraInfo {
    const key = popQueueKey(retry, queueId);
    const { popTime, invisibleTime, reviveQid } = this.header;
    const ckQueueOffset = this.startOffsets.get(key) ?? this.firstSeen.get(key) ?? queueOffset;
    this.firstSeen.set(key, ckQueueOffset);
    return { ckQueueOffset, popTime, invisibleTime, reviveQid, retry, brokerName: this.context.brokerName, queueId };
  }
}
