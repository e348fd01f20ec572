import { Controller } from '@nestjs/common';
import {
  decodePollingInfoRequest,
  encodePollingInfoResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { PopAdmission } from '../../pop/pop-admission.js';
import { PopHoldService } from '../../pop/pop-hold-service.js';
import { GroupDirectory } from '../../topics/group-directory.js';

/** POLLING_INFO (200055): how many pops of a group wait for a queue, or for any queue. */
@Controller()
export class PollingInfoHandler {
  constructor(
    private readonly admission: PopAdmission,
    private readonly groups: GroupDirectory,
    private readonly holds: PopHoldService,
  ) {}

  @RequestHandler(RequestCode.POLLING_INFO)
  async handle(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    const header = decodePollingInfoRequest(request);
    const group = await this.groups.find(header.consumerGroup);
    const topic = this.admission.admitTarget(header, group, connection.remoteAddress);
    if (topic instanceof RemotingCommand) return topic;
    const pollingNum = this.holds.waitingFor(header.topic, header.consumerGroup, Math.max(-1, header.queueId));
    return RemotingCommand.response(ResponseCode.SUCCESS, { fields: encodePollingInfoResponse({ pollingNum }) });
  }
}
