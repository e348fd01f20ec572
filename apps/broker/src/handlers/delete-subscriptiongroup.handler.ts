import { Controller } from '@nestjs/common';
import { decodeDeleteSubscriptionGroupRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { GroupAdmin } from '../topics/group-admin.js';

/** DELETE_SUBSCRIPTIONGROUP (207): deletes a subscription group, with its offsets when asked to. An unknown group is no error. */
@Controller()
export class DeleteSubscriptiongroupHandler {
  constructor(private readonly admin: GroupAdmin) {}

  @RequestHandler(RequestCode.DELETE_SUBSCRIPTIONGROUP)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { groupName, cleanOffset } = decodeDeleteSubscriptionGroupRequest(request);
    await this.admin.delete(groupName, cleanOffset ?? false);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
