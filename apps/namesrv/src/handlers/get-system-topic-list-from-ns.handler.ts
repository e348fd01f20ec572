import { Controller } from '@nestjs/common';
import { encodeTopicList, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** GET_SYSTEM_TOPIC_LIST_FROM_NS (304): names of clusters and broker groups. */
@Controller()
export class GetSystemTopicListFromNsHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS)
  handle(): RemotingCommand {
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeTopicList(this.routes.systemTopics()) });
  }
}
