import { Controller } from '@nestjs/common';
import { encodeTopicList, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { NamesrvState } from '../namesrv-state.js';
import { switchedOff } from './switched-off.js';

/** GET_UNIT_TOPIC_LIST (311): topics of units. */
@Controller()
export class GetUnitTopicListHandler {
  constructor(private readonly state: NamesrvState) {}

  @RequestHandler(RequestCode.GET_UNIT_TOPIC_LIST)
  handle(): RemotingCommand {
    if (!this.state.config.enableTopicList) return switchedOff();
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeTopicList(this.state.routes.unitTopics()) });
  }
}
