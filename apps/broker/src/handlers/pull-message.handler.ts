import { Controller } from '@nestjs/common';
import { type RemotingCommand, RequestCode } from '@rocknest/protocol';
import type { Connection, DEFERRED } from '@rocknest/remoting';
import { ReadsAtOnce, RequestHandler } from '@rocknest/remoting-nest';
import { MessagePuller } from '../pull/message-puller.js';

/** PULL_MESSAGE (11) and LITE_PULL_MESSAGE (361): messages of a queue from an offset on; a pull that finds none is parked. */
@Controller()
export class PullMessageHandler {
  constructor(private readonly puller: MessagePuller) {}

  @ReadsAtOnce()
  @RequestHandler(RequestCode.PULL_MESSAGE, RequestCode.LITE_PULL_MESSAGE)
  handle(
    request: RemotingCommand,
    connection: Connection,
  ): RemotingCommand | typeof DEFERRED | Promise<RemotingCommand | typeof DEFERRED> {
    return this.puller.pull(request, connection);
  }
}
