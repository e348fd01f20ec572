import { Controller } from '@nestjs/common';
import {
  decodeGetMinOffsetRequest,
  encodeGetMinOffsetResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';

/** GET_MIN_OFFSET (31): the queue offset of the first message that is still there; 0 for a queue that does not exist. */
@Controller()
export class GetMinOffsetHandler {
  constructor(private readonly store: MessageStore) {}

  @RequestHandler(RequestCode.GET_MIN_OFFSET)
  handle(request: RemotingCommand): RemotingCommand {
    const { topic, queueId } = decodeGetMinOffsetRequest(request);
    const offset = this.store.minOffset(topic, queueId);
    return RemotingCommand.response(ResponseCode.SUCCESS, { fields: encodeGetMinOffsetResponse({ offset }) });
  }
}
