import { Controller } from '@nestjs/common';
import { encodeDelayOffsetWrapper, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { DelayOffsetManager } from '../metadata/index.js';

/** GET_ALL_DELAY_OFFSET (45): how far each delay level has been delivered, for slaves. */
@Controller()
export class GetAllDelayOffsetHandler {
  constructor(private readonly offsets: DelayOffsetManager) {}

  @RequestHandler(RequestCode.GET_ALL_DELAY_OFFSET)
  handle(): RemotingCommand {
    const body = encodeDelayOffsetWrapper({ offsetTable: this.offsets.all(), dataVersion: this.offsets.dataVersion });
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}
