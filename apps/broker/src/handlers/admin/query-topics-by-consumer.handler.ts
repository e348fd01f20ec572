import { Controller } from '@nestjs/common';
import {
  decodeQueryTopicsByConsumerRequest,
  encodeTopicList,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ConsumerOffsetManager } from '../../metadata/index.js';

/** QUERY_TOPICS_BY_CONSUMER (343): the topics in which a group has offsets. */
@Controller()
export class QueryTopicsByConsumerHandler {
  constructor(private readonly offsets: ConsumerOffsetManager) {}

  @RequestHandler(RequestCode.QUERY_TOPICS_BY_CONSUMER)
  handle(request: RemotingCommand): RemotingCommand {
    const { group } = decodeQueryTopicsByConsumerRequest(request);
    const topicList = [...this.offsets.topicsOf(group)];
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeTopicList({ topicList }) });
  }
}
