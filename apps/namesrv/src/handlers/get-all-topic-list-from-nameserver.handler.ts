import { Controller } from '@nestjs/common';
import { encodeTopicList, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { NamesrvState } from '../namesrv-state.js';
import { switchedOff } from './switched-off.js';

/** GET_ALL_TOPIC_LIST_FROM_NAMESERVER (206). */
@Controller()
export class GetAllTopicListFromNameserverHandler {
  constructor(private readonly state: NamesrvState) {}

  @RequestHandler(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
  handle(): RemotingCommand {
    if (!this.state.config.enableAllTopicList) return switchedOff();
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeTopicList(this.state.routes.allTopics()) });
  }
}
