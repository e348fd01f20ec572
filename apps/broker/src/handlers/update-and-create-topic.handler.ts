import { Controller } from '@nestjs/common';
import { decodeUpdateAndCreateTopicRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { TopicConfigManager } from '../metadata/index.js';
import { TopicAdmin } from '../topics/topic-admin.js';
import { alterAttributes } from '../topics/topic-attributes.js';

/** UPDATE_AND_CREATE_TOPIC (17): creates a topic, or changes its queues, permission or attributes. */
@Controller()
export class UpdateAndCreateTopicHandler {
  constructor(
    private readonly admin: TopicAdmin,
    private readonly topics: TopicConfigManager,
  ) {}

  @RequestHandler(RequestCode.UPDATE_AND_CREATE_TOPIC)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const header = decodeUpdateAndCreateTopicRequest(request);
    const current = this.topics.get(header.topic);
    await this.admin.put([
      {
        topicName: header.topic,
        readQueueNums: header.readQueueNums,
        writeQueueNums: header.writeQueueNums,
        perm: header.perm,
        topicFilterType: header.topicFilterType,
        topicSysFlag: header.topicSysFlag ?? 0,
        order: header.order,
        attributes: alterAttributes(current?.attributes, header.attributes),
      },
    ]);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
