import { Controller } from '@nestjs/common';
import { encodeTopicList, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { NamesrvState } from '../namesrv-state.js';
import { switchedOff } from './switched-off.js';

/** GET_HAS_UNIT_SUB_TOPIC_LIST (312): topics subscribed to across units. */
@Controller()
export class GetHasUnitSubTopicListHandler {
  constructor(private readonly state: NamesrvState) {}

  @RequestHandler(RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST)
  handle(): RemotingCommand {
    if (!this.state.config.enableTopicList) return switchedOff();
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeTopicList(this.state.routes.unitSubTopics()) });
  }
}
