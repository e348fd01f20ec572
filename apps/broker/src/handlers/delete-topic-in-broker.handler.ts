import { Controller } from '@nestjs/common';
import { decodeDeleteTopicInBrokerRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { TopicAdmin } from '../topics/topic-admin.js';

/** DELETE_TOPIC_IN_BROKER (215): deletes a topic with its queues and offsets. */
@Controller()
export class DeleteTopicInBrokerHandler {
  constructor(private readonly admin: TopicAdmin) {}

  @RequestHandler(RequestCode.DELETE_TOPIC_IN_BROKER)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    await this.admin.delete(decodeDeleteTopicInBrokerRequest(request).topic);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
