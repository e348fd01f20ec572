import { Controller } from '@nestjs/common';
import {
  decodeGetConsumerListByGroupRequest,
  encodeGetConsumerListByGroupResponseBody,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerManager } from '../clients/consumer-manager.js';

/** GET_CONSUMER_LIST_BY_GROUP (38): the client ids of a group's members. An empty group is an error: clients then keep their queues. */
@Controller()
export class GetConsumerListByGroupHandler {
  constructor(private readonly consumers: ConsumerManager) {}

  @RequestHandler(RequestCode.GET_CONSUMER_LIST_BY_GROUP)
  handle(request: RemotingCommand): RemotingCommand {
    const { consumerGroup } = decodeGetConsumerListByGroupRequest(request);
    const members = this.consumers.get(consumerGroup);
    if (members === undefined) {
      return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, {
        remark: `no consumer for this group, ${consumerGroup}`,
      });
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, {
      body: encodeGetConsumerListByGroupResponseBody({ consumerIdList: members.clientIds() }),
    });
  }
}
