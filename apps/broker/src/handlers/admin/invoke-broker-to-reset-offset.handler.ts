import { Controller } from '@nestjs/common';
import {
  decodeInvokeBrokerToResetOffsetRequest,
  encodeResetOffsetBody,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { OffsetResetter } from '../../offsets/offset-resetter.js';

/** INVOKE_BROKER_TO_RESET_OFFSET (222): moves a group to a time (negative: the end), or one queue to an offset. The body names the new offsets. */
@Controller()
export class InvokeBrokerToResetOffsetHandler {
  constructor(private readonly resetter: OffsetResetter) {}

  @RequestHandler(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const offsetTable = await this.resetter.reset(decodeInvokeBrokerToResetOffsetRequest(request));
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeResetOffsetBody({ offsetTable }) });
  }
}
