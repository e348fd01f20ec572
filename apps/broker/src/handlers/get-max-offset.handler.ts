import { Controller } from '@nestjs/common';
import {
  decodeGetMaxOffsetRequest,
  encodeGetMaxOffsetResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';

/** GET_MAX_OFFSET (30): the queue offset that the next message will get; 0 for a queue that does not exist. */
@Controller()
export class GetMaxOffsetHandler {
  constructor(private readonly store: MessageStore) {}

  @RequestHandler(RequestCode.GET_MAX_OFFSET)
  handle(request: RemotingCommand): RemotingCommand {
    const { topic, queueId } = decodeGetMaxOffsetRequest(request);
    const offset = this.store.maxOffset(topic, queueId);
    return RemotingCommand.response(ResponseCode.SUCCESS, { fields: encodeGetMaxOffsetResponse({ offset }) });
  }
}
