import { Controller } from '@nestjs/common';
import {
  decodeGetTopicsByClusterRequest,
  encodeTopicList,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { NamesrvState } from '../namesrv-state.js';
import { switchedOff } from './switched-off.js';

/** GET_TOPICS_BY_CLUSTER (224). */
@Controller()
export class GetTopicsByClusterHandler {
  constructor(private readonly state: NamesrvState) {}

  @RequestHandler(RequestCode.GET_TOPICS_BY_CLUSTER)
  handle(request: RemotingCommand): RemotingCommand {
    if (!this.state.config.enableTopicList) return switchedOff();
    const { cluster } = decodeGetTopicsByClusterRequest(request);
    const body = encodeTopicList(this.state.routes.topicsOfCluster(cluster));
    return RemotingCommand.response(ResponseCode.SUCCESS, { body });
  }
}
