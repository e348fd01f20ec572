import { MessageConst, MqVersion, ResponseCode, type SendMessageRequest } from '@rocknest/protocol';
import { RequestRefusedError } from '../errors.js';
import type { RebalanceLockManager } from '../rebalance/rebalance-lock-manager.js';
import type { GroupDirectory } from '../topics/group-directory.js';
import type { TopicAutoCreator } from '../topics/topic-auto-creator.js';
import type { Destination } from './message-rules.js';
import type { PutTarget } from './put-gate.js';

/** Clients older than this have no say in how often a message is redelivered. */
const VERSION_WITH_MAX_RECONSUME_TIMES = MqVersion.V3_4_9;

/**
 * A client that sends to `%RETRY%group` itself gives a message back: it comes again, or it goes to the dead letter topic
 * when it came too often, or when the group consumes in order (a redelivery would overtake).
 *
 * Follows `handleRetryAndDLQ` of `broker/processor/SendMessageProcessor.java`.
 */
export class RetryGate {
  constructor(
    private readonly groups: GroupDirectory,
    private readonly creator: TopicAutoCreator,
    private readonly locks: RebalanceLockManager,
  ) {}

  /**
   * @param target the retry topic.
   * @param clientVersion ordinal of the sender's version.
   * @returns where the message goes.
   * @throws RequestRefusedError SUBSCRIPTION_GROUP_NOT_EXIST.
   */
  async destination(
    target: PutTarget,
    header: SendMessageRequest,
    queueId: number,
    clientVersion: number,
  ): Promise<Destination> {
    const group = target.retryGroup ?? '';
    const config = await this.groups.find(group);
    if (config === undefined) {
      throw new RequestRefusedError(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `subscription group not exist, ${group}: create it, or set autoCreateSubscriptionGroup`,
      );
    }
    const asked = clientVersion >= VERSION_WITH_MAX_RECONSUME_TIMES ? header.maxReconsumeTimes : undefined;
    const maxReconsumeTimes = asked ?? config.retryMaxTimes;
    const consumesInOrder = !this.locks.isLockAllExpired(group);
    if (header.reconsumeTimes <= maxReconsumeTimes && !consumesInOrder) {
      return { topic: target.topic, queueId, edits: undefined };
    }
    const deadLetters = await this.creator.deadLetterTopic(group);
    return { topic: deadLetters.topicName, queueId: 0, edits: { [MessageConst.DELAY_TIME_LEVEL]: '-1' } };
  }
}
