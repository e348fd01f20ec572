import { Controller } from '@nestjs/common';
import {
  decodeGetSubscriptionGroupConfigRequest,
  encodeSubscriptionGroupConfig,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { GroupDirectory } from '../topics/group-directory.js';

/** GET_SUBSCRIPTIONGROUP_CONFIG (352): one subscription group; created by asking for it where groups create themselves, as in RocketMQ. */
@Controller()
export class GetSubscriptiongroupConfigHandler {
  constructor(private readonly groups: GroupDirectory) {}

  @RequestHandler(RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { group } = decodeGetSubscriptionGroupConfigRequest(request);
    const config = await this.groups.find(group);
    if (config === undefined) {
      return RemotingCommand.response(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, {
        remark: `No group in this broker. group: ${group}`,
      });
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeSubscriptionGroupConfig(config) });
  }
}
