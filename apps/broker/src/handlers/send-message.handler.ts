import { Controller } from '@nestjs/common';
import { type RemotingCommand, RequestCode } from '@rocknest/protocol';
import type { Connection, DEFERRED } from '@rocknest/remoting';
import { ReadsAtOnce, RequestHandler } from '@rocknest/remoting-nest';
import { MessageSender } from '../send/message-sender.js';

/** SEND_MESSAGE (10), with the long names of the header's fields, and SEND_MESSAGE_V2 (310), with the short ones: stores one message. */
@Controller()
export class SendMessageHandler {
  constructor(private readonly sender: MessageSender) {}

  @ReadsAtOnce()
  @RequestHandler(RequestCode.SEND_MESSAGE, RequestCode.SEND_MESSAGE_V2)
  handle(request: RemotingCommand, connection: Connection): typeof DEFERRED | Promise<typeof DEFERRED> {
    return this.sender.send(request, connection);
  }
}
