import { Controller } from '@nestjs/common';
import {
  decodeTopicConfigList,
  RemotingCommand,
  RequestCode,
  ResponseCode,
  type TopicConfig,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { TopicConfigManager } from '../metadata/index.js';
import { TopicAdmin } from '../topics/topic-admin.js';
import { alterAttributes } from '../topics/topic-attributes.js';

/** UPDATE_AND_CREATE_TOPIC_LIST (18): several topics at once; their attributes are changes (`+name`: value, `-name`), as in code 17. */
@Controller()
export class UpdateAndCreateTopicListHandler {
  constructor(
    private readonly admin: TopicAdmin,
    private readonly topics: TopicConfigManager,
  ) {}

  @RequestHandler(RequestCode.UPDATE_AND_CREATE_TOPIC_LIST)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const configs = decodeTopicConfigList(request.bodyBuffer).map((config) => this.withAttributes(config));
    await this.admin.put(configs);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }

  private withAttributes(config: TopicConfig): TopicConfig {
    const current = this.topics.get(config.topicName);
    const changes = Object.entries(config.attributes)
      .map(([name, value]) => (name.startsWith('-') ? name : `${name}=${value}`))
      .join(',');
    return { ...config, attributes: alterAttributes(current?.attributes, changes) };
  }
}
