import { Controller } from '@nestjs/common';
import { decodeViewMessageByIdRequest, RemotingCommand, RequestCode, ResponseCode } from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';

/** VIEW_MESSAGE_BY_ID (33): one stored message by its physical offset. */
@Controller()
export class ViewMessageByIdHandler {
  constructor(private readonly store: MessageStore) {}

  @RequestHandler(RequestCode.VIEW_MESSAGE_BY_ID)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { offset } = decodeViewMessageByIdRequest(request);
    const record = await this.store.messageByPhysicalOffset(offset);
    if (record === undefined) {
      return RemotingCommand.response(ResponseCode.SYSTEM_ERROR, {
        remark: `can not find message by the offset, ${offset}`,
      });
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, { body: record });
  }
}
