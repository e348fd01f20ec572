import { Controller } from '@nestjs/common';
import { decodeConsumerSendMsgBackRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageSendBack } from '../send/message-send-back.js';

/**
 * CONSUMER_SEND_MSG_BACK (36): a consumer could not handle a message; it comes again after a delay, or goes to the dead letter topic.
 *
 * Follows `consumerSendMsgBack` of `broker/processor/AbstractSendMessageProcessor.java`.
 */
@Controller()
export class ConsumerSendMsgBackHandler {
  constructor(private readonly sendBack: MessageSendBack) {}

  @RequestHandler(RequestCode.CONSUMER_SEND_MSG_BACK)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const header = decodeConsumerSendMsgBackRequest(request);
    await this.sendBack.take(header, request.version);
    return RemotingCommand.response(ResponseCode.SUCCESS);
  }
}
