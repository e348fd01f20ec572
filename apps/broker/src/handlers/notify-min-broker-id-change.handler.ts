import { Controller } from '@nestjs/common';
import { decodeNotifyMinBrokerIdChangeRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MinBrokerIdChanges } from '../registration/min-broker-id-changes.js';

/**
 * NOTIFY_MIN_BROKER_ID_CHANGE (905): a namesrv says that the master of the group came or went. What is said is not believed: the namesrvs are asked.
 *
 * Follows `notifyBrokerIdChanged` of `broker/processor/AdminBrokerProcessor.java`.
 */
@Controller()
export class NotifyMinBrokerIdChangeHandler {
  constructor(private readonly changes: MinBrokerIdChanges) {}

  @RequestHandler(RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE)
  handle(request: RemotingCommand): RemotingCommand {
    decodeNotifyMinBrokerIdChangeRequest(request);
    this.changes.changed();
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
