import { Controller } from '@nestjs/common';
import {
  decodeDataVersion,
  decodeQueryDataVersionRequest,
  encodeDataVersion,
  encodeQueryDataVersionResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** QUERY_DATA_VERSION (322): a broker asks whether its topics are known as they are. Counts as a sign of life. */
@Controller()
export class QueryDataVersionHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.QUERY_DATA_VERSION)
  handle(request: RemotingCommand): RemotingCommand {
    const { clusterName, brokerAddr } = decodeQueryDataVersionRequest(request);
    const asked = decodeDataVersion(request.bodyBuffer);
    const changed = this.routes.isTopicConfigChanged(clusterName, brokerAddr, asked);
    this.routes.touch(clusterName, brokerAddr);
    const known = this.routes.dataVersionOf(clusterName, brokerAddr);
    return RemotingCommand.response(ResponseCode.SUCCESS, {
      fields: encodeQueryDataVersionResponse({ changed }),
      ...(known && { body: encodeDataVersion(known) }),
    });
  }
}
