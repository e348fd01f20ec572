import { Controller } from '@nestjs/common';
import { decodeBrokerHeartbeatRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** BROKER_HEARTBEAT (904): a broker lives. */
@Controller()
export class BrokerHeartbeatHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.BROKER_HEARTBEAT)
  handle(request: RemotingCommand): RemotingCommand {
    const { clusterName, brokerAddr } = decodeBrokerHeartbeatRequest(request);
    this.routes.touch(clusterName, brokerAddr);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
