import { Controller } from '@nestjs/common';
import {
  decodeMessage,
  decodeOffsetMsgId,
  decodeResumeCheckHalfMessageRequest,
  MessageConst,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore, type PutResult } from '@rocknest/store';
import { RequestRefusedError } from '../../errors.js';
import { resumedHalf } from '../../transaction/half-message.js';

/**
 * RESUME_CHECK_HALF_MESSAGE (323): a half message that was set aside goes back to the half topic, and its producer is asked about it anew.
 *
 * Follows `resumeCheckHalfMessage` of `broker/processor/AdminBrokerProcessor.java`.
 */
@Controller()
export class ResumeCheckHalfMessageHandler {
  constructor(private readonly store: MessageStore) {}

  @RequestHandler(RequestCode.RESUME_CHECK_HALF_MESSAGE)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { msgId } = decodeResumeCheckHalfMessageRequest(request);
    const record = await this.store.messageByPhysicalOffset(decodeOffsetMsgId(msgId).physicalOffset);
    if (record === undefined) throw refused(`no message has the offset message id ${msgId}`);
    const message = decodeMessage(record, 0, { inflate: false });
    if (message.properties[MessageConst.REAL_TOPIC] === undefined) throw refused(`${msgId} is no half message`);
    const result = await new Promise<PutResult>((resolve) => this.store.putMessage(resumedHalf(message), resolve));
    if (result.status === 'PUT_OK') return RemotingCommand.response(ResponseCode.SUCCESS);
    throw refused(`Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed. (${result.reason ?? result.status})`);
  }
}

function refused(remark: string): RequestRefusedError {
  return new RequestRefusedError(ResponseCode.SYSTEM_ERROR, remark);
}
