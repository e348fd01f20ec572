import { Controller } from '@nestjs/common';
import { type RemotingCommand, RequestCode } from '@rocknest/protocol';
import type { Connection, DEFERRED } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessagePopper } from '../../pop/message-popper.js';

/** POP_MESSAGE (200050): messages of a topic, invisible to others for a time; a pop that finds none is parked. */
@Controller()
export class PopMessageHandler {
  constructor(private readonly popper: MessagePopper) {}

  @RequestHandler(RequestCode.POP_MESSAGE)
  handle(
    request: RemotingCommand,
    connection: Connection,
  ): RemotingCommand | typeof DEFERRED | Promise<RemotingCommand | typeof DEFERRED> {
    return this.popper.pop(request, connection);
  }
}
