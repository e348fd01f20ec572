import { Controller } from '@nestjs/common';
import {
  decodeWipeWritePermOfBrokerRequest,
  encodeWipeWritePermOfBrokerResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { RouteInfoManager } from '../routeinfo/route-info-manager.js';

/** WIPE_WRITE_PERM_OF_BROKER (205): producers go elsewhere, until the broker registers with a changed version. */
@Controller()
export class WipeWritePermOfBrokerHandler {
  constructor(private readonly routes: RouteInfoManager) {}

  @RequestHandler(RequestCode.WIPE_WRITE_PERM_OF_BROKER)
  handle(request: RemotingCommand): RemotingCommand {
    const { brokerName } = decodeWipeWritePermOfBrokerRequest(request);
    const fields = encodeWipeWritePermOfBrokerResponse({ wipeTopicCount: this.routes.wipeWritePerm(brokerName) });
    return RemotingCommand.response(ResponseCode.SUCCESS, { fields });
  }
}
