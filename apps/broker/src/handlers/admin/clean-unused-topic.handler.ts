import { Controller } from '@nestjs/common';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { TopicAdmin } from '../../topics/topic-admin.js';

/** CLEAN_UNUSED_TOPIC (316): removes the queues of topics that are not configured (any more). */
@Controller()
export class CleanUnusedTopicHandler {
  constructor(private readonly admin: TopicAdmin) {}

  @RequestHandler(RequestCode.CLEAN_UNUSED_TOPIC)
  async handle(): Promise<RemotingCommand> {
    await this.admin.cleanUnused();
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
