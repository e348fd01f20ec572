import { Controller } from '@nestjs/common';
import { encodeSubscriptionGroupWrapper, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { SubscriptionGroupManager } from '../metadata/index.js';

/** GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201): every group in one answer; without `totalGroupNum` newer clients know that there are no pages. */
@Controller()
export class GetAllSubscriptiongroupConfigHandler {
  constructor(private readonly groups: SubscriptionGroupManager) {}

  @RequestHandler(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG)
  handle(): RemotingCommand {
    const body = encodeSubscriptionGroupWrapper({
      subscriptionGroupTable: Object.fromEntries(this.groups.all()),
      forbiddenTable: {},
      dataVersion: this.groups.dataVersion,
    });
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}
