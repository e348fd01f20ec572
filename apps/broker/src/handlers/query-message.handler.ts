import { Controller } from '@nestjs/common';
import {
  decodeQueryMessageRequest,
  encodeQueryMessageResponse,
  type QueryMessageRequest,
  RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@rocknest/protocol';
import { RequestHandler } from '@rocknest/remoting-nest';
import type { QueryMessageResult } from '@rocknest/store';
import { MessageStore, StoreError } from '@rocknest/store';
import { RequestRefusedError } from '../errors.js';
import { QueryLimits } from '../query/query-limits.js';

/** What 5.x clients call a query by TAGS (INDEX_TAG_TYPE). */
const TAG_INDEX = 'T';

/**
 * QUERY_MESSAGE (12): the newest messages of a topic that have a key, as UNIQ_KEY or as a word of KEYS, or have certain TAGS. All are compared with those of
 * the stored messages, so that no collision of hashes takes the place of a message that was asked for.
 */
@Controller()
export class QueryMessageHandler {
  constructor(
    private readonly store: MessageStore,
    private readonly limits: QueryLimits,
  ) {}

  @RequestHandler(RequestCode.QUERY_MESSAGE)
  async handle(request: RemotingCommand): Promise<RemotingCommand> {
    const header = decodeQueryMessageRequest(request);
    // A query by unique id asks for one message; several may have it, when a producer sent it again.
    const maxMessages = header.uniqueKeyQuery ? this.limits.defaultQueryMaxNum : header.maxNum;
    const found = await this.find(header, maxMessages);
    const fields = encodeQueryMessageResponse(found);
    if (found.records.length === 0) {
      return RemotingCommand.response(ResponseCode.QUERY_NOT_FOUND, {
        remark: 'can not find message, maybe time range not correct',
        fields,
      });
    }
    return RemotingCommand.response(ResponseCode.SUCCESS, { fields, body: found.records });
  }

  private async find(header: QueryMessageRequest, maxMessages: number): Promise<QueryMessageResult> {
    const { topic, key, beginTimestamp, endTimestamp, indexType } = header;
    try {
      return await this.store.queryMessage(
        topic,
        key,
        maxMessages,
        beginTimestamp,
        endTimestamp,
        indexType === TAG_INDEX,
      );
    } catch (error) {
      if (error instanceof StoreError && error.code === 'STORE_BUSY') {
        throw new RequestRefusedError(ResponseCode.SYSTEM_BUSY, error.message);
      }
      throw error;
    }
  }
}
