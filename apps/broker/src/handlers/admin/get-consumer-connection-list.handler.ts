import { Controller } from '@nestjs/common';
import {
  decodeGetConsumerConnectionListRequest,
  encodeConsumerConnection,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerManager } from '../../clients/consumer-manager.js';
import { RequestRefusedError } from '../../errors.js';
import { connectionOf } from '../../stats/client-connection.js';

/** GET_CONSUMER_CONNECTION_LIST (203): the members of a group and what they subscribe; tools tell "not online" by code 206. */
@Controller()
export class GetConsumerConnectionListHandler {
  constructor(private readonly consumers: ConsumerManager) {}

  @RequestHandler(RequestCode.GET_CONSUMER_CONNECTION_LIST)
  handle(request: RemotingCommand): RemotingCommand {
    const { consumerGroup } = decodeGetConsumerConnectionListRequest(request);
    const group = this.consumers.get(consumerGroup);
    if (group === undefined) {
      throw new RequestRefusedError(
        ResponseCode.CONSUMER_NOT_ONLINE,
        `the consumer group[${consumerGroup}] not online`,
      );
    }
    const body = encodeConsumerConnection({
      ...group.traits,
      connectionSet: Array.from(group.channels.values(), connectionOf),
      subscriptionTable: Object.fromEntries(Array.from(group.subscriptions, ([topic, { data }]) => [topic, data])),
    });
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}
