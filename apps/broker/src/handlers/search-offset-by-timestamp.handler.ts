import { Controller } from '@nestjs/common';
import {
  decodeSearchOffsetByTimestampRequest,
  encodeSearchOffsetByTimestampResponse,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import { MessageStore } from '@rocknest/store';

/** SEARCH_OFFSET_BY_TIMESTAMP (29): the queue offset of the first message stored at or after a time, or of the last one at or before it (UPPER). */
@Controller()
export class SearchOffsetByTimestampHandler {
  constructor(private readonly store: MessageStore) {}

  @RequestHandler(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const { topic, queueId, timestamp, boundaryType } = decodeSearchOffsetByTimestampRequest(request);
    const offset = await this.store.offsetByTimestamp(topic, queueId, timestamp, boundaryType);
    return RemotingCommand.response(ResponseCode.SUCCESS, {
      fields: encodeSearchOffsetByTimestampResponse({ offset }),
    });
  }
}
