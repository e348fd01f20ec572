import { Controller } from '@nestjs/common';
import {
  decodeGetTopicConfigRequest,
  encodeTopicConfig,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { TopicConfigManager } from '../metadata/index.js';

/** GET_TOPIC_CONFIG (351): one topic. */
@Controller()
export class GetTopicConfigHandler {
  constructor(private readonly topics: TopicConfigManager) {}

  @RequestHandler(RequestCode.GET_TOPIC_CONFIG)
  handle(request: RemotingCommand): RemotingCommand {
    const { topic } = decodeGetTopicConfigRequest(request);
    const config = this.topics.get(topic);
    if (config === undefined) {
      return RemotingCommand.response(ResponseCode.TOPIC_NOT_EXIST, {
        remark: `No topic in this broker. topic: ${topic}`,
      });
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeTopicConfig(config) });
  }
}
