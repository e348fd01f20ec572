import { Controller } from '@nestjs/common';
import {
  decodeGetEarliestMsgStoretimeRequest,
  encodeGetEarliestMsgStoretimeResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';

/** GET_EARLIEST_MSG_STORETIME (32): when the first message of a queue was stored; -1 when there is none. */
@Controller()
export class GetEarliestMsgStoretimeHandler {
  constructor(private readonly store: MessageStore) {}

  @RequestHandler(RequestCode.GET_EARLIEST_MSG_STORETIME)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { topic, queueId } = decodeGetEarliestMsgStoretimeRequest(request);
    const first = this.store.minOffset(topic, queueId);
    const isEmpty = first >= this.store.maxOffset(topic, queueId);
    const timestamp = isEmpty ? -1 : await this.store.storeTimestampOf(topic, queueId, first);
    return RemotingCommand.response(ResponseCode.SUCCESS, {
      fields: encodeGetEarliestMsgStoretimeResponse({ timestamp }),
    });
  }
}
