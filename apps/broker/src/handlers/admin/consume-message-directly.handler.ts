import { Controller } from '@nestjs/common';
import {
  decodeConsumeMessageDirectlyRequest,
  decodeOffsetMsgId,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';
import { ClientRelay } from '../../clients/client-relay.js';
import { RequestRefusedError } from '../../errors.js';
import { SubscriptionGroupManager, TopicConfigManager } from '../../metadata/index.js';
import { BrokerFacts } from '../../stats/broker-facts.js';

/**
 * CONSUME_MESSAGE_DIRECTLY (309): one member's listener handles one stored message, outside of queues and offsets, and says what came of it.
 *
 * Follows `consumeMessageDirectly` of `broker/processor/AdminBrokerProcessor.java`.
 */
@Controller()
export class ConsumeMessageDirectlyHandler {
  constructor(
    private readonly relay: ClientRelay,
    private readonly store: MessageStore,
    private readonly topics: TopicConfigManager,
    private readonly groups: SubscriptionGroupManager,
    private readonly facts: BrokerFacts,
  ) {}

  @RequestHandler(RequestCode.CONSUME_MESSAGE_DIRECTLY)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { consumerGroup, clientId, msgId, topic } = decodeConsumeMessageDirectlyRequest(request);
    if (!clientId) throw invalid('clientId is missing: say which member of the group shall handle the message');
    if (!msgId) throw invalid('msgId is missing: give the offset message id of a stored message');
    const fields: Record<string, string> = { brokerName: this.facts.brokerName };
    const topicConfig = topic ? this.topics.get(topic) : undefined;
    if (topicConfig !== undefined) fields.topicSysFlag = String(topicConfig.topicSysFlag);
    const group = this.groups.get(consumerGroup);
    if (group !== undefined) fields.groupSysFlag = String(group.groupSysFlag);
    const physicalOffset = this.physicalOffsetOf(msgId);
    const body = await this.store.messageByPhysicalOffset(physicalOffset);
    if (body === undefined) {
      throw new RequestRefusedError(ResponseCode.SYSTEM_ERROR, `can not find message by the offset, ${physicalOffset}`);
    }
    return this.relay.relay(request, consumerGroup, clientId, { fields, body });
  }

  private physicalOffsetOf(msgId: string): number {
    try {
      return decodeOffsetMsgId(msgId).physicalOffset;
    } catch (error) {
      throw invalid(
        `msgId ${msgId.slice(0, 100)} is no offset message id: ${error instanceof Error ? error.message : ''}`,
      );
    }
  }
}

function invalid(remark: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.INVALID_PARAMETER, remark);
}
