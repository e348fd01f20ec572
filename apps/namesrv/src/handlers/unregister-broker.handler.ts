import { Controller } from '@nestjs/common';
import { decodeUnregisterBrokerRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** UNREGISTER_BROKER (104): a broker leaves. Answered before it is carried out. */
@Controller()
export class UnregisterBrokerHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.UNREGISTER_BROKER)
  handle(request: RemotingCommand): RemotingCommand {
    const isQueued = this.routes.unregisterBroker(decodeUnregisterBrokerRequest(request));
    return RemotingCommand.response(isQueued ? ResponseCode.SUCCESS : ResponseCode.SYSTEM_ERROR);
  }
}
