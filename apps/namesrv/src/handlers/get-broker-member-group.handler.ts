import { Controller } from '@nestjs/common';
import {
  decodeGetBrokerMemberGroupRequest,
  encodeBrokerMemberGroup,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** GET_BROKER_MEMBER_GROUP (901): the addresses of one broker group. */
@Controller()
export class GetBrokerMemberGroupHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.GET_BROKER_MEMBER_GROUP)
  handle(request: RemotingCommand): RemotingCommand {
    const { clusterName, brokerName } = decodeGetBrokerMemberGroupRequest(request);
    const body = encodeBrokerMemberGroup(this.routes.memberGroup(clusterName, brokerName));
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}
