import { Controller } from '@nestjs/common';
import { decodeCheckClientRequestBody, type RemotingCommand, RequestCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { SubscriptionCheck } from '../filter/subscription-check.js';

/** CHECK_CLIENT_CONFIG (46): a consumer asks at its start whether the broker can filter as it wants. */
@Controller()
export class CheckClientConfigHandler {
  constructor(private readonly check: SubscriptionCheck) {}

  @RequestHandler(RequestCode.CHECK_CLIENT_CONFIG)
  handle(request: RemotingCommand): RemotingCommand {
    return this.check.answer(decodeCheckClientRequestBody(request.bodyBuffer));
  }
}
