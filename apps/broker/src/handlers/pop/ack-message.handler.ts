import { Controller } from '@nestjs/common';
import { decodeAckMessageRequest, type RemotingCommand, RequestCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageAcker } from '../../pop/message-acker.js';

/** ACK_MESSAGE (200051): a popped message was handled. */
@Controller()
export class AckMessageHandler {
  constructor(private readonly acker: MessageAcker) {}

  @RequestHandler(RequestCode.ACK_MESSAGE)
  handle(request: RemotingCommand, connection: Connection): RemotingCommand {
    return this.acker.acknowledge(decodeAckMessageRequest(request), connection.remoteAddress);
  }
}
