import { Controller } from '@nestjs/common';
import { decodeBatchAckMessageRequestBody, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import type { Connection } from '@rocknest/remoting';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageAcker } from '../../pop/message-acker.js';

/** BATCH_ACK_MESSAGE (200151): popped messages were handled. */
@Controller()
export class BatchAckMessageHandler {
  constructor(private readonly acker: MessageAcker) {}

  @RequestHandler(RequestCode.BATCH_ACK_MESSAGE)
  handle(request: RemotingCommand, connection: Connection): RemotingCommand {
    const { bodyBuffer } = request;
    const acks = bodyBuffer.length === 0 ? [] : decodeBatchAckMessageRequestBody(bodyBuffer).acks;
    if (acks.length === 0) return RemotingCommand.response(ResponseCode.NO_MESSAGE);
    return this.acker.acknowledgeAll(acks, connection.remoteAddress);
  }
}
