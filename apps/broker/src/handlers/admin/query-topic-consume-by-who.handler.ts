import { Controller } from '@nestjs/common';
import {
  decodeQueryTopicConsumeByWhoRequest,
  encodeGroupList,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerManager } from '../../clients/consumer-manager.js';
import { ConsumerOffsetManager } from '../../metadata/index.js';

/** QUERY_TOPIC_CONSUME_BY_WHO (300): the groups that subscribe a topic now or have offsets in it. */
@Controller()
export class QueryTopicConsumeByWhoHandler {
  constructor(
    private readonly consumers: ConsumerManager,
    private readonly offsets: ConsumerOffsetManager,
  ) {}

  @RequestHandler(RequestCode.QUERY_TOPIC_CONSUME_BY_WHO)
  handle(request: RemotingCommand): RemotingCommand {
    const { topic } = decodeQueryTopicConsumeByWhoRequest(request);
    const groupList = [...new Set([...this.consumers.groupsOfTopic(topic), ...this.offsets.groupsOf(topic)])];
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeGroupList({ groupList }) });
  }
}
