import { Controller } from '@nestjs/common';
import { decodeSubscriptionGroupConfig, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { GroupAdmin } from '../topics/group-admin.js';

/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200): creates a subscription group, or changes its settings. */
@Controller()
export class UpdateAndCreateSubscriptiongroupHandler {
  constructor(private readonly admin: GroupAdmin) {}

  @RequestHandler(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    await this.admin.put([decodeSubscriptionGroupConfig(request.bodyBuffer)]);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
