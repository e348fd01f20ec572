import { Controller } from '@nestjs/common';
import { type RemotingCommand, RequestCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessagePeeker } from '../../pop/message-peeker.js';

/** PEEK_MESSAGE (200052): what a group would pop next. */
@Controller()
export class PeekMessageHandler {
  constructor(private readonly peeker: MessagePeeker) {}

  @RequestHandler(RequestCode.PEEK_MESSAGE)
  handle(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    return this.peeker.peek(request, connection);
  }
}
