import { Controller } from '@nestjs/common';
import { decodeSendMessageRequest, type RemotingCommand, RequestCode } from '@rocknest/protocol';
import type { Connection, DEFERRED } from '@rocknest/remoting';
import { ReadsAtOnce, RequestHandler } from '@rocknest/remoting-nest';
import { BatchSender } from '../send/batch-sender.js';

/** SEND_BATCH_MESSAGE (320): stores the messages of a batch, all or none. */
@Controller()
export class SendBatchMessageHandler {
  constructor(private readonly sender: BatchSender) {}

  @ReadsAtOnce()
  @RequestHandler(RequestCode.SEND_BATCH_MESSAGE)
  handle(request: RemotingCommand, connection: Connection): typeof DEFERRED | Promise<typeof DEFERRED> {
    return this.sender.send(request, decodeSendMessageRequest(request), connection);
  }
}
