import { Controller } from '@nestjs/common';
import { encodeMessageRequestModeTable, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageRequestModeManager } from '../../metadata/index.js';

/** GET_ALL_MESSAGE_REQUEST_MODE (402): what SET_MESSAGE_REQUEST_MODE set for all groups. */
@Controller()
export class GetAllMessageRequestModeHandler {
  constructor(private readonly modes: MessageRequestModeManager) {}

  @RequestHandler(RequestCode.GET_ALL_MESSAGE_REQUEST_MODE)
  handle(): RemotingCommand {
    return RemotingCommand.response(ResponseCode.SUCCESS, {
      body: encodeMessageRequestModeTable({ modes: this.modes.all() }),
    });
  }
}
