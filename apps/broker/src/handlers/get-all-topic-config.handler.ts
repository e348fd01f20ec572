import { Controller } from '@nestjs/common';
import { encodeTopicConfigSerializeWrapper, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { TopicConfigManager } from '../metadata/index.js';

/** GET_ALL_TOPIC_CONFIG (21): every topic in one answer; without `totalTopicNum` newer clients know that there are no pages. */
@Controller()
export class GetAllTopicConfigHandler {
  constructor(private readonly topics: TopicConfigManager) {}

  @RequestHandler(RequestCode.GET_ALL_TOPIC_CONFIG)
  handle(): RemotingCommand {
    const body = encodeTopicConfigSerializeWrapper({
      topicConfigTable: Object.fromEntries(this.topics.all()),
      dataVersion: this.topics.dataVersion,
      topicQueueMappingInfoMap: {},
      topicQueueMappingDetailMap: {},
    });
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}
