import { Controller } from '@nestjs/common';
import {
  decodeQuerySubscriptionByConsumerRequest,
  encodeGroupSubscription,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerManager } from '../../clients/consumer-manager.js';

/** QUERY_SUBSCRIPTION_BY_CONSUMER (345): what a group subscribes of a topic by its last heartbeat; nothing when it is not online. */
@Controller()
export class QuerySubscriptionByConsumerHandler {
  constructor(private readonly consumers: ConsumerManager) {}

  @RequestHandler(RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER)
  handle(request: RemotingCommand): RemotingCommand {
    const { group, topic = '' } = decodeQuerySubscriptionByConsumerRequest(request);
    const subscriptionData = this.consumers.findSubscription(group, topic)?.data;
    return RemotingCommand.response(ResponseCode.SUCCESS, {
      body: encodeGroupSubscription({ group, topic, subscriptionData }),
    });
  }
}
