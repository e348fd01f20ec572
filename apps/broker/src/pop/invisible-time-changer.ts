import {
  type ChangeInvisibleTimeRequest,
  decodePopExtraInfo,
  encodeChangeInvisibleTimeResponse,
  POP_ORDER_REVIVE_QUEUE,
  type PopExtraInfo,
  RemotingCommand,
  ResponseCode,
} from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import type { Clock } from '../clock.js';
import type { ConsumerOffsetManager, TopicConfigManager } from '../metadata/index.js';
import type { CheckPoints } from './check-points.js';
import { checkPlace } from './message-acker.js';
import type { OrderInfos } from './order-infos.js';
import { checkInvisible, refused } from './pop-admission.js';
import type { TimerAcks } from './timer-acks.js';

export interface InvisibleTimeChangerOptions {
  readonly maxInvisibleMs: number;
  readonly reviveQueueNum: number;
  readonly clock: Clock;
  readonly timerAcks: TimerAcks;
  /** An orderly pop's queue is free at another time now. */
  readonly onOrderChanged: (topic: string, group: string, queueId: number) => void;
}

/**
 * Keeps a popped message invisible for longer, or shorter, from now on: it gets a check point of its own, which is written before the one that it was
 * popped with forgets it. A message that is not pending any more is not there (208).
 *
 * Follows `broker/processor/ChangeInvisibleTimeProcessor.java`, which also takes back what was acknowledged already.
 */
export class InvisibleTimeChanger {
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly offsets: ConsumerOffsetManager,
    private readonly checkPoints: CheckPoints,
    private readonly orders: OrderInfos,
    private readonly options: InvisibleTimeChangerOptions,
  ) {}

  /** CHANGE_MESSAGE_INVISIBLETIME. @throws ProtocolError when the handle is malformed. */
  change(header: ChangeInvisibleTimeRequest, remoteAddress: string): RemotingCommand | Promise<RemotingCommand> {
    const { topic, queueId, offset } = header;
    const refusal =
      checkPlace(this.topics, topic, queueId, remoteAddress) ??
      checkInvisible(header.invisibleTime, this.options.maxInvisibleMs);
    if (refusal !== undefined) return refusal;
    if (offset < this.store.minOffset(topic, queueId) || offset >= this.store.maxOffset(topic, queueId)) {
      return RemotingCommand.response(ResponseCode.NO_MESSAGE);
    }
    const info = decodePopExtraInfo(header.extraInfo);
    return info.reviveQid === POP_ORDER_REVIVE_QUEUE ? this.changeOrderly(header, info) : this.renew(header, info);
  }

  private renew(header: ChangeInvisibleTimeRequest, info: PopExtraInfo): RemotingCommand | Promise<RemotingCommand> {
    const { topic, queueId, offset, consumerGroup: group, invisibleTime } = header;
    const old = { topic, group, queueId, startOffset: info.ckQueueOffset, popTimeMs: info.popTime };
    const times = { invisibleTime: info.invisibleTime, reviveQueueId: info.reviveQid };
    const isPending = this.checkPoints.isPending(old, offset);
    if (!isPending && !this.options.timerAcks.mayCome(old, times)) return notPending(topic, queueId, offset);
    const queue = this.checkPoints.queues.obtain(topic, group, queueId);
    let popTime = this.options.clock();
    // A handle of this moment may exist: times tell them apart.
    while (this.checkPoints.table.find(queue.ref, offset, popTime) >= 0) popTime++;
    const reviveQid = info.reviveQid >= 0 && info.reviveQid < this.options.reviveQueueNum ? info.reviveQid : 0;
    const ck = {
      startOffset: offset,
      popTimeMs: popTime,
      invisibleMs: invisibleTime,
      reviveQueueId: reviveQid,
      count: 1,
      diffs: undefined,
      ackedBits: 0,
      attempts: 0,
    };
    return new Promise((resolve) => {
      this.checkPoints.addLogged(queue, ck, (isLogged) => {
        if (!isLogged) {
          resolve(refused(ResponseCode.SYSTEM_ERROR, 'the new invisible time could not be stored: try again'));
          return;
        }
        if (!isPending) this.options.timerAcks.put(old, times, offset);
        else if (!this.checkPoints.acknowledge(old, offset)) {
          // Acknowledged, or moved to its retry topic, while the record was written: the new handle must not bring it back.
          this.checkPoints.acknowledge({ ...old, startOffset: offset, popTimeMs: popTime }, offset);
          resolve(notPending(topic, queueId, offset));
          return;
        }
        resolve(answer({ popTime, invisibleTime, reviveQid }));
      });
    });
  }

  private changeOrderly(header: ChangeInvisibleTimeRequest, info: PopExtraInfo): RemotingCommand {
    const { topic, queueId, offset, consumerGroup: group } = header;
    if (offset < this.offsets.query(group, topic, queueId)) {
      return answer({ popTime: 0, invisibleTime: 0, reviveQid: 0 });
    }
    const visibleAtMs = this.options.clock() + header.invisibleTime;
    if (this.orders.changeVisibleTime(topic, group, queueId, offset, info.popTime, visibleAtMs)) {
      this.options.onOrderChanged(topic, group, queueId);
    }
    return answer({ popTime: info.popTime, invisibleTime: visibleAtMs - info.popTime, reviveQid: info.reviveQid });
  }
}

function answer(fields: { popTime: number; invisibleTime: number; reviveQid: number }): RemotingCommand {
  return RemotingCommand.response(ResponseCode.SUCCESS, { fields: encodeChangeInvisibleTimeResponse(fields) });
}

function notPending(topic: string, queueId: number, offset: number): RemotingCommand {
  return refused(
    ResponseCode.NO_MESSAGE,
    `the message at offset ${offset} of queue ${queueId} of ${topic} is not held by this handle any more: it was acknowledged, or its time is over`,
  );
}
