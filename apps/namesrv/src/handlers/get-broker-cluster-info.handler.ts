import { Controller } from '@nestjs/common';
import { encodeClusterInfo, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** GET_BROKER_CLUSTER_INFO (106): all clusters and broker groups. */
@Controller()
export class GetBrokerClusterInfoHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.GET_BROKER_CLUSTER_INFO)
  handle(): RemotingCommand {
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeClusterInfo(this.routes.clusterInfo()) });
  }
}
