import {
  type AckMessageRequest,
  type BatchAck,
  decodePopExtraInfo,
  POP_ORDER_REVIVE_QUEUE,
  popNormalTopicOf,
  popRealTopicOf,
  RemotingCommand,
  ResponseCode,
} from '@rocknest/protocol';
import type { MessageStore } from '@rocknest/store';
import type { ConsumerOffsetManager, TopicConfigManager } from '../metadata/index.js';
import type { CheckPoints, PoppedMessage } from './check-points.js';
import type { OrderInfos } from './order-infos.js';
import { refused } from './pop-admission.js';
import type { PopHoldService } from './pop-hold-service.js';
import type { HandleTimes, TimerAcks } from './timer-acks.js';

/**
 * Acknowledgements of popped messages. One for a message that is not pending any more (it came again, or was acknowledged before) is no error.
 *
 * Follows `broker/processor/AckMessageProcessor.java`.
 */
export class MessageAcker {
  /** @param inflightThreshold a queue that falls below it gives messages again: pops that wait are told. */
  constructor(
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly offsets: ConsumerOffsetManager,
    private readonly checkPoints: CheckPoints,
    private readonly orders: OrderInfos,
    private readonly holds: PopHoldService,
    private readonly inflightThreshold: number,
    private readonly timerAcks: TimerAcks,
  ) {}

  /** ACK_MESSAGE. @throws ProtocolError when the handle is malformed. */
  acknowledge(header: AckMessageRequest, remoteAddress: string): RemotingCommand {
    const { topic, queueId, offset, consumerGroup: group } = header;
    const refusal = checkPlace(this.topics, topic, queueId, remoteAddress);
    if (refusal !== undefined) return refusal;
    const minOffset = this.store.minOffset(topic, queueId);
    const maxOffset = this.store.maxOffset(topic, queueId);
    if (offset < minOffset || offset > maxOffset) {
      return refused(
        ResponseCode.NO_MESSAGE,
        `offset is illegal, key:${topic}@${queueId}, commit:${offset}, store:${minOffset}~${maxOffset}`,
      );
    }
    const info = decodePopExtraInfo(header.extraInfo);
    if (info.reviveQid === POP_ORDER_REVIVE_QUEUE) {
      const illegal = this.acknowledgeOrderly(topic, group, queueId, offset, info.popTime, remoteAddress);
      return illegal ?? RemotingCommand.response(ResponseCode.SUCCESS);
    }
    const popped = { topic, group, queueId, startOffset: info.ckQueueOffset, popTimeMs: info.popTime };
    this.acknowledgeOne(popped, { invisibleTime: info.invisibleTime, reviveQueueId: info.reviveQid }, offset);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }

  /** BATCH_ACK_MESSAGE. Acknowledgements of unknown topics, queues and offsets are passed over. */
  acknowledgeAll(acks: readonly BatchAck[], remoteAddress: string): RemotingCommand {
    let answer: RemotingCommand | undefined;
    for (const ack of acks) answer = this.acknowledgeBatch(ack, remoteAddress) ?? answer;
    return answer ?? RemotingCommand.response(ResponseCode.SUCCESS);
  }

  private acknowledgeBatch(ack: BatchAck, remoteAddress: string): RemotingCommand | undefined {
    const { consumerGroup: group, queueId, startOffset, popTime } = ack;
    const topic = popRealTopicOf(ack.topic, group, ack.retry);
    if (this.topics.get(topic) === undefined) return undefined;
    const minOffset = this.store.minOffset(topic, queueId);
    const maxOffset = this.store.maxOffset(topic, queueId);
    let answer: RemotingCommand | undefined;
    for (const distance of ack.bitSet) {
      const offset = startOffset + distance;
      if (offset < minOffset || offset > maxOffset) continue;
      if (ack.reviveQueueId === POP_ORDER_REVIVE_QUEUE) {
        answer = this.acknowledgeOrderly(topic, group, queueId, offset, popTime, remoteAddress) ?? answer;
      } else {
        this.acknowledgeOne({ topic, group, queueId, startOffset, popTimeMs: popTime }, ack, offset);
      }
    }
    return answer;
  }

  private acknowledgeOne(popped: PoppedMessage, times: HandleTimes, offset: number): void {
    const { topic, group, queueId } = popped;
    if (!this.checkPoints.acknowledge(popped, offset)) {
      if (this.timerAcks.mayCome(popped, times)) this.timerAcks.put(popped, times, offset);
      return;
    }
    const queue = this.checkPoints.queues.find(topic, group, queueId);
    if (queue?.inflight === this.inflightThreshold) this.holds.wakeGroup(popNormalTopicOf(topic, group), group);
  }

  /** @returns the refusal of an offset that was not popped, or undefined. */
  private acknowledgeOrderly(
    topic: string,
    group: string,
    queueId: number,
    offset: number,
    popTimeMs: number,
    remoteAddress: string,
  ): RemotingCommand | undefined {
    const oldOffset = this.offsets.query(group, topic, queueId);
    if (offset < oldOffset) return undefined;
    const next = this.orders.acknowledge(topic, group, queueId, offset, popTimeMs);
    if (next === 'POPPED_AGAIN') return undefined;
    if (next === 'UNKNOWN_OFFSET') {
      return refused(
        ResponseCode.MESSAGE_ILLEGAL,
        `offset is illegal, key:${topic}@${group}@${queueId}, old:${oldOffset}, commit:${offset}, next:-1, ${remoteAddress}`,
      );
    }
    if (!this.offsets.resets.has(group, topic, queueId)) this.offsets.commit(group, topic, queueId, next);
    if (!this.orders.isBlocked(undefined, topic, group, queueId)) this.holds.wakeGroup(topic, group);
    return undefined;
  }
}

/** The checks that requests about a popped message have in common. @returns the refusal, or undefined. */
export function checkPlace(
  topics: TopicConfigManager,
  topic: string,
  queueId: number,
  remoteAddress: string,
): RemotingCommand | undefined {
  const config = topics.get(topic);
  if (config === undefined) {
    return refused(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist, apply first please!`);
  }
  if (queueId >= 0 && queueId < config.readQueueNums) return undefined;
  return refused(
    ResponseCode.MESSAGE_ILLEGAL,
    `queueId[${queueId}] is illegal, topic:[${topic}] topicConfig.readQueueNums:[${config.readQueueNums}] consumer:[${remoteAddress}]`,
  );
}
