import { Controller } from '@nestjs/common';
import { type RemotingCommand, RequestCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { ReplyMessages } from '../reply/reply-messages.js';

/** SEND_REPLY_MESSAGE (324), with long names, and SEND_REPLY_MESSAGE_V2 (325): passes a reply on to the client that asked. */
@Controller()
export class SendReplyMessageHandler {
  constructor(private readonly replies: ReplyMessages) {}

  @RequestHandler(RequestCode.SEND_REPLY_MESSAGE, RequestCode.SEND_REPLY_MESSAGE_V2)
  handle(request: RemotingCommand, connection: Connection): Promise<RemotingCommand> {
    return this.replies.handle(request, connection);
  }
}
