import { Controller } from '@nestjs/common';
import { decodeUpdateConsumerOffsetRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerManager } from '../clients/consumer-manager.js';
import { ConsumerOffsetManager, SubscriptionGroupManager, TopicConfigManager } from '../metadata/index.js';

/**
 * UPDATE_CONSUMER_OFFSET (15), usually oneway: a group says where it stands in a queue. The value may go backwards.
 * It does not count while an offset reset waits to be told to the group's members.
 *
 * Follows `updateConsumerOffset` of `broker/processor/ConsumerManageProcessor.java`.
 */
@Controller()
export class UpdateConsumerOffsetHandler {
  constructor(
    private readonly offsets: ConsumerOffsetManager,
    private readonly groups: SubscriptionGroupManager,
    private readonly topics: TopicConfigManager,
    private readonly consumers: ConsumerManager,
  ) {}

  @RequestHandler(RequestCode.UPDATE_CONSUMER_OFFSET)
  handle(request: RemotingCommand): RemotingCommand {
    const { consumerGroup, topic, queueId, commitOffset } = decodeUpdateConsumerOffsetRequest(request);
    if (this.groups.get(consumerGroup) === undefined) {
      return RemotingCommand.response(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, {
        remark: `Group ${consumerGroup} not exist!`,
      });
    }
    const config = this.topics.get(topic);
    if (config === undefined) {
      return RemotingCommand.response(ResponseCode.TOPIC_NOT_EXIST, { remark: `Topic ${topic} not exist!` });
    }
    const queueLimit = Math.max(config.readQueueNums, config.writeQueueNums);
    // A queue that was taken away keeps the offset that it had, for the day it comes back.
    const isKnown = queueId < queueLimit || this.offsets.query(consumerGroup, topic, queueId) >= 0;
    if (queueId < 0 || !isKnown || commitOffset < 0) {
      return RemotingCommand.response(ResponseCode.INVALID_PARAMETER, {
        remark: `offset ${commitOffset} of queue ${queueId} cannot be committed: topic ${topic} has ${queueLimit} queues, and offsets begin at 0`,
      });
    }
    const resetOffset = this.offsets.resets.find(consumerGroup, topic, queueId);
    if (resetOffset !== undefined) {
      // While members are online it may be one of them that does not know of the reset yet; otherwise it is a tool that knows.
      if (commitOffset !== resetOffset && this.consumers.get(consumerGroup) !== undefined) {
        return RemotingCommand.response(ResponseCode.SUCCESS, { remark: 'Offset has been previously reset' });
      }
      this.offsets.resets.take(consumerGroup, topic, queueId);
    }
    this.offsets.commit(consumerGroup, topic, queueId, commitOffset);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
