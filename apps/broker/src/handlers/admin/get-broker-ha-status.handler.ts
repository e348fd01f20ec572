import { Controller } from '@nestjs/common';
import { encodeHARuntimeInfo, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { HaStatus } from '../../replication/ha-status.js';

/**
 * GET_BROKER_HA_STATUS: a master's slaves and how far each is, a slave's line to its master. Follows `getBrokerHaStatus` of
 * `broker/processor/AdminBrokerProcessor.java`.
 */
@Controller()
export class GetBrokerHaStatusHandler {
  constructor(private readonly status: HaStatus) {}

  @RequestHandler(RequestCode.GET_BROKER_HA_STATUS)
  handle(): RemotingCommand {
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: encodeHARuntimeInfo(this.status.read()) });
  }
}
