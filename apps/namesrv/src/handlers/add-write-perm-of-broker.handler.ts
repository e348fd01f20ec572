import { Controller } from '@nestjs/common';
import {
  decodeAddWritePermOfBrokerRequest,
  encodeAddWritePermOfBrokerResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** ADD_WRITE_PERM_OF_BROKER (327): takes a wiped write permission back. */
@Controller()
export class AddWritePermOfBrokerHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.ADD_WRITE_PERM_OF_BROKER)
  handle(request: RemotingCommand): RemotingCommand {
    const { brokerName } = decodeAddWritePermOfBrokerRequest(request);
    const fields = encodeAddWritePermOfBrokerResponse({ addTopicCount: this.routes.addWritePerm(brokerName) });
    return RemotingCommand.response(ResponseCode.SUCCESS, { fields });
  }
}
