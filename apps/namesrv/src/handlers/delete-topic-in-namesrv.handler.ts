import { Controller } from '@nestjs/common';
import { decodeDeleteTopicInNamesrvRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** DELETE_TOPIC_IN_NAMESRV (216): forgets a topic, everywhere or in one cluster. A broker that still has it brings it back. */
@Controller()
export class DeleteTopicInNamesrvHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.DELETE_TOPIC_IN_NAMESRV)
  handle(request: RemotingCommand): RemotingCommand {
    const { topic, clusterName } = decodeDeleteTopicInNamesrvRequest(request);
    this.routes.deleteTopic(topic, clusterName);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
