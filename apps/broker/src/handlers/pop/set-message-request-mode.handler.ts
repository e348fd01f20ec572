import { Controller } from '@nestjs/common';
import {
  decodeSetMessageRequestModeRequestBody,
  isRetryTopic,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageRequestModeManager, TopicConfigManager } from '../../metadata/index.js';
import { refused } from '../../pop/pop-admission.js';
import { GroupDirectory } from '../../topics/group-directory.js';

/** SET_MESSAGE_REQUEST_MODE (401): whether the members of a group that leave it to the broker pull or pop a topic. */
@Controller()
export class SetMessageRequestModeHandler {
  constructor(
    private readonly modes: MessageRequestModeManager,
    private readonly topics: TopicConfigManager,
    private readonly groups: GroupDirectory,
  ) {}

  @RequestHandler(RequestCode.SET_MESSAGE_REQUEST_MODE)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const mode = decodeSetMessageRequestModeRequestBody(request.bodyBuffer);
    if (isRetryTopic(mode.topic)) {
      return refused(ResponseCode.NO_PERMISSION, 'retry topic is not allowed to set mode');
    }
    if (this.topics.get(mode.topic) === undefined) {
      return refused(ResponseCode.TOPIC_NOT_EXIST, `topic[${mode.topic}] not exist`);
    }
    if ((await this.groups.find(mode.consumerGroup)) === undefined) {
      return refused(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, 'subscription group does not exist');
    }
    await this.modes.put(mode);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
