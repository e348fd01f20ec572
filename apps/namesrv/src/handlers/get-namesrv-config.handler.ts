import { Controller } from '@nestjs/common';
import { RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { NamesrvState } from '../namesrv-state.js';

/** GET_NAMESRV_CONFIG (319): the settings in force as `key=value` lines. */
@Controller()
export class GetNamesrvConfigHandler {
  constructor(private readonly state: NamesrvState) {}

  @RequestHandler(RequestCode.GET_NAMESRV_CONFIG)
  handle(): RemotingCommand {
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: Buffer.from(this.state.settings.text(), 'utf8') });
  }
}
