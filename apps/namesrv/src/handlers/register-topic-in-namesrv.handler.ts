import { Controller } from '@nestjs/common';
import {
  decodeRegisterTopicInNamesrvRequest,
  decodeTopicRouteData,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** REGISTER_TOPIC_IN_NAMESRV (217): gives broker groups a topic without their registration. */
@Controller()
export class RegisterTopicInNamesrvHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.REGISTER_TOPIC_IN_NAMESRV)
  handle(request: RemotingCommand): RemotingCommand {
    const { topic } = decodeRegisterTopicInNamesrvRequest(request);
    const { queueDatas } = decodeTopicRouteData(request.bodyBuffer);
    if (queueDatas.length > 0) this.routes.registerTopic(topic, queueDatas);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
