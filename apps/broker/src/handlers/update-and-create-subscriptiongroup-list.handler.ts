import { Controller } from '@nestjs/common';
import { decodeSubscriptionGroupList, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { GroupAdmin } from '../topics/group-admin.js';

/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST (225): several subscription groups at once. */
@Controller()
export class UpdateAndCreateSubscriptiongroupListHandler {
  constructor(private readonly admin: GroupAdmin) {}

  @RequestHandler(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    await this.admin.put(decodeSubscriptionGroupList(request.bodyBuffer));
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
