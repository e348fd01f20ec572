import { Controller } from '@nestjs/common';
import { decodeGetConsumerRunningInfoRequest, type RemotingCommand, RequestCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ClientRelay } from '../../clients/client-relay.js';

/** GET_CONSUMER_RUNNING_INFO (307): what one member holds and does, asked of the member itself. */
@Controller()
export class GetConsumerRunningInfoHandler {
  constructor(private readonly relay: ClientRelay) {}

  @RequestHandler(RequestCode.GET_CONSUMER_RUNNING_INFO)
  handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { consumerGroup, clientId } = decodeGetConsumerRunningInfoRequest(request);
    return this.relay.relay(request, consumerGroup, clientId);
  }
}
